"""Long texts, tables, messages and pictures in a text are read without delay and without joining what is apart."""

import time

import pytest

from diagnosis.ingest.notes import note_from_text
from diagnosis.reading import FactKind, read_note, read_text

NOTE = (
    "HISTORY: 68-year-old male. Smoker, 45 pack-years.\n\nFINDINGS: 2.0 cm spiculated nodule in the right upper lobe. "
    "No pleural effusion or pneumothorax.\n\nIMPRESSION: Nodule in the right upper lobe.\n\n"
)


def test_a_note_of_200_kb_is_read_in_full():
    text = NOTE * (204_800 // len(NOTE))
    started = time.process_time()
    facts = read_note(note_from_text(text))
    assert time.process_time() - started < 20  # quadratic work took minutes
    assert len(facts) == len(read_text(NOTE)) * (204_800 // len(NOTE))


def test_a_note_without_a_full_stop_is_read_in_time():
    text = "spiculated nodule 14 mm " * 1000
    started = time.process_time()
    sizes = [fact for fact in read_text(text) if fact.kind is FactKind.SIZE]
    assert time.process_time() - started < 20  # looking at all pairs took minutes
    assert len(sizes) == 1000
    assert {fact.about for fact in sizes} == {"nodule"}


def test_the_nearest_of_several_owns_and_the_first_of_equals():
    text = "Nodule in the right lobe, effusion 14 mm atelectasis and consolidation 3 cm, nodule"
    assert [fact.about for fact in read_text(text) if fact.kind is FactKind.SIZE] == ["effusion", "consolidation"]
    far = "nodule " + "of the tissue there " * 60 + "14 mm"
    assert [fact.about for fact in read_text(far) if fact.kind is FactKind.SIZE] == [None]


def test_rows_of_a_table_are_apart():
    text = "| lobe | finding |\n|---|---|\n| RUL | 8 mm spiculated nodule |\n| LLL | no effusion |\n"
    facts = {(f.name, f.about, f.assertions.is_negated) for f in read_text(text)}
    assert {("diameter", "nodule", False), ("right upper lobe", "nodule", False), ("effusion", None, True)} <= facts


def test_segments_of_an_hl7_message_are_apart():
    text = (
        "MSH|^~\\&|RIS|H|PACS|H|2024||ORU^R01|1|P\rOBX|1|TX|FINDINGS||Nodule in the right upper lobe measures 12 mm."
        "||||||F\rOBX|2|TX|IMPRESSION||No effusion.||||||F\r"
    )
    size = next(f for f in read_note(note_from_text(text)) if f.name == "diameter")
    assert (size.value, size.about, size.assertions.is_negated) == (12, "nodule", False)


@pytest.mark.parametrize("text", ["Befund: Kein Pleuraerguss.", "右肺上叶可见结节12mm。", "😀🫁👍", "\u202eabc"])
def test_what_is_not_understood_is_no_finding(text):
    assert not [f for f in read_text(text) if f.kind == "finding"]


def test_pictures_in_a_text_do_not_move_the_places():
    text = "FINDINGS: 😀 12 mm nodule 🫁 in the right lower lobe.\r\nNo effusion 👍."
    note = note_from_text(text)
    assert {note.text[f.start : f.end] for f in read_note(note)} >= {"12 mm", "nodule", "right lower lobe", "effusion"}
