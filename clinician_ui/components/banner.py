"""The standing notice, warnings, and the style of all pages."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE

_STYLE = Path(__file__).parent / "style.css"


def apply_style() -> None:
    """Load the style sheet into the page."""
    st.html(f"<style>{_STYLE.read_text(encoding='utf-8')}</style>")


def render_banner() -> None:
    """Say on every page what this is not."""
    st.html(f'<div class="dx-banner" role="note">{escape(NOT_A_MEDICAL_DEVICE)}</div>')


def render_warnings(warnings: Sequence[str]) -> None:
    """Each warning as a line of one box; nothing where there are none."""
    if warnings:
        lines = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
        st.html(f'<div class="dx-warnings" role="status"><b>Please note</b><ul>{lines}</ul></div>')
