"""Proposed regions are a list to confirm or dismiss; nothing is marked by itself, and what is decided is kept."""

import json
import shutil
from dataclasses import dataclass

import pytest
from dashboard_records import html_of
from streamlit.testing.v1 import AppTest

from clinician_ui.archive import open_archive
from clinician_ui.components.candidates import candidate_words, place_words
from clinician_ui.permissions import Visitor
from clinician_ui.proposals import Proposal, Proposals, decide_proposal, decisions_on, proposal_key
from clinician_ui.services import assess_case, list_cases, load_case
from diagnosis.errors import AccessError
from diagnosis.record import RegionOfInterest
from diagnosis.store.actors import Role
from diagnosis.store.proposals import ProposalDecision
from diagnosis.store.results import ResultKind, save_result
from diagnosis.store.verification import verify_trail


@dataclass(frozen=True)
class Proposed:
    region: RegionOfInterest
    strength: float
    probability: float
    is_flagged: bool


def page() -> None:
    import streamlit as st

    from clinician_ui.components.candidates import Deciding, render_candidates
    from clinician_ui.proposals import Proposal
    from diagnosis.record import RegionOfInterest

    found = [Proposal(RegionOfInterest((10.0 * n, 0.0, 0.0), 8.0), 0.5, 0.4, n == 0) for n in range(2)]
    told = st.session_state.setdefault("told", [])
    deciding = Deciding(lambda place: told.append(("show", place)))
    if st.session_state.get("may", True):
        deciding = Deciding(
            deciding.show,
            confirm=lambda place: told.append(("confirm", place)),
            dismiss=lambda place: told.append(("dismiss", place)),
            restore=lambda place: told.append(("restore", place)),
        )
    render_candidates(found, "t", st.session_state.get("dismissed", {}), deciding)


def test_a_proposal_in_words():
    proposed = Proposed(RegionOfInterest((1.2, -3.0, 40.0), 12.4), 0.87, 0.33, True)
    assert candidate_words(proposed) == "12 mm · probability 33%, flagged"
    assert place_words(proposed) == "x 1, y -3, z 40 mm (LPS) · like a lesion 0.87 of 1"


def test_decisions_are_handed_on_and_what_was_dismissed_lies_apart():
    app = AppTest.from_function(page, default_timeout=600).run()
    assert "all of them may be wrong" in app.caption[0].value
    app.button(key="show-t-1").click().run()
    app.button(key="confirm-t-1").click().run()
    app.button(key="dismiss-t-0").click().run()
    app.session_state["dismissed"] = {0: "dismissed by rad-17"}
    app.run()
    assert [text.value[:5] for text in app.markdown] == ["**2**"]
    assert app.expander[0].label == "Dismissed: 1"
    assert app.expander[0].caption[0].value.endswith("dismissed by rad-17")
    app.button(key="restore-t-0").click().run()
    assert app.session_state["told"] == [("show", 1), ("confirm", 1), ("dismiss", 0), ("restore", 0)]
    app.session_state["dismissed"] = {0: "", 1: ""}
    app.run()
    assert app.caption[1].value == "All proposals were dismissed."


def test_a_reader_who_may_not_mark_can_decide_nothing():
    app = AppTest.from_function(page, default_timeout=600)
    app.session_state["may"] = False
    app.session_state["dismissed"] = {0: ""}
    app.run()
    assert [button.label for button in app.button] == ["Show"]


def test_decisions_outlive_the_session_and_a_confirmed_region_is_marked(checkout, tmp_path, ui_bundle, start):
    shutil.copytree(checkout / "data_samples" / "case_004", tmp_path / "unmarked")
    path = tmp_path / "unmarked" / "case.json"
    stated = json.loads(path.read_text())
    center = tuple(stated.pop("region")["center_mm"])
    path.write_text(json.dumps(stated))
    (tmp_path / "unmarked" / "note.txt").write_text("Nodule of 12 mm.")
    (entry,) = list_cases(tmp_path)
    assess_case(entry, ui_bundle)
    found = tuple(Proposal(RegionOfInterest(place, 12.0), 0.5, 0.4, False) for place in (center, (0.0, 0.0, 0.0)))
    save_result(open_archive(), ResultKind.PROPOSALS, proposal_key(entry, ui_bundle), Proposals(found))

    def opened():
        app = start(tmp_path, ui_bundle)
        return next(b for b in app.button if b.label == stated["case_id"]).click().run()

    app = opened()
    app.button(key=f"show-{entry.token}-1").click().run()
    assert app.session_state[f"look-{entry.token}"] == (1, found[1].region)
    app.button(key=f"show-{entry.token}-0").click().run()
    assert app.session_state[f"look-{entry.token}"] == (2, found[0].region)
    assert any("Descriptors, such as margin and texture, are read from a CT" in c.value for c in app.caption)
    app.button(key=f"dismiss-{entry.token}-1").click().run()
    assert not app.exception
    app = opened()
    assert {b.label for b in app.button if "proposal" in (b.help or "")} == {
        "Show",
        "Confirm",
        "Dismiss",
        "Restore",
    }
    app.button(key=f"restore-{entry.token}-1").click().run()
    assert opened().button(key=f"dismiss-{entry.token}-1")
    app.button(key=f"confirm-{entry.token}-0").click().run()
    assert not app.exception
    assert load_case(entry).region.center_mm == center
    assert "On its scale" in html_of(opened())
    decided = {place: kept.decision.value for place, kept in decisions_on(entry, Proposals(found)).items()}
    assert decided == {0: "confirm", 1: "restore"}
    assert verify_trail(open_archive()).faults == ()


def test_who_may_not_edit_may_not_decide(cases_dir, ui_bundle, monkeypatch):
    entry = next(e for e in list_cases(cases_dir) if e.folder.name == "case_004")
    assess_case(entry, ui_bundle)
    visitor = Visitor("v", frozenset({Role.VIEWER}))
    for module in ("access", "services"):
        monkeypatch.setattr(f"clinician_ui.{module}.current_visitor", lambda: visitor)
    proposal = Proposal(RegionOfInterest((0.0, 0.0, 0.0), 8.0), 0.5, 0.4, False)
    with pytest.raises(AccessError):
        decide_proposal(entry, proposal, ProposalDecision.DISMISS)
    assert decisions_on(entry, Proposals((proposal,))) == {}
