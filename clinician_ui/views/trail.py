"""The audit trail: who saw, changed and decided what, and whether the trail is whole."""

import json
from html import escape

import streamlit as st

from clinician_ui.access import require
from clinician_ui.archive import open_archive
from clinician_ui.permissions import Permission
from diagnosis.errors import DiagnosisError
from diagnosis.store.audit import Event, read_events
from diagnosis.store.verification import verify_trail

SHOWN = (50, 200, 1000)


def render_trail() -> None:
    """Draw the page."""
    title, last, verify = st.columns([4, 1, 1], vertical_alignment="bottom")
    with title:
        st.title("Audit trail", anchor=False)
        st.caption("Newest first. Each event holds the hash of the one before it: Verify finds any change.")
    try:
        require(Permission.SEE_TRAIL)
        count = last.selectbox("Events shown", SHOWN, key="trail-last")
        if verify.button("Verify", type="primary", width="stretch", key="trail-verify"):
            _render_report()
        events = read_events(open_archive(), last=count)
    except DiagnosisError as error:
        st.error(str(error))
        return
    if not events:
        st.info("Nothing has happened yet.")
        return
    rows = "".join(_row(event) for event in reversed(events))
    st.html(
        '<section class="dx-card" tabindex="0" role="region" aria-label="Events"><table class="dx-table"><thead><tr>'
        "<th>Event</th><th>Time (UTC)</th><th>Who</th><th>Role</th><th>What</th><th>Case</th><th>Detail</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></section>"
    )


def _render_report() -> None:
    with st.spinner("Verifying"):
        report = verify_trail(open_archive())
    if report.faults:
        st.error("The trail was changed. Keep the database as it is, and compare it with a backup.")
        st.html("<ul>" + "".join(f"<li>{escape(fault)}</li>" for fault in report.faults[:50]) + "</ul>")
        return
    st.success(f"{report.n_events:,} events and {report.n_records:,} records are as they were written.")
    st.caption(f"Last event, worth noting elsewhere: {report.head_sha256}")


def _row(event: Event) -> str:
    moment = event.at[:19].replace("T", " ")
    cells = (moment, event.actor, event.role, event.action, event.subject[:8], _words(event.detail))
    return (
        f'<tr><td class="dx-number">{event.seq}</td>' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    )


def _words(detail: str) -> str:
    try:
        values = json.loads(detail)
    except ValueError:
        return detail[:60]
    record = values.pop("record", None)
    words = [f"{key.replace('_', ' ')} {str(value)[:24]}" for key, value in sorted(values.items())]
    return ", ".join([*words, f"{record['table'].replace('_', ' ')} {record['id']}"] if record else words)
