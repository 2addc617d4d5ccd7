"""Progress bars on standard error, so that `--json` on standard output stays clean."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

OnProgress = Callable[[int, int], None]
"""Called with (done, all)."""


@contextmanager
def progress_bars() -> Iterator[Callable[[str], OnProgress]]:
    """Gives a function that opens a bar with a title and returns its `OnProgress`; the bars vanish at the end."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:

        def open_bar(title: str) -> OnProgress:
            task = progress.add_task(title, total=None)

            def advance(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            return advance

        yield open_bar


@contextmanager
def spinner(title: str) -> Iterator[None]:
    """A spinner for work whose length is not known."""
    with Console(stderr=True).status(title):
        yield
