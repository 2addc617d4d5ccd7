"""Proposed regions are a list to confirm or dismiss; nothing is marked by itself."""

from dataclasses import dataclass

from streamlit.testing.v1 import AppTest

from clinician_ui.components.candidates import candidate_words
from diagnosis.record import RegionOfInterest


@dataclass(frozen=True)
class Proposed:
    region: RegionOfInterest
    strength: float
    probability: float
    is_flagged: bool


def page() -> None:
    import streamlit as st

    from clinician_ui.components.candidates import render_candidates
    from clinician_ui.proposals import Proposal
    from diagnosis.record import RegionOfInterest

    found = [Proposal(RegionOfInterest((10.0 * n, 0.0, 0.0), 8.0), 0.5, 0.4, n == 0) for n in range(2)]

    def confirm(region: RegionOfInterest) -> None:
        st.session_state["confirmed"] = region.center_mm

    render_candidates(found, "t", confirm if st.session_state.get("may", True) else None)


def test_a_proposal_in_words():
    words = candidate_words(Proposed(RegionOfInterest((1.2, -3.0, 40.0), 12.4), 0.87, 0.33, True))
    assert words == "12 mm · x 1, y -3, z 40 mm · probability 33%, flagged · strength 0.87"


def test_confirmed_is_handed_on_and_dismissed_is_hidden():
    app = AppTest.from_function(page, default_timeout=60).run()
    assert "all of them may be wrong" in app.warning[0].value
    app.button(key="confirm-t-1").click().run()
    assert app.session_state["confirmed"] == (10.0, 0.0, 0.0)
    app.button(key="dismiss-t-0").click().run()
    assert [text.value[:5] for text in app.markdown] == ["**2** "[:5]]
    app.button(key="dismiss-t-1").click().run()
    assert app.caption[0].value == "All proposals were dismissed."


def test_a_reader_who_may_not_mark_sees_no_confirm():
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state["may"] = False
    app.run()
    assert {button.label for button in app.button} == {"Dismiss"}
