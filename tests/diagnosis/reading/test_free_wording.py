"""Sentences as clinicians write them, made up for this test: what is read, where it stands and how it is meant."""

from datetime import UTC, datetime

import pytest

from diagnosis.ingest.notes import note_from_text
from diagnosis.reading import FactKind, known_of, read_note, read_text


def read(text):
    """(name, value, words) of every fact said to be so, now, of the patient."""
    return {(f.name, f.value, text[f.start : f.end]) for f in read_text(text) if f.is_current}


@pytest.mark.parametrize(
    ("text", "name", "value", "words"),
    [
        ("A 5 to 7 mm ground-glass nodule in the lingula.", "diameter", 7, "5 to 7 mm"),
        ("Nodules ranging from 3-6 mm in both lungs.", "diameter", 6, "3-6 mm"),
        ("Nodule has increased from 8 to 12 mm.", "diameter", 12, "12 mm"),
        ("Nodule has increased from 8 mm to 12 mm.", "diameter", 12, "12 mm"),
        ("Nodule has increased from 8 mm to 12 mm.", "growth", None, "increased"),
        ("The largest nodule was 12 mm.", "diameter", 12, "12 mm"),
        ("A seventeen by twelve millimeter nodule.", "mean_diameter", 14.5, "seventeen by twelve millimeter"),
        ("There is an 8-mm solid nodule in the LLL.", "diameter", 8, "8-mm"),
        ("6mm nodule RB3.", "right upper lobe", None, "RB3"),
        ("6mm nodule RB3.", "segment 3", None, "RB3"),
        ("6mm nodule RB3.", "right", None, "RB3"),
        ("Nodule in LB1+2, 9 x 8 mm.", "left upper lobe", None, "LB1+2"),
        ("Nodule of the middle lobe.", "right", None, "middle lobe"),
        ("Solid nodule in segment 6 of the left lower lobe.", "segment 6", None, "segment 6"),
        ("Nodule in the right lung apex.", "right upper lobe", None, "right lung apex"),
        ("GGN 9 mm, left apex.", "nodule", None, "GGN"),
        ("Smoking: 20 cigarettes a day for 30 years.", "pack_years", 30, "20 cigarettes a day for 30 years"),
        ("Smoker (1.5 packs/day for 30 years).", "pack_years", 45, "1.5 packs/day for 30 years"),
        ("1/2 ppd for 20 years.", "pack_years", 10, "1/2 ppd for 20 years"),
        ("Smokes 1 ppd x 20 yrs.", "pack_years", 20, "1 ppd x 20 yrs"),
        ("40-50 pack-years.", "pack_years", 40, "40-50 pack-years"),
        ("65yoF, 25PY", "pack_years", 25, "25PY"),
        ("65yoF, 25PY", "F", None, "F"),
        ("62F with cough.", "F", None, "F"),
        ("Age: 66. Sex: M.", "age", 66, "Age: 66"),
        ("Age: 66. Sex: M.", "M", None, "M"),
        ("Age/Sex: 67/M", "M", None, "M"),
        ("54-yr-old M w/ 45 pk-yr hx", "M", None, "M"),
        ("Former 25 pack year smoker.", "former", None, "Former 25 pack year smoker"),
        ("Has not smoked since 2005.", "quit_year", 2005, "not smoked since 2005"),
        ("Ex-smoker, quit 2010.", "quit_year", 2010, "quit 2010"),
    ],
)
def test_what_is_read(text, name, value, words):
    assert (name, value, words) in read(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Nodules < 6 mm.", "diameter"),  # a bound is no size
        ("Nodules, none larger than 4 mm.", "diameter"),
        ("Smokes 1-2 ppd for 20 years.", "pack_years"),  # 20 or 40
        ("Her husband smokes.", "current"),
        ("Her husband had lung cancer.", "lung cancer"),
        ("Former 25 pack year smoker.", "current"),
        ("Segment 6 of the liver.", "segment 6"),
        ("The nodule is no longer seen.", "nodule"),
        ("Previously noted 6 mm nodule has resolved.", "diameter"),
        ("Calcification rated absent.", "calcified"),
    ],
)
def test_what_is_not_read(text, name):
    assert name not in {found for found, _, _ in read(text)}


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("Mother died of lung cancer.", FactKind.FAMILY_HISTORY, "lung cancer"),
        ("Hx of RCC.", FactKind.CANCER_HISTORY, "extrathoracic cancer"),
        ("Status post lobectomy for adenocarcinoma.", FactKind.CANCER_HISTORY, "lung cancer"),
    ],
)
def test_cancer_of_the_patient_and_of_relatives(text, kind, name):
    assert [(f.kind, f.name) for f in read_text(text) if "cancer" in f.name] == [(kind, name)]


def test_a_clause_that_measures_goes_on_with_the_nodule():
    text = "One lung nodule within the right upper lobe. Calcification rated absent, measures 20.2 mm."
    size = next(f for f in read_text(text) if f.name == "diameter")
    assert (size.value, size.about) == (20.2, "nodule")


def test_calendar_years_count_from_the_day_of_the_note():
    text = "Breast ca 2015, stopped smoking in 1999."
    dated = read_note(note_from_text(text, datetime(2024, 5, 1, tzinfo=UTC)))
    assert (known_of(dated).years_since_quitting, known_of(dated).other_cancer_years_ago) == (25, 9)
    undated = known_of(read_note(note_from_text(text)))
    assert (undated.years_since_quitting, undated.other_cancer_years_ago) == (None, None)
    assert undated.has_smoked
    assert undated.has_other_cancer


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("A twenty-two millimeter nodule.", [22]),  # no range from 20 to 2
        ("Nodule of twenty-two by eighteen millimeters.", [22]),
        ("The nodule was 6 mm on the prior CT and now measures 9 mm.", [9]),
        ("Previously 6 mm, the LLL nodule is now 9 mm.", [9]),
        ("RUL nodule 9 mm (was 6 mm in 2019).", [9]),
        ("Nodule RUL: 12 mm (10 mm six months ago).", [12]),
        ("Nodule measured 11 mm previously and is 13 mm today.", [13]),
        ("The nodule has shrunk to 4 mm (initially 9 mm).", [4]),
        ("Compared with the prior CT the 9 mm nodule is stable.", [9]),
        ("If the 11 mm nodule grows to more than 15 mm, biopsy.", [11]),
        ("The 6 mm nodule in the right upper lobe described on the previous scan is no longer seen.", []),
        ("Nodule of half a centimeter.", [5]),
        ("Nodule of one and a half cm.", [15]),
        ("Nodule measuring .8 cm.", [8]),
        ("Never smoked, 5 mm LLL nodule.", [5]),
        ("No spiculation of the ten millimeter nodule.", [10]),
    ],
)
def test_sizes_of_today(text, sizes):
    assert [f.value for f in read_text(text) if f.name == "diameter" and f.is_current] == sizes


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Lower lobe nodule on the left.", "left lower lobe"),
        ("Nodule S6 right.", "right lower lobe"),
        ("Nodule S1+2 left.", "left upper lobe"),
        ("Nodule R upper lobe.", "right upper lobe"),
        ("Nodule at the right base.", "right lower lobe"),
    ],
)
def test_lobes_that_are_named_in_parts(text, name):
    assert [f.name for f in read_text(text) if f.kind is FactKind.LOBE] == [name]


def test_of_several_nodules_the_largest_is_taken_with_its_own_lobe():
    known = known_of(read_text("Two nodules: 4 mm in the left upper lobe and 12 x 10 mm in the right lower lobe."))
    assert (known.longest_mm, known.mean_mm, known.is_upper_lobe, known.count) == (12, 11, False, 2)
    assert known_of(read_text("6-mm and 4-mm nodules in the RUL.")).count is None


@pytest.mark.parametrize(
    "text",
    [
        "Margins are not smooth.",
        "Nodes may be normal.",
        "Since age 20. At the age of 60.",
        "Bronchial walls are smooth.",
        "Nodule is 12, stable.",
    ],
)
def test_what_tells_nothing(text):
    assert not [f for f in read_text(text) if f.name in {"spiculation", "lymphadenopathy", "age"}]
