"""`diagnosis audit`: the trail of who saw, changed and decided what."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from diagnosis.errors import AuditError

audit_app = typer.Typer(help="The trail of every view, assessment, edit, review and export.", no_args_is_help=True)

StoreOption = Annotated[
    str | None,
    typer.Option("--store", help="Database: a URL, or a SQLite file (default: DIAGNOSIS_STORE or the user's own)."),
]


@audit_app.command("verify")
def verify_command(
    store: StoreOption = None,
    expect: Annotated[
        str | None, typer.Option("--expect", help="Hash of the last event, as noted at an earlier time.")
    ] = None,
) -> None:
    """Look for anything that was changed, taken away or put in; exit code 18 where there is."""
    from diagnosis.store.database import Store
    from diagnosis.store.verification import verify_trail

    report = verify_trail(Store.open(store, must_exist=True), expect)
    console = Console()
    for fault in report.faults:
        console.print(f"[bold red]Changed:[/] {escape(fault)}", soft_wrap=True)
    if report.faults:
        msg = (
            f"audit trail: {len(report.faults)} faults in {report.n_events} events and {report.n_records} records; "
            "keep the database as it is, and compare it with a backup"
        )
        raise AuditError(msg)
    console.print(f"{report.n_events} events and {report.n_records} records are as they were written.")
    console.print(f"Last event: {report.head_sha256}", soft_wrap=True)


@audit_app.command("show")
def show_command(
    store: StoreOption = None,
    last: Annotated[int, typer.Option("--last", min=1, help="How many events.")] = 20,
    case: Annotated[str | None, typer.Option("--case", help="Only one case, by the token in its address.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show the newest events."""
    from dataclasses import asdict

    from rich.table import Table

    from diagnosis.store.audit import read_events
    from diagnosis.store.database import Store

    events = read_events(Store.open(store, must_exist=True), subject=case, last=last)
    if as_json:
        for event in events:
            typer.echo(json.dumps(asdict(event) | {"detail": json.loads(event.detail)}, sort_keys=True))
        return
    table = Table()
    for title in ("event", "time (UTC)", "who", "role", "what", "case", "detail"):
        table.add_column(title, overflow="fold")
    for event in events:
        moment = event.at[:19].replace("T", " ")
        table.add_row(
            str(event.seq),
            moment,
            escape(event.actor),
            event.role,
            event.action,
            event.subject,
            escape(_short(event.detail)),
        )
    Console().print(table)


def _short(detail: str) -> str:
    """A document in words; hashes by their first figures."""
    values = json.loads(detail)
    record = values.pop("record", None)
    words = [f"{key} {_first(value)}" for key, value in sorted(values.items())]
    return ", ".join(words + ([f"{record['table']} {record['id']}"] if record else []))


def _first(value: object) -> str:
    text = str(value)
    return f"{text[:8]}…" if len(text) == 64 else text
