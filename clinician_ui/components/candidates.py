"""Proposed regions as a list, each to be confirmed or dismissed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, final

import streamlit as st

from diagnosis.record import RegionOfInterest

WARNING = (
    "A program proposed these regions, and all of them may be wrong. None counts until you confirm it; a lesion that "
    "is not in the list can be marked by hand."
)

LIST_HEIGHT = 400
MOST_IN_FULL = 4
"""A longer list scrolls by itself, so that what was found stays in sight."""


class Proposed(Protocol):
    """What is shown of a proposed region."""

    @property
    def region(self) -> RegionOfInterest:
        """Where it is."""

    @property
    def strength(self) -> float:
        """How much it is like a lesion, in [0,1]."""

    @property
    def probability(self) -> float:
        """Calibrated, of the main finding."""

    @property
    def is_flagged(self) -> bool:
        """Whether that reaches the threshold."""


def candidate_words(proposed: Proposed) -> str:
    """Size and probability."""
    size = proposed.region.diameter_mm
    flag = ", flagged" if proposed.is_flagged else ""
    return f"{'' if size is None else f'{size:.0f} mm · '}probability {proposed.probability:.0%}{flag}"


def place_words(proposed: Proposed) -> str:
    """Where it is, and how much it is like a lesion."""
    x, y, z = proposed.region.center_mm
    return f"x {x:.0f}, y {y:.0f}, z {z:.0f} mm (LPS) · like a lesion {proposed.strength:.2f} of 1"


@final
@dataclass(frozen=True)
class Deciding:
    """What a reader can do; each is told a proposal's place in the list, from 0; None where they may not.

    Attributes:
        show: bring the pictures to it.
        confirm, dismiss, restore: decide.
    """

    show: Callable[[int], None]
    confirm: Callable[[int], None] | None = None
    dismiss: Callable[[int], None] | None = None
    restore: Callable[[int], None] | None = None


def render_candidates(
    proposals: Sequence[Proposed], token: str, dismissed: Mapping[int, str], deciding: Deciding
) -> None:
    """Draw the list for a narrow column, the dismissed ones folded away below it.

    Args:
        proposals: in the order shown.
        token: of the case.
        dismissed: who dismissed it and when, for the place of each proposal that was.
        deciding: what this reader can do.
    """
    waiting = [place for place in range(len(proposals)) if place not in dismissed]
    st.caption(WARNING)
    if waiting:
        with st.container(height=LIST_HEIGHT if len(waiting) > MOST_IN_FULL else "content", key=f"proposals-{token}"):
            for place in waiting:
                _render_open(place, proposals[place], token, deciding)
    elif proposals:
        st.caption("All proposals were dismissed.")
    if not dismissed:
        return
    with st.expander(f"Dismissed: {len(dismissed)}", key=f"fold-dismissed-{token}"):
        for place in sorted(dismissed):
            words, restore = st.columns([2.6, 1], vertical_alignment="center")
            words.caption(f"**{place + 1}** · {candidate_words(proposals[place])} · {dismissed[place]}")
            hint = f"Put proposal {place + 1} back into the list"
            if deciding.restore is not None and restore.button(
                "Restore", key=f"restore-{token}-{place}", help=hint, width="stretch"
            ):
                deciding.restore(place)


def _render_open(place: int, proposed: Proposed, token: str, deciding: Deciding) -> None:
    st.markdown(f"**{place + 1}** · {candidate_words(proposed)}", help=place_words(proposed))
    label = f"proposal {place + 1}"
    asked = (
        ("Show", f"Bring the pictures to {label}", deciding.show),
        ("Confirm", f"Mark {label}, and assess the CT there", deciding.confirm),
        ("Dismiss", f"Dismiss {label} for all readers", deciding.dismiss),
    )
    line = st.container(horizontal=True)
    for words, hint, do in asked:
        key = f"{words.lower()}-{token}-{place}"
        if do is not None and line.button(words, key=key, help=hint, width="stretch"):
            do(place)
