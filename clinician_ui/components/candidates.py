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


@final
@dataclass(frozen=True)
class Deciding:
    """What a reader who may decide can do; each is told a proposal's place in the list, from 0."""

    confirm: Callable[[int], None]
    dismiss: Callable[[int], None]
    restore: Callable[[int], None]


def render_candidates(
    proposals: Sequence[Proposed], token: str, dismissed: Mapping[int, str], deciding: Deciding | None
) -> None:
    """Draw the list, the dismissed ones folded away below it.

    Args:
        proposals: in the order shown.
        token: of the case.
        dismissed: who dismissed it and when, for the place of each proposal that was.
        deciding: None where this reader may not decide.
    """
    st.warning(WARNING)
    for place, proposed in enumerate(proposals):
        if place not in dismissed:
            _render_open(place, proposed, token, deciding)
    if proposals and len(dismissed) == len(proposals):
        st.caption("All proposals were dismissed.")
    if not dismissed:
        return
    with st.expander(f"Dismissed: {len(dismissed)}", key=f"fold-dismissed-{token}"):
        for place in sorted(dismissed):
            words, restore = st.columns([6, 1], vertical_alignment="center")
            words.caption(f"**{place + 1}** · {candidate_words(proposals[place])} · {dismissed[place]}")
            hint = f"Put proposal {place + 1} back into the list"
            if deciding is not None and restore.button("Restore", key=f"restore-{token}-{place}", help=hint):
                deciding.restore(place)


def _render_open(place: int, proposed: Proposed, token: str, deciding: Deciding | None) -> None:
    words, confirm, dismiss = st.columns([5, 1, 1], vertical_alignment="center")
    words.markdown(f"**{place + 1}** · {candidate_words(proposed)}")
    if deciding is None:
        return
    label = f"proposal {place + 1}"
    if confirm.button("Confirm", key=f"confirm-{token}-{place}", help=f"Mark {label}", width="stretch"):
        deciding.confirm(place)
    if dismiss.button("Dismiss", key=f"dismiss-{token}-{place}", help=f"Dismiss {label} for all", width="stretch"):
        deciding.dismiss(place)
