"""The one diverging color scale: orange speaks for the finding, blue against, nothing is transparent."""

from typing import Any

import numpy as np
import numpy.typing as npt

FOR_RGB = (230, 97, 1)
AGAINST_RGB = (43, 108, 176)
"""ColorBrewer-like orange and blue, told apart in protanopia, deuteranopia and tritanopia."""

MAX_OPACITY = 0.65


def strength(values: npt.NDArray[np.floating[Any]] | float, scale: float) -> npt.NDArray[np.float64]:
    """|value| / scale within [0,1]; all zero for a scale of zero."""
    if scale <= 0:
        return np.zeros(np.shape(values))
    return np.clip(np.abs(values) / scale, 0.0, 1.0)


def overlay_rgba(
    values: npt.NDArray[np.floating[Any]], scale: float, opacity: float = MAX_OPACITY
) -> npt.NDArray[np.float64]:
    """RGBA in [0,1], (…,4); opacity grows with the attribution, and zero is transparent."""
    rgba = np.empty((*values.shape, 4))
    colors = np.where(values[..., None] >= 0, np.array(FOR_RGB), np.array(AGAINST_RGB)) / 255.0
    rgba[..., :3] = colors
    rgba[..., 3] = opacity * strength(values, scale)
    return rgba


def tint_css(value: float, scale: float) -> str:
    """A CSS background for a word; dark text stays readable on it."""
    red, green, blue = FOR_RGB if value >= 0 else AGAINST_RGB
    return f"rgba({red},{green},{blue},{0.55 * float(strength(value, scale)):.2f})"
