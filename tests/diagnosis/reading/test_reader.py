import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.ingest.notes import note_from_text
from diagnosis.reading import FactKind, Source, assertions_of, read_dictation, read_note, read_text
from diagnosis.reading.sentences import sentence_spans
from diagnosis.reading.sizes import find_lengths
from diagnosis.record import SpeechSegment, VoiceNote, Word


def meant(text: str, phrase: str):
    start = text.index(phrase)
    return assertions_of(text, start, start + len(phrase))


def facts_named(text: str, name: str):
    return [fact for fact in read_text(text) if fact.name == name]


@pytest.mark.parametrize(
    ("text", "phrase", "negated"),
    [
        ("No pleural effusion or pneumothorax.", "pneumothorax", True),
        ("No effusion, but a nodule is seen.", "nodule", False),
        ("No change in the nodule.", "nodule", False),
        ("Nodule is not seen.", "Nodule", True),
        ("Fever: none.", "Fever", True),
        ("No fever. Nodule in the left lung.", "Nodule", False),
        ("No pneumothorax with a chest tube in place.", "chest tube", False),
        ("The effusion has resolved.", "effusion", True),
        ("Pneumonia cannot be excluded.", "Pneumonia", False),
        ("Pneumonia was ruled out.", "Pneumonia", True),
        ("Positive for cough, no fever.", "cough", False),
    ],
)
def test_negation_has_a_scope(text, phrase, negated):
    assert meant(text, phrase).is_negated is negated


def test_the_other_senses():
    assert meant("Possible metastasis.", "metastasis").is_uncertain
    assert meant("History of breast cancer.", "breast cancer").is_historical
    assert not meant("Two-day history of fever.", "fever").is_historical
    assert meant("Return if fever develops.", "fever").is_hypothetical
    assert meant("His father had lung cancer.", "lung cancer").is_family
    assert meant("Lung cancer in his mother.", "Lung cancer").is_family


def test_a_mention_outside_the_text_is_refused():
    with pytest.raises(ValueError, match="is empty or leaves a text of 4 characters"):
        assertions_of("Mass", 2, 9)


def test_size_place_and_features_belong_to_the_nodule():
    text = (
        "FINDINGS: A 1.8 x 1.2 cm spiculated part-solid nodule in the posterior segment of the right upper lobe. "
        "No effusion."
    )
    facts = {(fact.kind, fact.name): fact for fact in read_text(text)}
    assert facts[FactKind.SIZE, "diameter"].value == 18
    assert facts[FactKind.SIZE, "mean_diameter"].value == 15
    assert facts[FactKind.SIZE, "diameter"].about == "nodule"
    assert facts[FactKind.LOBE, "right upper lobe"].about == "nodule"
    assert facts[FactKind.SEGMENT, "posterior segment"].about == "nodule"
    assert facts[FactKind.FINDING, "part_solid"].is_current
    assert (FactKind.FINDING, "solid") not in facts
    assert not facts[FactKind.FINDING, "effusion"].is_current


def test_slice_thickness_and_earlier_sizes_are_no_sizes():
    assert facts_named("CT with 3 mm axial slices. Nodule of 12 mm, previously 8 mm.", "diameter")[0].value == 12
    assert len(facts_named("CT with 3 mm axial slices. Nodule of 12 mm, previously 8 mm.", "diameter")) == 1


def test_spoken_sizes():
    assert next(find_lengths("an eighteen millimeter nodule")).longest_mm == 18


def test_the_patient():
    text = (
        "63-year-old man, ex-smoker, 40 pack-years, quit 5 years ago. Father had lung cancer. "
        "Breast cancer 8 years ago."
    )
    values = {fact.name: fact.value for fact in read_text(text)}
    assert values["age"] == 63
    assert values["pack_years"] == 40
    assert values["years_since_quitting"] == 5
    assert values["extrathoracic cancer"] == 8
    assert {"M", "former"} <= set(values)
    assert facts_named(text, "lung cancer")[0].kind is FactKind.FAMILY_HISTORY


@pytest.mark.parametrize("text", ["Never smoker.", "Denies tobacco use.", "She has never smoked.", "Non-smoker."])
def test_never_smoked(text):
    assert [f.name for f in read_text(text) if f.kind is FactKind.SMOKING] == ["never"]


def test_a_screening_is_no_cancer():
    assert not [f for f in read_text("Lung cancer screening CT.") if f.kind is FactKind.CANCER_HISTORY]


def test_a_note_s_facts_know_their_section():
    facts = read_note(note_from_text("HISTORY: 70-year-old woman.\nFINDINGS: Nodule of 9 mm."))
    assert {fact.name: fact.section for fact in facts}["diameter"] == "FINDINGS"


def test_a_dictation_s_facts_know_their_seconds():
    words = [("No", 0.0), ("effusion.", 0.5), ("Nodule", 1.0), ("left", 1.5), ("lower", 2.0), ("lobe.", 2.5)]
    segment = SpeechSegment(tuple(Word(text, start, start + 0.4, 0.9) for text, start in words))
    facts = read_dictation(VoiceNote((segment,), 3.0, "test"))
    lobe = next(fact for fact in facts if fact.kind is FactKind.LOBE)
    assert lobe.seconds == (1.5, 2.9)
    assert all(fact.source is Source.VOICE for fact in facts)


@settings(deadline=None)  # the first example compiles all patterns
@given(st.text(alphabet=st.sampled_from("Noduleft ightmasc8 m.,;\n:12x-")))
def test_every_span_lies_in_the_text(text):
    assert all(0 <= fact.start < fact.end <= len(text) for fact in read_text(text))
    spans = sentence_spans(text)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())


@pytest.mark.parametrize(
    "text", ["Non-lobulated nodule.", "Non-calcified 8 mm nodule in the lingula.", "non-solid nodule"]
)
def test_non_before_a_feature_does_not_deny_the_nodule(text):
    nodules = [f for f in read_text(text) if f.name in {"nodule", "diameter"}]
    assert nodules
    assert not any(f.assertions.is_negated for f in nodules)


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("9 mm nodule, calcification: none", {"calcified"}),
        ("9 mm nodule in the RUL, solid, spiculation: no", {"spiculation"}),
        ("Nodule in the RUL, calcification: nil, spiculation: none", {"calcified", "spiculation"}),
        ("Effusion, pneumothorax: none.", {"effusion", "pneumothorax"}),
        ("Nodule: none", {"nodule"}),
    ],
)
def test_an_item_that_is_none_leaves_what_is_described_before_it(text, denied):
    assert {fact.name for fact in read_text(text) if fact.assertions.is_negated} == denied
