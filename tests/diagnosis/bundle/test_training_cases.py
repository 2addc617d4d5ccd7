"""A bundle knows the cases that it was trained on, in whatever form they come again, and tells nothing else of them."""

import json

import numpy as np
import pytest

from diagnosis.bundle.training_cases import (
    TRAINING_CASES,
    TrainingCases,
    contents_of,
    load_training_cases,
    save_training_cases,
)
from diagnosis.errors import BundleError
from diagnosis.ingest.manifest import voice_note_from_text
from diagnosis.record import Case, ClinicalNote, RegionOfInterest, Volume

NOTE = (
    "CT of the chest after an episode of hemoptysis. Solid nodule of 18 mm in the left upper lobe with marked "
    "spiculation and no calcification; a tail reaches the pleura. Emphysema of both upper lobes. No enlarged lymph "
    "nodes. No effusion."
)


def make_case(seed=0, *, note=NOTE, voice="", ct=True, step=(2.5, 0.7, 0.7), flipped=False):
    """A CT of noise around a marked center, with its slices in either order."""
    hu = np.random.default_rng(seed).normal(-300, 200, (12, 20, 20)).round().astype(np.float32)
    affine = np.array([[0, 0, step[2], -5], [0, step[1], 0, 7], [step[0], 0, 0, 40], [0, 0, 0, 1.0]])
    volume = Volume(hu, affine)
    center = tuple(float(v) for v in volume.position_of((6, 10, 9)))
    if flipped:
        affine = affine.copy()
        affine[:3, 3] += affine[:3, 0] * (len(hu) - 1)
        affine[:3, 0] *= -1
        volume = Volume(hu[::-1], affine)
    return Case(
        f"c{seed}",
        volume=volume if ct else None,
        region=RegionOfInterest(center, 10.0) if ct else None,
        note=ClinicalNote(note) if note else None,
        voice_note=voice_note_from_text(voice) if voice else None,
    )


def trained_on(*cases):
    return TrainingCases.of(contents_of(case) for case in cases)


def test_a_case_is_known_in_another_order_of_slices_and_without_its_note():
    known = trained_on(make_case(0), make_case(1))
    assert known.knows(make_case(0))
    assert known.knows(make_case(1, flipped=True, note=""))
    assert not known.knows(make_case(2)), "the note is that of others, and the CT decides"


def test_a_case_of_words_is_known_by_all_of_them():
    known = trained_on(make_case(ct=False, voice=NOTE + " No ascites."))
    assert known.knows(make_case(ct=False, note=NOTE.upper().replace(" ", "\n ")))
    assert not known.knows(make_case(ct=False, voice=NOTE + " Ascites."))


def test_what_is_alike_in_many_patients_counts_for_nothing():
    plain = Case("c", Volume(np.full((12, 20, 20), -1000, np.float32), np.eye(4)), RegionOfInterest((9.0, 9.0, 6.0)))
    assert contents_of(plain) == ()
    assert contents_of(make_case(ct=False, note=NOTE[48:140])) == ()
    assert not trained_on(plain, make_case(ct=False, note=NOTE[48:140])).knows(plain)


def test_marks_are_kept_and_say_nothing_of_the_case(tmp_path):
    cases = trained_on(make_case(0), make_case(1, voice=NOTE + " No ascites."))
    save_training_cases(tmp_path, cases)
    assert load_training_cases(tmp_path) == cases
    document = json.loads((tmp_path / TRAINING_CASES).read_text())
    assert set(document) == {"salt", "marks"}
    assert [len(mark) for mark in document["marks"]] == [8] * 4, "two CTs, one note that both have, one dictation"
    other = trained_on(make_case(0))
    assert not other.marks & cases.marks, "each bundle has a salt of its own"


def test_marks_that_are_missing_or_cannot_be_used(tmp_path):
    assert load_training_cases(tmp_path) is None
    (tmp_path / TRAINING_CASES).parent.mkdir()
    for text in ("{}", "no", '{"salt": "xx", "marks": []}', '{"salt": "00", "marks": 3}'):
        (tmp_path / TRAINING_CASES).write_text(text)
        with pytest.raises(BundleError, match=r"training_cases\.json cannot be used"):
            load_training_cases(tmp_path)
