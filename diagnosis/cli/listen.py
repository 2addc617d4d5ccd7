"""`diagnosis listen`: studies come from the archive, results go back."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from diagnosis.cli import options
from diagnosis.vocabulary import ExportFormat, counted

if TYPE_CHECKING:
    from diagnosis.intake import Outcome
    from diagnosis.pacs.config import PacsConfig
    from diagnosis.pacs.inbox import Arrival, Inbox, ListSeries

POLL_S = 0.2
CLAIM = ".listen.lock"


Regions = Annotated[
    Path | None,
    typer.Option(
        "--regions",
        help="CSV: study_uid, center_x_mm, center_y_mm, center_z_mm, diameter_mm. Other studies are searched.",
    ),
]
Formats = Annotated[
    list[ExportFormat] | None, typer.Option("--format", help="As for export; may be given again (default: all).")
]


def listen_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for results, one a study.")],
    pacs: options.Pacs = None,
    protocol: options.Protocol = None,
    regions: Regions = None,
    format: Formats = None,
    send_back: Annotated[bool, typer.Option("--send-back", help="Send the results to the archive.")] = False,
    keep_images: Annotated[bool, typer.Option("--keep-images", help="Keep the images beside the results.")] = False,
    studies: Annotated[int, typer.Option("--studies", help="Stop after so many; 0: go on until stopped.")] = 0,
    bundle: options.Bundle = None,
) -> None:
    """Receive studies, assess each one that is complete, and write or send its results."""
    from diagnosis.extras import require_extra

    require_extra("pacs", "pacs")
    require_extra("export", "export")
    from diagnosis.cli.progress import spinner
    from diagnosis.pacs.associations import STORAGE_CLASSES
    from diagnosis.pacs.config import load_config
    from diagnosis.pacs.inbox import Inbox
    from diagnosis.pacs.pull import open_archive
    from diagnosis.pacs.receiver import Receiver

    config = load_config(pacs)
    name = protocol.value if protocol else None
    _claimed = _claim(out)  # until the command ends
    with spinner("Loading the model"):
        from diagnosis import DiagnosisEngine
        from diagnosis.intake import IntakeOptions, read_regions, take_in

        engine = DiagnosisEngine.load(bundle)
    intake = IntakeOptions(
        out=out,
        formats=format or list(ExportFormat),
        regions=read_regions(regions) if regions is not None else {},
        send_to=open_archive(config, name) if send_back else None,
        keeps_images=keep_images,
    )
    inbox = Inbox(out / ".inbox", config.completeness, config.limits, _asker(config, name))
    console = Console()
    failures = []
    with Receiver(config, inbox.take, STORAGE_CLASSES).running() as receiver, _until_stopped() as stopped:
        console.print(f"Listening as {config.local.ae_title} on {config.local.address}, port {receiver.port}")
        for arrival in islice(_arrivals(inbox, stopped), studies or None):
            outcome = take_in(engine, arrival, intake)
            _print(outcome, console)
            failures += [] if outcome.error is None else [outcome.error]
    if studies and failures:
        raise failures[0]


def _claim(out: Path) -> IO[str]:
    """Keep the folder from other listeners, which would take up what is coming in here, until the file is closed.

    Raises:
        ConfigurationError: another listener has it.
    """
    import fcntl

    from diagnosis.errors import ConfigurationError

    out.mkdir(parents=True, exist_ok=True)
    claim = (out / CLAIM).open("a")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        claim.close()
        msg = "listen: another listener works in the folder of --out; stop it, or name another folder"
        raise ConfigurationError(msg) from error
    return claim


def _arrivals(inbox: "Inbox", stopped: threading.Event) -> "Iterator[Arrival]":
    """Each study that has come, until the program is asked to stop."""
    while not stopped.is_set():
        arrival = inbox.next_arrival()
        if arrival is None:
            stopped.wait(POLL_S)
        else:
            yield arrival


def _asker(config: "PacsConfig", protocol: str | None) -> "ListSeries | None":
    """How the archive is asked what a study has; None where there is none to ask."""
    from diagnosis.pacs.pull import open_archive

    if config.dicomweb is None and config.dimse is None:
        return None
    return open_archive(config, protocol).list_series


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """Set by SIGINT and SIGTERM, so that the study at hand is finished and connections are closed."""
    stopped = threading.Event()
    kept = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _print(outcome: "Outcome", console: Console) -> None:
    arrival = outcome.arrival
    came = f"{counted(arrival.n_images, 'image')}, {arrival.ending.value}"
    said = "assessed" if outcome.assessment is not None else "not assessed"
    sent = f", {counted(outcome.n_sent, 'result')} sent" if outcome.n_sent else ""
    console.print(f"{outcome.folder.name}: {came}, {said}{sent}", soft_wrap=True)
    if outcome.error is not None:
        console.print(f"[yellow]Note:[/] {escape(str(outcome.error))}", soft_wrap=True)
