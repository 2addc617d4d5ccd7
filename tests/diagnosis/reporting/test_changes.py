"""Changes of a case as a table; words beside a waveform, none on another."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import image

from diagnosis.record import Audio, ChangeKind, Counterfactual, SpeechSegment, SpeechSpan, VoiceNote, Word
from diagnosis.reporting.changes import N_SHOWN, change_words, changes_html
from diagnosis.reporting.panels import waveform_panel
from diagnosis.reporting.word_labels import place_labels
from diagnosis.vocabulary import Modality


def make_change(kind, modality=Modality.NOTE, *texts, after=0.5, is_flipped=False) -> Counterfactual:
    return Counterfactual(kind, modality, ((0, 1),) * len(texts), texts, 0.9, after, is_flipped)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (make_change(ChangeKind.SENTENCE_REMOVED, Modality.NOTE, "A\n mass."), "without “A mass.” (note)"),
        (make_change(ChangeKind.WORD_REMOVED, Modality.NOTE, "large,", "mass"), "without “large”, “mass” (note)"),
        (make_change(ChangeKind.WORD_NEGATED, Modality.VOICE, "mass"), "“no” put before “mass” (dictation)"),
        (make_change(ChangeKind.NEGATION_REMOVED, Modality.NOTE, "m"), "negation taken away before “m” (note)"),
        (make_change(ChangeKind.REGION_BLANKED, Modality.CT), "region filled with lung (CT)"),
        (make_change(ChangeKind.MODALITY_LEFT_OUT, Modality.VOICE), "without the dictation"),
    ],
)
def test_each_kind_of_change_in_words(change, words):
    assert change_words(change) == words


def test_the_table_shows_flips_first_and_folds_the_rest():
    many = [make_change(ChangeKind.SENTENCE_REMOVED, Modality.NOTE, f"S{i}.", after=0.9 - i / 100) for i in range(12)]
    flip = make_change(ChangeKind.SENTENCE_REMOVED, Modality.NOTE, "<b>F</b>.", after=0.85, is_flipped=True)
    html = changes_html([*many, flip], flip, 0.86, has_note=True)
    shown, folded = html.split("<details")
    assert shown.count("<tr>") == 1 + N_SHOWN
    assert folded.count("<tr>") == 1 + 13 - N_SHOWN
    assert shown.index("&lt;b&gt;F") < shown.index("S11.")
    assert "<b>F" not in html
    assert "3 more changes, each moving it by less" in html
    assert "1 more change, moving it by less" in changes_html(many[: N_SHOWN + 1], None, 0.5, has_note=True)
    assert "Smallest change of the note that turns the flag" in html
    assert "(-5.0 points)" in shown
    assert "was not found to change the flag" in changes_html(many, None, 0.5, has_note=True)
    assert "the note" not in changes_html(many[:1], None, 0.5, has_note=False)
    assert changes_html([], None, 0.5, has_note=True) == ""


LABELS = st.lists(st.tuples(st.floats(0, 10), st.floats(0.01, 12)), max_size=40)


@given(LABELS, st.integers(1, 5))
def test_no_label_touches_another_at_any_density(labels, n_lanes):
    placed = place_labels([a for a, _ in labels], [w for _, w in labels], 10.0, n_lanes)
    for one in placed:
        assert (one.anchor, one.width) == labels[one.index]
        assert one.left >= 0
        assert one.right <= 10.0 + 1e-9
        assert 0 <= one.lane < n_lanes
        for other in placed:
            if other is not one and other.lane == one.lane:
                assert one.right < other.left or other.right < one.left
            if other.lane > one.lane:
                assert not one.left < other.anchor < one.right
    # Whoever comes first is never left out for another.
    fitting = [i for i, (_, width) in enumerate(labels) if width <= 10.0]
    assert {label.index for label in placed} >= set(fitting[:1])


def test_sparse_labels_are_all_written_next_to_the_wave_and_crowded_ones_above_each_other():
    placed = place_labels([9.5, 1.0, 5.0], [1.0, 1.0, 1.0], 10.0, 4)
    assert [(label.index, label.lane, label.left) for label in placed] == [(0, 0, 9.0), (2, 0, 5.0), (1, 0, 1.0)]
    crowded = place_labels([5.0, 5.1, 5.2, 5.3, 5.4], [2.0] * 5, 10.0, 4)
    assert [(label.index, label.lane) for label in crowded] == [(3, 0), (2, 1), (1, 2), (0, 3)]


@pytest.mark.parametrize("n_words", [0, 1, 60])
def test_the_picture_of_a_dictation_grows_with_its_labels_only(n_words):
    duration = 4.0
    starts = np.linspace(0, duration - 0.05, n_words)
    words = tuple(Word(f"word{i}", float(s), float(s) + 0.04, 0.9) for i, s in enumerate(starts))
    audio = Audio(np.sin(np.linspace(0, 400, 64_000)).astype(np.float32), 16_000)
    voice = VoiceNote((SpeechSegment(words),) if words else (), duration, "made", audio=audio)
    spans = tuple(SpeechSpan(i, i + 1, w.start_s, w.end_s, w.text, 1.0 - i / 100) for i, w in enumerate(words))
    picture = image.imread(io.BytesIO(waveform_panel(voice, spans)))
    heights = {0: 156, 1: 174, 60: 231}
    assert abs(picture.shape[0] - heights[n_words]) <= 2
    assert picture.shape[1] == 924
