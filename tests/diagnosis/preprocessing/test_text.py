from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.networks.text_encoder import TextEncoderConfig, load_tokenizer
from diagnosis.preprocessing.text import prepare_text

TOKENIZER = load_tokenizer(TextEncoderConfig())


def test_tokens_point_at_the_words_as_they_were_written():
    text = "A 2.2 cm solid nodule; twenty-two millimeters on the prior."
    prepared = prepare_text(text, TOKENIZER, 64)
    words = {text[a:b] for a, b in prepared.spans if b > a}
    assert "2.2 cm" in words
    assert "solid" in words
    assert any("twenty-two" in word for word in words)


def test_the_same_size_is_the_same_tokens_however_it_is_said():
    forms = ("22 mm nodule", "2.2 cm nodule", "twenty-two millimeters nodule", "22 millimetres nodule")
    ids = {tuple(prepare_text(text, TOKENIZER, 64).ids.tolist()) for text in forms}
    assert len(ids) == 1


def test_a_long_text_is_cut_and_says_so():
    assert prepare_text("nodule " * 400, TOKENIZER, 64).is_cut
    assert prepare_text("nodule " * 400, TOKENIZER, 64).ids.size == 64
    assert not prepare_text("nodule", TOKENIZER, 64).is_cut


@given(st.text(max_size=120))
@settings(max_examples=100, deadline=None)
def test_offsets_stay_within_any_text(text):
    prepared = prepare_text(text, TOKENIZER, 64)
    assert len(prepared.spans) == prepared.ids.size
    assert all(0 <= a <= b <= len(text) for a, b in prepared.spans)
