import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from drafting_cases import random_assessment, random_case, spoken

from diagnosis.drafting import (
    QUESTIONS,
    Draft,
    Evidence,
    EvidenceKind,
    Section,
    Sentence,
    answer,
    draft_report,
    sign,
    unsupported,
)
from diagnosis.drafting.wording import PHRASES, describe, levels_said
from diagnosis.errors import CaseError
from diagnosis.record import Case, ClinicalNote
from diagnosis.vocabulary import DESCRIPTOR_BY_NAME


def test_no_sentence_of_500_drafts_is_without_evidence():
    unfounded, n_sentences = [], 0
    for seed in range(500):
        case = random_case(seed)
        assessment = random_assessment(case, seed)
        draft = draft_report(case, assessment)
        n_sentences += len(draft.sentences)
        unfounded += [(seed, s) for s in unsupported(draft, case, assessment)]
        assert all(s.evidence for s in draft.sentences)
    assert unfounded == []
    assert n_sentences > 5000


@pytest.fixture
def drafted():
    case = next(c for c in map(random_case, range(100)) if len(c.present) == 3 and c.region.diameter_mm)
    assessment = random_assessment(case, 0)
    return case, assessment, draft_report(case, assessment)


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "The nodule has marked spiculation and measures 77 mm."},
        {"evidence": (Evidence(EvidenceKind.DESCRIPTOR, "spiculation", "9.9 (marked)"),)},
        {"evidence": (Evidence(EvidenceKind.WORDS, "nodule", "nodule", "note", (0, 6)),)},
        {"evidence": (Evidence(EvidenceKind.WORDS, "nodule", "nodule", "note", (0, 60_000)),)},
        {"evidence": (Evidence(EvidenceKind.MEASUREMENT, "diameter", "99 mm"),)},
        {"evidence": (Evidence(EvidenceKind.GUIDELINE, "Fleischner 2017", "x", doi="10.1/none"),)},
        {"evidence": (Evidence(EvidenceKind.WARNING, "warning 1", "it never warned"),)},
        {"evidence": (Evidence(EvidenceKind.CASE, "present", "nothing"),)},
    ],
)
def test_an_invented_sentence_is_found(drafted, changes):
    case, assessment, draft = drafted
    descriptor = next(s for s in draft.sentences if s.evidence[0].kind is EvidenceKind.DESCRIPTOR)
    invented = replace(descriptor, **changes)
    assert unsupported(replace(draft, sentences=(*draft.sentences, invented)), case, assessment) == (invented,)


def test_a_sentence_needs_evidence():
    with pytest.raises(CaseError, match="a sentence of the findings has no evidence"):
        Sentence(Section.FINDINGS, "The nodule is round.", ())


def test_sections_are_in_order_and_the_text_holds_every_sentence(drafted):
    _, _, draft = drafted
    order = [list(Section).index(s.section) for s in draft.sentences]
    assert order == sorted(order)
    assert all(s.text in draft.text for s in draft.sentences)
    assert [s["text"] for s in draft.to_json()["sentences"]] == [s.text for s in draft.sentences]


def test_contradictions_are_said_and_the_place_is_not_chosen():
    note = ClinicalNote("A 8 mm nodule in the left lower lobe.")
    case = Case(
        "c", note=note, voice_note=spoken("There is an 18 mm nodule in the right lower lobe.", random.Random(0))
    )
    draft = draft_report(case, random_assessment(case, 1))
    assert "The nodule's side: the note says left, the dictation says right; check which is right." in draft.text
    assert "The nodule's size: the note says 8 mm, the dictation says 18 mm" in draft.text
    assert "The nodule is in the" not in draft.text
    assert "The note places a nodule in the left lower lobe." in draft.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("73-year-old woman, former smoker, 40 pack-years, quit 5 years ago.", "73-year-old woman."),
        (
            "73-year-old woman, former smoker, 40 pack-years, quit 5 years ago.",
            "Former smoker, 40 pack-years, stopped smoking 5 years ago.",
        ),
        ("Mother died of lung cancer. No history of malignancy.", "Family history of lung cancer."),
        ("Mother died of lung cancer. No history of malignancy.", "No history of extrathoracic cancer."),
        ("Colon cancer 8 years ago.", "History of extrathoracic cancer (8 years ago)."),
        ("Never smoked. Quit 5 years ago.", "Smoking, by the note: never smoked."),
        ("9 mm nodule in the superior segment of the RLL.", "in the superior segment of the right lower lobe."),
        ("Nodules in both lungs.", "Nodules are in both lungs."),
        ("9 mm nodule. No effusion or pneumothorax.", "The note reports no pleural effusion or pneumothorax."),
        ("Spiculated, lobulated 9 mm nodule.", "The note reports spiculation and lobulation."),
        (
            "60-year-old man, smoker. Solid 9 mm nodule in the right upper lobe.",
            "or tissue sampling. Applied to: age 60 (note); mean diameter 9 mm (note); nodule type solid (note);",
        ),
        (
            "60-year-old man. 9 mm nodule with popcorn calcification.",
            "Fleischner 2017 does not apply: benign calcification or fat is stated; no follow-up category applies.",
        ),
    ],
)
def test_how_it_is_said(text, told):
    case = Case("c", note=ClinicalNote(text))
    assessment = random_assessment(case, 1)
    draft = draft_report(case, assessment)
    assert told in draft.text
    assert unsupported(draft, case, assessment) == ()


def test_the_impression_begins_with_the_nodule(drafted):
    case, _, draft = drafted
    first = next(s for s in draft.sentences if s.section is Section.IMPRESSION)
    assert f"nodule of {case.region.diameter_mm:g} mm" in first.text
    assert {e.kind for e in first.evidence} >= {EvidenceKind.DESCRIPTOR, EvidenceKind.MEASUREMENT}


def test_descriptor_ratings_are_told_only_with_a_ct():
    case = Case("c", note=ClinicalNote("Nodule in the lingula."))
    assessment = random_assessment(case, 3)
    kinds = {e.kind for s in draft_report(case, assessment).sentences for e in s.evidence}
    assert EvidenceKind.DESCRIPTOR not in kinds
    assert answer("Is it spiculated?", case, assessment).text.startswith("Not known")


ASKED = Case(
    "c",
    note=ClinicalNote(
        "68-year-old male, smoker. Spiculated 14 mm nodule in the right upper lobe. No effusion. No history of cancer."
    ),
)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Is it spiculated?", "the note states spiculation"),
        ("How large is it?", "a diameter of 14 mm"),
        ("Which lobe?", "right upper lobe"),
        ("Does the patient smoke?", "Smoker."),
        ("How old is the patient?", "68-year-old man."),
        ("What speaks for malignancy?", "place in the right upper lobe"),
        ("What speaks against malignancy?", "extrathoracic cancer denied"),
        ("Is there an effusion?", "the note denies effusion"),
        ("How likely is malignancy?", "Calibrated probability"),
        ("What is recommended?", "Fleischner 2017 cannot be computed without"),
    ],
)
def test_questions_are_answered_with_evidence(question, words):
    found = answer(question, ASKED, random_assessment(ASKED, 5))
    assert words.lower() in found.text.lower()
    assert found.is_known


@pytest.mark.parametrize(
    ("rating", "note", "begins"),
    [
        (1.2, "Spiculated nodule.", "The sources differ: "),
        (4.8, "No spiculation.", "The sources differ: "),
        (4.8, "Spiculated nodule.", "Yes: "),
        (1.2, "No spiculation.", "No: "),
        (1.2, "Possibly spiculated nodule.", "No: "),
    ],
)
def test_words_that_contradict_the_ct_are_told_first(drafted, rating, note, begins):
    case, assessment, _ = drafted
    known = DESCRIPTOR_BY_NAME["spiculation"]
    rated = tuple(
        replace(d, value=rating, wording=known.wording(rating)) if d.name == known.name else d
        for d in assessment.descriptors
    )
    written = replace(case, note=ClinicalNote(note), voice_note=None)
    assert answer("Is it spiculated?", written, replace(assessment, descriptors=rated)).text.startswith(begins)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Is it calcified?", "no words say it"),
        ("Is there a pneumothorax?", "neither note nor dictation speaks of pneumothorax"),
        ("Do the sources contradict each other?", "no contradiction was found"),
        ("What did the patient eat?", "none of the questions that can be answered"),
    ],
)
def test_not_known_is_an_answer(question, reason):
    found = answer(question, ASKED, random_assessment(ASKED, 5))
    assert found.text.startswith("Not known")
    assert reason in found.text
    assert not found.is_known


def test_every_listed_question_is_recognized():
    for question in QUESTIONS:
        assert "none of the questions" not in answer(question, ASKED, random_assessment(ASKED, 5)).text


def test_answers_rest_on_evidence_that_holds():
    for seed in range(40):
        case = random_case(seed)
        assessment = random_assessment(case, seed)
        for question in QUESTIONS:
            found = answer(question, case, assessment)
            if found.is_known:
                sentence = Sentence(Section.FINDINGS, "As asked.", found.evidence)
                draft = Draft(case.case_id, (sentence,), "b")
                assert unsupported(draft, case, assessment) == (), question


def test_a_signed_report_keeps_what_was_changed(drafted):
    _, _, draft = drafted
    dropped = draft.sentences[-1].text
    edited = draft.text.replace(dropped, "Seen by me: no change.")
    report = sign(draft, edited, "dr-a", datetime(2026, 1, 2, tzinfo=UTC))
    assert report.unsupported == ("Seen by me: no change.",)
    assert report.dropped == (dropped,)
    assert "+Seen by me: no change." in report.diff
    assert f"-{dropped}" in report.diff
    assert sign(draft, draft.text, "dr-a", datetime(2026, 1, 2, tzinfo=UTC)).diff == ""


def test_signing_needs_a_name_a_text_and_a_zone(drafted):
    _, _, draft = drafted
    with pytest.raises(CaseError, match="nobody signs it"):
        sign(draft, draft.text, " ", datetime(2026, 1, 2, tzinfo=UTC))
    with pytest.raises(CaseError, match="no time zone"):
        sign(draft, draft.text, "dr-a", datetime(2026, 1, 2))  # noqa: DTZ001


def test_phrases_are_read_back_as_they_were_said():
    for name, levels in PHRASES.items():
        assert len(levels) == len(DESCRIPTOR_BY_NAME[name].levels)
        for level, words in enumerate(levels, start=1):
            assert levels_said(f"A nodule , {words} .") == {name: {level}}
    ratings = {name: float(len(levels)) for name, levels in PHRASES.items()}
    assert levels_said(describe(ratings)) == {name: {len(levels)} for name, levels in PHRASES.items()}


def of_words(note, dictation=None):
    """A case of words alone, with a made-up assessment."""
    voice = spoken(dictation, random.Random(0)) if dictation else None
    case = Case("case-1", None, None, ClinicalNote(note), voice)
    return case, random_assessment(case, 3)


def test_a_nodule_that_is_gone_is_told():
    case, assessment = of_words("The 6 mm nodule in the right upper lobe is no longer seen.")
    draft = draft_report(case, assessment)
    assert "The note reports no nodule." in [s.text for s in draft.sentences]
    assert not any("6" in s.text for s in draft.sentences if s.section is Section.FINDINGS)
    assert unsupported(draft, case, assessment) == ()


def test_reasons_that_are_opposed_name_who_says_so():
    case, assessment = of_words(
        "Emphysema. 8 mm nodule in the right upper lobe.", "No emphysema. Left lower lobe nodule."
    )
    speaks_for = answer("what speaks for malignancy?", case, assessment).text
    assert "emphysema, by the note" in speaks_for.lower()
    assert "upper lobe" not in speaks_for  # which of the two it is, is not settled
    assert "emphysema denied, by the dictation" in answer("against?", case, assessment).text.lower()
