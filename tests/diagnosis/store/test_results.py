"""Explanations and transcripts are kept as they were, under what they were made from, within bounds."""

from dataclasses import dataclass

import numpy as np
import pytest
from sqlalchemy import select, text

from diagnosis.errors import StoreError
from diagnosis.record import (
    Explanation,
    Faithfulness,
    ModalityShares,
    SpeechSegment,
    SpeechSpan,
    TextAttribution,
    TextSpan,
    VolumeAttribution,
    Word,
)
from diagnosis.record.attribution import ChangeKind, Counterfactual, SoundAttribution
from diagnosis.store.packing import pack, unpack
from diagnosis.store.results import ResultKind, ResultRow, read_result, save_result
from diagnosis.vocabulary import Modality


@dataclass(frozen=True)
class Heard:
    segments: tuple[SpeechSegment, ...]
    duration_s: float
    transcriber: str


def make_explanation(seed: int = 0, side: int = 6) -> Explanation:
    values = np.random.default_rng(seed).normal(size=(side, side, side)).astype(np.float32)
    proof = Faithfulness(completeness_gap=0.1 + 0.2, deletion_auc=float("nan"), failures=("a check ü",))
    note = TextAttribution(
        (TextSpan(0, 4, "Nod\u00fc", -0.25),), "ig", proof, (TextSpan(0, 9, "A sentence", 0.5),), "mask"
    )
    voice = TextAttribution((SpeechSpan(0, 2, 0.5, 0.75, "no", 1e-300),), "ig", proof)
    change = Counterfactual(ChangeKind.WORD_NEGATED, Modality.NOTE, ((0, 4),), ("Nod",), 0.9, 0.1, True)
    return Explanation(
        "p-1",
        "malignancy",
        ModalityShares(-0.4, 1.2, {Modality.CT: 1.2, Modality.NOTE: 0.4}, {"": 0.0, "ct": 1.2}, {Modality.CT: 1.0}),
        volume=VolumeAttribution(values, np.diag([2.0, 1.0, 1.0, 1.0]), "integrated_gradients", "air", proof),
        note=note,
        voice=voice,
        withheld=("the map of the sound",),
        seconds=12.5,
        sound=SoundAttribution(values[0], 0.01, "ig"),
        other_volumes=(VolumeAttribution(values[:2], np.eye(4), "occlusion", "lung"),),
        counterfactuals=(change, change),
        smallest_change=change,
    )


def sizes(store, kind):
    """Bytes of each result of a kind."""
    with store.reading() as session:
        return list(session.scalars(select(ResultRow.n_bytes).where(ResultRow.kind == kind.value)))


def test_an_explanation_comes_back_bit_by_bit():
    made = make_explanation()
    again = unpack(Explanation, pack(made))
    assert again.volume.values.tobytes() == made.volume.values.tobytes()
    assert again.volume.values.dtype == np.float32
    assert again.volume.affine_lps.tobytes() == made.volume.affine_lps.tobytes()
    assert again.sound.values.tobytes() == made.sound.values.tobytes()
    assert again.other_volumes[0].method == "occlusion"
    assert again.note.spans == made.note.spans
    assert again.voice.spans == made.voice.spans
    assert isinstance(again.voice.spans[0], SpeechSpan)
    assert again.modality_shares == made.modality_shares
    assert again.counterfactuals == made.counterfactuals
    assert again.smallest_change.kind is ChangeKind.WORD_NEGATED
    assert again.volume.faithfulness.completeness_gap == 0.1 + 0.2
    assert np.isnan(again.volume.faithfulness.deletion_auc)
    assert again.volume.faithfulness.failures == ("a check ü",)
    assert pack(again) == pack(made)


@pytest.mark.parametrize("content", [b"", b"no archive", pack(Heard((), 1.0, "w"))[:-40]])
def test_damaged_bytes_are_refused(content):
    with pytest.raises(StoreError, match="what was kept of a Explanation cannot be read"):
        unpack(Explanation, content)


def test_a_record_of_another_class_is_refused():
    with pytest.raises(StoreError, match="has to be made again"):
        unpack(Explanation, pack(Heard((), 1.0, "w")))
    with pytest.raises(StoreError, match="has to be made again"):
        unpack(Heard, pack(Heard((), "long", "w")))


def test_what_was_kept_is_found_by_what_it_was_made_from(store):
    heard = Heard((SpeechSegment((Word("No", 0.25, 0.5, 0.875),)),), 3.5, "whisper base")
    key = {"sound": "a" * 64, "model": "base"}
    assert save_result(store, ResultKind.TRANSCRIPT, key, heard)
    assert read_result(store, ResultKind.TRANSCRIPT, dict(reversed(key.items())), Heard) == heard
    assert read_result(store, ResultKind.TRANSCRIPT, key | {"model": "tiny.en"}, Heard) is None
    assert read_result(store, ResultKind.EXPLANATION, key, Heard) is None
    later = Heard((), 4.0, "whisper base")
    assert save_result(store, ResultKind.TRANSCRIPT, key, later)
    assert read_result(store, ResultKind.TRANSCRIPT, key, Heard) == later
    assert len(sizes(store, ResultKind.TRANSCRIPT)) == 1


def test_the_oldest_give_way_and_other_kinds_do_not(store):
    save_result(store, ResultKind.TRANSCRIPT, {"n": 0}, Heard((), 1.0, "w"))
    size = len(pack(make_explanation()))
    for n in range(5):
        save_result(store, ResultKind.EXPLANATION, {"n": n}, make_explanation(n), most_bytes=int(2.5 * size))
    kept = [read_result(store, ResultKind.EXPLANATION, {"n": n}, Explanation) is not None for n in range(5)]
    assert kept == [False, False, False, True, True]
    kept = sizes(store, ResultKind.EXPLANATION)
    assert (len(kept), sum(kept) <= 2.5 * size) == (2, True)
    assert len(sizes(store, ResultKind.TRANSCRIPT)) == 1


def test_what_is_larger_than_the_bound_is_not_kept(store):
    assert not save_result(store, ResultKind.EXPLANATION, {"n": 1}, make_explanation(), most_bytes=100)
    assert sizes(store, ResultKind.EXPLANATION) == []


def test_a_row_that_was_changed_is_not_shown(store):
    save_result(store, ResultKind.EXPLANATION, {"n": 1}, make_explanation(1))
    other = pack(make_explanation(2))
    with store.writing() as session:
        session.execute(text("UPDATE results SET content = :other"), {"other": other})
    assert read_result(store, ResultKind.EXPLANATION, {"n": 1}, Explanation) is None


def test_a_row_of_an_older_version_of_the_record_is_made_again(store):
    save_result(store, ResultKind.TRANSCRIPT, {"n": 1}, Heard((), 1.0, "w"))
    assert read_result(store, ResultKind.TRANSCRIPT, {"n": 1}, Explanation) is None
