"""Progress bars on standard error, so that `--json` on standard output stays clean; lines where it is a log file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from diagnosis.progress import OnProgress, OpenBar

LINE_EVERY_S = 30.0
"""How often a line is written where standard error is no terminal."""


@contextmanager
def progress_bars() -> Iterator[OpenBar]:
    """Gives a function that opens a bar with a title and returns its `OnProgress`; the bars vanish at the end."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda title: _lines(title, console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:

        def open_bar(title: str) -> OnProgress:
            task = progress.add_task(title, total=None)

            def advance(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            return advance

        yield open_bar


def _lines(title: str, console: Console) -> OnProgress:
    """A line now and then: a run of hours whose output goes to a file can be followed there."""
    last = time.monotonic()

    def advance(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_EVERY_S:
            last = time.monotonic()
            console.print(f"{title}: {done} of {total}", markup=False, highlight=False)

    return advance


def opened_when_told(open_bar: OpenBar, title: str) -> OnProgress:
    """A bar for work that may not be needed: it opens with the first thing that is told of it."""
    opened: list[OnProgress] = []

    def advance(done: int, total: int) -> None:
        if not opened:
            opened.append(open_bar(title))
        opened[0](done, total)

    return advance


@contextmanager
def spinner(title: str) -> Iterator[None]:
    """A spinner for work whose length is not known."""
    with Console(stderr=True).status(title):
        yield
