"""The standing notice, warnings, and the style of all pages."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st
from PIL import Image, ImageDraw

from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE

_STYLE = Path(__file__).parent / "style.css"


def page_icon() -> Image.Image:
    """A crosshair on a disc. Streamlit's own icons would be fetched from the internet."""
    icon = Image.new("RGBA", (64, 64))
    draw = ImageDraw.Draw(icon)
    draw.ellipse([4, 4, 60, 60], fill=(11, 92, 138))
    draw.ellipse([22, 22, 42, 42], outline=(255, 255, 255), width=4)
    for ends in ([(32, 8), (32, 20)], [(32, 44), (32, 56)], [(8, 32), (20, 32)], [(44, 32), (56, 32)]):
        draw.line(ends, fill=(255, 255, 255), width=4)
    return icon


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
