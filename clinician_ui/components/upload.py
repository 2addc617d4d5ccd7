"""A file from the browser to a place on the server's disk, piece by piece, with a bar that shows how far it is."""

from pathlib import Path

import streamlit as st

from clinician_ui import scripts
from clinician_ui.delivery import ROUTE

_CSS = Path(__file__).parent.parent / "static" / "upload.css"


def render_upload(token: str, piece_bytes: int, most_bytes: int) -> bool:
    """Draw the field; True once, when the whole file has arrived.

    Args:
        token: of the slot that takes the file.
        piece_bytes: sent at a time.
        most_bytes: larger files are refused before anything is sent.
    """
    component = st.components.v2.component(
        "upload",
        html='<div class="upload"></div>',
        css=_CSS.read_text(encoding="utf-8"),
        js=scripts.own_scripts()["upload.js"].decode("utf-8"),
    )
    data = {"address": f"{ROUTE}/upload/{token}", "piece_bytes": piece_bytes, "most_bytes": most_bytes}
    result = component(key=f"upload-{token}", data=data, on_uploaded_change=lambda: None)
    return result.uploaded is not None
