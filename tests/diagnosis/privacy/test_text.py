"""Free text without identifiers: examples of each kind, what has to stay, and recall on real text."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.privacy.known_identifiers import KnownIdentifiers
from diagnosis.privacy.text import TextRules, find_identifiers
from diagnosis.privacy.text_benchmark import finder, measure, planted_reports, read_sentences

RULES = TextRules(KnownIdentifiers(), uses_model=False)

REPLACED = [
    ("Seen on 03/05/2024 and 2024-03-05.", "Seen on [DATE] and [DATE]."),
    ("Compared with 12 March 2019.", "Compared with [DATE]."),
    ("Follow-up of January 2020 shows", "Follow-up of [DATE] shows"),
    ("MRN: 00123456", "MRN: [ID]"),
    ("accession A1234567 is here", "accession [ID] is here"),
    ("SSN 123-45-6789", "SSN [ID]"),
    ("call (555) 123-4567 now", "call [PHONE] now"),
    ("call (602)272-9781 now", "call [PHONE] now"),
    ("call +44 20 7946 0958 now", "call [PHONE] now"),
    ("write to jane.doe@mail.example.org please", "write to [EMAIL] please"),
    ("see https://pacs.example.org/view?id=7 please", "see [URL] please"),
    ("from host 10.0.12.7 today", "from host [IP] today"),
    ("lives at 12 Oak Street, Springfield, IL 62704", "lives at [ADDRESS]"),
    ("lives at 6750 Koskikatu 25", "lives at [ADDRESS]"),
    ("a 92-year-old woman", "a 90 or more-year-old woman"),
    ("discussed with Dr. Maria Lopez today", "discussed with Dr. [NAME] today"),
    ("Referring physician: Zebrowski, Ann", "Referring physician: [NAME]"),
    ("PATIENT NAME: DOE, JANE", "PATIENT NAME: [NAME]"),
    ("told Kowalczyk that", "told [NAME] that"),
    ("Scott is a 62-year-old man.", "[NAME] is a 62-year-old man."),
    ("Mehrdin lives alone and smokes.", "[NAME] lives alone and smokes."),
    ("my name is ilse varga and i dictate", "my name is [NAME] and i dictate"),
    ("she grew up in HORTEN with asthma", "she grew up in [PLACE] with asthma"),
    ("lives on Via dei Condotti 17", "lives on [ADDRESS]"),
    ("post to 4 Elm Road\nSpringvale\nNZ 3171\nFINDINGS: none", "post to [ADDRESS]\nFINDINGS: none"),
    ("at the corner of 5 Elm Road and Main Street, he", "at [ADDRESS], he"),
]

KEPT = [
    "A 8 mm spiculated nodule (series 4, image 112) in the right upper lobe, 12 x 9 mm.",
    "a 67-year-old woman with cough for 3 weeks, 30 pack-years",
    "SUV max 4.3, previously 3.9; HU 35 to 60; 1.2 x 3.4 cm; L4-L5; T12; LUL; BI-RADS 4; Lung-RADS 4B.",
    "Cardiomegaly. Atelectasis at both bases. Kerley B lines. Hodgkin lymphoma. Fleischner criteria.",
    "No pneumothorax, effusion, or consolidation. Heart size is normal.",
    "Mass is 62 mm. Cough worked up. Chest: clear. Trachea is from midline shifted. Via the femoral artery 5 F sheath.",
    "the corner of the left orbit and the maxilla; born at term; based on 3 criteria",
    "BP 120/80, creatinine 1.1 mg/dL, 250 mL of contrast at 120 kV",
]


@pytest.mark.parametrize(("text", "clean"), REPLACED)
def test_what_identifies_is_replaced(text: str, clean: str) -> None:
    assert RULES.clean(text) == clean


@pytest.mark.parametrize("text", KEPT)
def test_what_is_medicine_stays(text: str) -> None:
    assert RULES.clean(text) == text


def test_what_medicine_calls_after_people_stays_with_the_model_too() -> None:
    text = (
        "Carina is patent. Kerley B lines. Lasix 40 mg. Deauville 4. Siemens SOMATOM, kernel Br40. Swan-Ganz catheter."
    )
    assert TextRules(KnownIdentifiers()).clean(text) == text


def test_known_identifiers_are_found_without_any_context() -> None:
    known = KnownIdentifiers()
    known.add_name("Zebröwski^Ann")
    known.add_value("AB-12 99")
    rules = TextRules(known, uses_model=False)
    assert rules.clean("the mass in zebrowski grew") == "the mass in [IDENTIFIER] grew"
    assert rules.clean("specimen ab1299 and AB 12-99") == "specimen [IDENTIFIER] and [IDENTIFIER]"
    assert rules.clean("she annotated") == "she annotated"
    assert len(known) == 3


def test_an_empty_or_short_identifier_matches_nothing() -> None:
    known = KnownIdentifiers()
    for value in ("", "  ", "----", "12", "CT"):
        known.add_value(value)
    known.add_name("^^ Dr Li")
    assert TextRules(known, uses_model=False).clean("CT 12 of Li ----") == "CT 12 of Li ----"


def test_dates_move_by_the_days_of_the_patient() -> None:
    rules = TextRules(KnownIdentifiers(), shift_days=-10, uses_model=False)
    assert rules.clean("on 2024-03-05 and 03/05/2024") == "on 2024-02-24 and [DATE]"
    assert rules.clean("on 2024-02-31") == "on [DATE]"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = RULES.clean(text)
    spans = find_identifiers(text, uses_model=False)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert len(RULES.clean(once)) <= len(once) + 60


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "12 ",
        "Aa ",
        "A",
        "a.",
        "a@",
        "\n,",
        "123 Abcde ",
        "ab:",
        "patient ",
        "1-",
        "Dr. Aa Bb, ",
        "via Aa ",
        "the corner of A and ",
        "1 Aa,\n",
        "Aa lives ",
        "lives in Aa ",
        "12 Oak Street\nnan\n",
    ],
)
def test_no_text_takes_long(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    started = time.process_time()
    find_identifiers(text, uses_model=False)
    assert time.process_time() - started < 5


def test_recall_on_real_text(shared_data) -> None:
    """Floors a little below what was measured on all sentences (see the room's manual)."""
    folder = shared_data / "text"
    sentences = read_sentences(folder / "presidio_synth" / "synth_dataset_v2.json")
    tally = measure(sentences[::3], finder(uses_model=False))
    for kind in ("CREDIT_CARD", "DATE_TIME", "EMAIL_ADDRESS", "DOMAIN_NAME", "IBAN_CODE", "US_SSN", "IP_ADDRESS"):
        assert tally.found[kind] == tally.all[kind]
    assert tally.found["PERSON"] / tally.all["PERSON"] > 0.75
    reports = measure(
        planted_reports(folder / "iuxray" / "indiana_reports.csv", sentences)[::12], finder(uses_model=False)
    )
    assert sum(reports.found.values()) / sum(reports.all.values()) > 0.97
    assert reports.found["PERSON"] / reports.all["PERSON"] > 0.97
    assert reports.lost_words / reports.words < 0.04


def test_the_model_adds_names_and_places(shared_data) -> None:
    sentences = read_sentences(shared_data / "text" / "presidio_synth" / "synth_dataset_v2.json")[::10]
    without, with_model = (measure(sentences, finder(uses_model=used)) for used in (False, True))
    assert with_model.found["PERSON"] > without.found["PERSON"]
    assert with_model.found["PERSON"] / with_model.all["PERSON"] > 0.88
