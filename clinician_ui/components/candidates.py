"""Proposed regions as a list, each to be confirmed or dismissed."""

from collections.abc import Callable, Sequence
from typing import Protocol

import streamlit as st

from diagnosis.record import RegionOfInterest

WARNING = (
    "A program proposed these regions, and all of them may be wrong. None counts until you confirm it; a lesion that "
    "is not in the list can be marked by hand."
)


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
    """One line: place, size, probability."""
    x, y, z = proposed.region.center_mm
    size = proposed.region.diameter_mm
    return (
        f"{'' if size is None else f'{size:.0f} mm · '}x {x:.0f}, y {y:.0f}, z {z:.0f} mm · probability "
        f"{proposed.probability:.0%}{', flagged' if proposed.is_flagged else ''} · strength {proposed.strength:.2f}"
    )


def render_candidates(
    proposals: Sequence[Proposed], token: str, on_confirm: Callable[[RegionOfInterest], None] | None
) -> None:
    """Draw the list.

    Args:
        proposals: in the order shown.
        token: of the case; which ones were dismissed is remembered under it for this visit.
        on_confirm: told the region that the reader confirms; None where this reader may not mark one.
    """
    dismissed: set[int] = st.session_state.setdefault(f"dismissed-{token}", set())
    st.warning(WARNING)
    for number, proposed in enumerate(proposals):
        if number in dismissed:
            continue
        words, confirm, dismiss = st.columns([5, 1, 1], vertical_alignment="center")
        words.markdown(f"**{number + 1}** · {candidate_words(proposed)}")
        label = f"proposal {number + 1}"
        if on_confirm is not None and confirm.button("Confirm", key=f"confirm-{token}-{number}", help=f"Mark {label}"):
            on_confirm(proposed.region)
        if dismiss.button("Dismiss", key=f"dismiss-{token}-{number}", help=f"Hide {label}"):
            dismissed.add(number)
            st.rerun()
    if proposals and len(dismissed) == len(proposals):
        st.caption("All proposals were dismissed.")
