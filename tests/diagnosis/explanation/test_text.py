from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from hypothesis import given
from hypothesis import strategies as st
from planted_truth import DICTATION, NOTE, make_case, prepared_batch

from diagnosis.errors import ExplanationError
from diagnosis.explanation.baselines import text_baseline
from diagnosis.explanation.parts import TextFunction
from diagnosis.explanation.path import integrated_gradients
from diagnosis.explanation.speech import attribute_voice
from diagnosis.explanation.text import attribute_note, integrate_text, special_tokens
from diagnosis.explanation.words import sentence_spans, sum_to_words, text_spans, word_spans
from diagnosis.preprocessing.text import prepare_text
from diagnosis.vocabulary import Modality


@pytest.fixture(scope="module")
def case():
    return make_case(None, NOTE, DICTATION)


@pytest.fixture(scope="module")
def prepared_and_batch(case, tokenizer):
    return prepared_batch(case, tokenizer)


@pytest.fixture(scope="module")
def note_map(reader, prepared_and_batch):
    prepared, batch = prepared_and_batch
    function = TextFunction(reader, batch, 0, Modality.NOTE)
    return function, integrate_text(function, prepared.note)


def test_function_of_the_words_is_the_network(reader, prepared_and_batch):
    batch = prepared_and_batch[1]
    for part in (Modality.NOTE, Modality.VOICE):
        function = TextFunction(reader, batch, 0, part)
        with torch.no_grad():
            found = float(function(function.values))
            assert found == pytest.approx(float(reader(batch).logits[0, 0]), abs=1e-4)


def test_the_planted_word_has_the_most_attribution(note_map, case):
    found = attribute_note(note_map[1], case.note.text)
    strongest = max(found.spans, key=lambda span: abs(span.value))
    assert strongest.text == "spiculated"
    assert strongest.value > 0
    assert max(found.sentences, key=lambda s: s.value).text == "The nodule is spiculated."


def test_words_are_characters_of_the_original_and_sum_to_the_change(note_map, case):
    function, text_map = note_map
    found = attribute_note(text_map, case.note.text)
    assert all(case.note.text[s.start : s.end] == s.text for s in (*found.spans, *found.sentences))
    assert "2.2 x 1.8 cm" in [span.text for span in found.spans]
    change = text_map.integral.logit - text_map.integral.baseline_logit
    assert sum(s.value for s in found.spans) == pytest.approx(change, abs=0.01 * abs(change) + 1e-4)
    assert sum(s.value for s in found.sentences) == pytest.approx(sum(s.value for s in found.spans), abs=1e-6)
    assert found.faithfulness.completeness_gap <= 0.01
    assert function.part is Modality.NOTE


def test_special_tokens_get_nothing(note_map):
    text_map = note_map[1]
    special = special_tokens(text_map.prepared).numpy()
    assert special.sum() == 2
    assert (text_map.token_values[special] == 0).all()


def test_the_neutral_baseline_says_least_where_the_text_is_alone(note_map, reader, prepared_and_batch):
    function, text_map = note_map
    batch = prepared_and_batch[1]
    special = special_tokens(text_map.prepared)
    with torch.no_grad():
        nothing = float(reader(replace(batch, is_present=torch.zeros(1, 3, dtype=torch.bool))).logits[0, 0])
        alone = float(reader(replace(batch, is_present=torch.tensor([[False, True, False]]))).logits[0, 0])
        assert function.logit_of_nothing() == pytest.approx(nothing, abs=1e-4)
        assert float(function.logits_alone(function.values)) == pytest.approx(alone, abs=1e-4)
        starts = [text_baseline(function, special, name) for name in ("mask", "pad", "unknown", "stop")]
        distances = [abs(float(function.logits_alone(start.embeddings)) - nothing) for start in starts]
    assert text_baseline(function, special, "neutral").words == starts[int(np.argmin(distances))].words
    assert text_map.start.words == "every word replaced by the padding token"


def test_agrees_with_captum(note_map):
    function, text_map = note_map
    baseline = text_baseline(function, special_tokens(text_map.prepared), "pad").embeddings
    ours = integrated_gradients(function, function.values, baseline, 6, at_once=3)
    captums = IntegratedGradients(function).attribute(function.values, baselines=baseline, n_steps=6)
    assert (ours - captums).abs().max() < 1e-5


def test_speech_lies_on_the_seconds_it_was_spoken(reader, case, prepared_and_batch):
    prepared, batch = prepared_and_batch
    found = attribute_voice(
        integrate_text(TextFunction(reader, batch, 0, Modality.VOICE), prepared.voice), case.voice_note
    )
    length = next(span for span in found.spans if span.text == "twenty two millimeter")
    assert (length.start_s, length.end_s) == pytest.approx((1.2, 2.3))
    assert [span.start_s for span in found.spans] == sorted(span.start_s for span in found.spans)
    assert all(case.voice_note.text[s.start : s.end] == s.text for s in found.spans)
    assert len(found.sentences) == 1


def test_refuses_a_text_of_another_batch(reader, prepared_and_batch, tokenizer):
    function = TextFunction(reader, prepared_and_batch[1], 0, Modality.NOTE)
    with pytest.raises(ExplanationError, match="pass the text that the batch was made of"):
        integrate_text(function, prepare_text("Other.", tokenizer, 16))
    with pytest.raises(ExplanationError, match="a CT has no words; choose note or voice"):
        TextFunction(reader, prepared_and_batch[1], 0, Modality.CT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No nodule. Stable 2.5 mm node.", ["No nodule.", "Stable 2.5 mm node."]),
        ("Seen by Dr. Smith today! Urgent?\nPLAN: biopsy", ["Seen by Dr. Smith today!", "Urgent?", "PLAN: biopsy"]),
        ("one line without an end", ["one line without an end"]),
        ("A clear lung.\n\n\nNo nodule.", ["A clear lung.", "No nodule."]),
        ("IMPRESSION: 1. Nodule of 9 mm. 2. Emphysema.", ["IMPRESSION: 1. Nodule of 9 mm.", "2. Emphysema."]),
        ("margin: sharp.\nshape: oval. spiculation: none", ["margin: sharp.", "shape: oval.", "spiculation: none"]),
        ("margin - sharp\nshape - oval\nsolid", ["margin - sharp", "shape - oval", "solid"]),
        (
            "A spiculated nodule of 9 mm is seen in the right\nupper lobe. No effusion.",
            ["A spiculated nodule of 9 mm is seen in the right\nupper lobe.", "No effusion."],
        ),
    ],
)
def test_sentences(text, expected):
    assert [text[a:b] for a, b in sentence_spans(text)] == expected


def test_a_word_of_several_pieces_and_a_token_of_several_words():
    values = np.array([0.0, 1.0, 2.0, 4.0, 0.5, 0.0])
    text = "spiculated two point two cm."
    spans = [(0, 0), (0, 4), (4, 10), (11, 27), (27, 28), (0, 0)]
    assert [(s.text, s.value) for s in text_spans(text, values, spans)] == [
        ("spiculated", 3.0),
        ("two point two cm", 4.5),
    ]


def test_a_bracket_whose_other_half_is_inside_belongs_to_the_word():
    text = "(RUL) lob (+), calc (-). Ill (def)"
    spans = [(1, 4), (6, 13), (15, 23), (25, 28), (30, 33)]
    found = text_spans(text, np.ones(5), spans)
    assert [s.text for s in found] == ["RUL", "lob (+)", "calc (-)", "Ill", "def"]
    assert all(text[s.start : s.end] == s.text for s in found)


@given(st.text(alphabet="ab. ,\n(", min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_summing_to_words_keeps_the_sum(text, random):
    words = word_spans(text)
    cuts = [(i, i + 1) for i in range(len(text)) if not text[i].isspace()]
    values = np.array([random.uniform(-1, 1) for _ in cuts])
    groups = sum_to_words(values, cuts, words)
    assert sum(value for _, value in groups) == pytest.approx(values.sum(), abs=1e-9)
    assert [members for members, _ in groups] == [[w] for w in range(len(words))]
