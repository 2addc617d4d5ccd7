"""Errors of transcripts, each counted by hand."""

import math

import pytest

from diagnosis.evaluation.dictation import dictation_quality, spoken_words, word_error_rate

TERMS = frozenset({"effusion", "nodule", "pleural", "airspace"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Part-solid, 12 mm!", ["part", "solid", "12", "mm"]),
        ("twelve millimetres", ["12", "mm"]),
        ("1.5 cm; T-spine", ["1.5", "cm", "t", "spine"]),
        ("isn\N{RIGHT SINGLE QUOTATION MARK}t seen", ["isn't", "seen"]),
        ("", []),
    ],
)
def test_spoken_words(text, words):
    assert spoken_words(text) == words


def test_a_perfect_transcript():
    text = "No pleural effusion. 12 mm nodule."
    quality = dictation_quality([(text, text.upper())], TERMS)
    assert quality.word_error_rate == quality.medical_term_error == 0.0
    assert (quality.n_words, quality.n_medical_terms, quality.n_negations, quality.n_findings) == (6, 3, 1, 2)
    assert quality.n_lost_negations == quality.n_lost_findings == quality.n_inserted_findings == 0


def test_counts_by_hand():
    quality = dictation_quality(
        [("No pleural effusion is seen", "Pleural infusion is seen"), ("nodule", "nodule and a mass")], TERMS
    )
    # "no" deleted, "effusion" substituted; "and a mass" inserted.
    assert quality.n_word_errors == 5
    assert quality.word_error_rate == 5 / 6
    assert quality.medical_term_error == 1 / 3
    assert quality.n_lost_negations == 1
    assert quality.n_lost_findings == 1
    assert quality.n_inserted_findings == 1
    assert quality.n_recordings == 2


def test_one_cue_of_negation_for_another_loses_nothing():
    assert dictation_quality([("no mass", "without mass")], TERMS).n_lost_negations == 0


def test_number_and_ending_of_a_finding_do_not_make_it_another_one():
    assert dictation_quality([("opacities", "opacity")], TERMS).n_lost_findings == 0


def test_one_word_or_two_is_no_error():
    assert word_error_rate("air space disease", "airspace disease") == 0.0
    assert word_error_rate("hemidiaphragm", "hemi-diaphragm") == 0.0


def test_nothing_said_and_nothing_heard():
    assert math.isnan(word_error_rate("", ""))
    assert word_error_rate("no mass", "") == 1.0
    assert dictation_quality([("", "no mass")], TERMS).n_inserted_findings == 1
