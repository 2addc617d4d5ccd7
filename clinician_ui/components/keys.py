"""The keys of the dashboard, listed where they can be looked up on every page."""

from collections.abc import Sequence
from html import escape

import streamlit as st

Keys = Sequence[tuple[str, str]]
WORKLIST_KEYS: Keys = (
    ("U", "open the next unread case"),
    ("A", "assess all that wait"),
    ("N", "next page of the list"),
    ("P", "previous page of the list"),
)
CASE_KEYS: Keys = (
    ("U", "next unread case"),
    ("Shift U", "previous unread case"),
    ("J", "next case"),
    ("K", "previous case"),
    ("W", "back to the worklist"),
    ("Y", "accept"),
    ("V", "override"),
    ("D", "defer"),
    ("Ctrl Enter", "save the review that is open"),
    ("E", "explain the assessment"),
)
VIEWER_KEYS: Keys = (
    ("1 2 3", "lung, mediastinum, bone window"),
    ("O", "explanation overlay on or off"),
    ("X", "crosshair on or off"),
    ("G", "go to the region"),
    ("P", "go to the peak of the overlay"),
    ("Arrows", "move the crosshair in the plane that was clicked last"),
    ("Page Up", "next slice of that plane"),
    ("Page Down", "previous slice"),
    ("R", "with tool Region: propose one there"),
)


def render_keys() -> None:
    """A button that opens the list."""
    with st.container(key="keys", width="content"), st.popover("Keys", icon=":material/keyboard:"):
        st.html(keys_html())


def keys_html() -> str:
    """HTML of the list."""
    groups = (("Worklist", WORKLIST_KEYS), ("Case", CASE_KEYS), ("Pictures", VIEWER_KEYS))
    parts = "".join(f"<div><h3>{title}</h3><table>{''.join(map(_row, keys))}</table></div>" for title, keys in groups)
    return f'<section class="dx-keylist" tabindex="0" role="region" aria-label="Keys">{parts}</section>'


def _row(key: tuple[str, str]) -> str:
    return f'<tr><th scope="row"><kbd>{escape(key[0])}</kbd></th><td>{escape(key[1])}</td></tr>'
