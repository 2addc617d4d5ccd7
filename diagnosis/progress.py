"""What is called while something long is done, so that whoever waits is shown how far it is."""

from collections.abc import Callable

OnProgress = Callable[[int, int], None]
"""Called with (done, all), the last time with both equal."""
OpenBar = Callable[[str], OnProgress]
"""Opens a bar under a title, and gives what moves it on."""
