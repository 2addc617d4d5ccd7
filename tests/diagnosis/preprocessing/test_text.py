import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.networks.text_encoder import TextEncoderConfig, load_tokenizer
from diagnosis.phantom.wording import write_dictation, write_note
from diagnosis.preprocessing.canonical_text import canonicalize
from diagnosis.preprocessing.shorthand import written_in_full
from diagnosis.preprocessing.text import prepare_text
from diagnosis.training.text_stage import random_description

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


@pytest.mark.parametrize("place", [0, 40, 100])
def test_of_a_long_text_the_part_on_the_nodule_is_read(place):
    sentences = ["The heart is of normal size."] * 100
    sentences.insert(place, "A 12 mm spiculated nodule with ill-defined margins.")
    text = " ".join(sentences)
    prepared = prepare_text(text, TOKENIZER, 64)
    assert prepared.is_cut
    assert prepared.ids.size == 64
    assert prepared.ids[0] == TOKENIZER.cls_token_id
    assert prepared.ids[-1] == TOKENIZER.sep_token_id
    read = [text[a:b] for a, b in prepared.spans if b > a]
    assert "12 mm" in read
    assert text.index("margins") in {a for a, _ in prepared.spans}


def test_a_long_text_without_a_lesion_is_read_from_its_beginning():
    prepared = prepare_text("The heart is of normal size. " * 40, TOKENIZER, 64)
    assert prepared.spans[1] == (0, 3)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("point four centimeters", "4 mm"),
        ("about point 4 cm", "about 4 mm"),
        ("a .8 x .6 cm nodule", "a 8 x 6 mm nodule"),
        ("point eight by point six centimeters", "8 x 6 mm"),
        ("half a centimeter", "5 mm"),
        ("one and a half centimeters", "15 mm"),
        ("1 and 1/2 cm", "15 mm"),
        ("at this point 4 mm", "at this point 4 mm"),
        ("half of the lung", "half of the lung"),
        ("one point six centimeters", "16 mm"),
    ],
)
def test_parts_of_a_centimeter_are_lengths(written, canonical):
    assert canonicalize(written).text == canonical


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("RUL GGN 8mm, no Ca++", "RUL ground-glass nodule 8 mm, no calcification"),
        ("spic +++; lob (+); spic +/-", "marked spiculation; some lobulation; questionable spiculation"),
        ("mod spic, w/o calc", "moderate spiculation, without calcification"),
        ("Lobulation = none\nCalcifications = solid", "no lobulation\nsolid calcification"),
        ("Spiculation: nearly none. Lobulation: marked", "nearly no spiculation. marked lobulation"),
        ("not calcified, very spiculated", "non-calcified, markedly spiculated"),
        ("spic: 4/5", "spic: 4 out of 5"),
        ("calc score 200", "calc score 200"),
        ("no spiculation, marked lobulation", "no spiculation, marked lobulation"),
        ("without lobulation marked spiculation", "without lobulation marked spiculation"),
        ("no calcification, solid nodule", "no calcification, solid nodule"),
        ("Calcification solid nodule", "Calcification solid nodule"),
        ("Calcium: nil\nSpiculation: not seen", "no calcification\nno spiculation"),
        ("Calcium: no calcium. Calcification: without calcification", "no calcification. no calcification"),
        ("Density: of soft-tissue attenuation throughout.", "Density: solid."),
        ("Attenuation: soft tissue\nMargin: sharp", "Attenuation: solid\nMargin: sharp"),
        ("It is of homogeneous soft-tissue attenuation throughout", "It is solid"),
        ("Semi-solid, with soft tissue density", "Semi-solid, with soft tissue density"),
        ("Attenuation: soft tissue component 5 mm", "Attenuation: soft tissue component 5 mm"),
        ("8 mm, with benign pattern of calcification", "8 mm, with dense calcification"),
        ("Spiculation: present. Lobulation: yes", "moderate spiculation. moderate lobulation"),
        ("Spiculated: yes. Lobulated = yes", "moderate spiculation. moderate lobulation"),
        ("Hardly any spiculation is present", "Hardly any spiculation is present"),
        ("Calcification: present", "dense calcification"),
        ("There is spiculation.", "There is moderate spiculation."),
        ("with spiculation and lobulation, solid", "with moderate spiculation and moderate lobulation, solid"),
        ("shows lobulation, rated high", "shows lobulation, rated high"),
        ("It does not show spiculation.", "It has no spiculation."),
        ("It doesn\u2019t have spiculation.", "It doesn\u2019t have spiculation."),
        ("None of them has spiculation.", "None of them has spiculation."),
        ("CT to see whether there is lobulation.", "CT to see whether there is lobulation."),
        ("No effusion. There is spiculation.", "No effusion. There is moderate spiculation."),
        ("with spiculation 4/5", "with considerable spiculation"),
        ("shows spiculation: none", "shows no spiculation"),
        ("without benign calcification", "no calcification"),
        ("dense, calcification: nil, oval", "dense, no calcification, oval"),
        ("Ca none; calcs - negative; lobulation: no, oval", "no calcification; no calcification; no lobulation, oval"),
        ("nil calcification, spiculation (-)", "no calcification, no spiculation"),
        ("lobulation: no change", "lobulation: no change"),
        ("colon ca not seen; calcium solid", "colon ca not seen; calcium solid"),
        ("solid throughout, no ground glass; oval", "solid; oval"),
        ("fully solid with no GGO", "fully solid"),
        ("solid (no GG component), round", "solid, round"),
        ("solid; ground glass absent", "solid"),
        ("part-solid, no calcification", "part-solid, no calcification"),
        ("Lungs: no ground-glass opacities.", "Lungs: no ground-glass opacities."),
    ],
)
def test_shorthand_is_written_in_full(written, canonical):
    assert canonicalize(written).text == canonical


def test_shorthand_points_at_what_was_written():
    text = "RUL nodule, spic +++, w/o calc."
    prepared = prepare_text(text, TOKENIZER, 64)
    assert {"spic +++", "w/o", "calc"} <= {text[a:b] for a, b in prepared.spans}


def test_texts_that_a_model_is_scored_with_hold_no_shorthand():
    """So that the figures of a bundle are those of its words, whatever is added to the list."""
    for seed in range(300):
        rng = random.Random(seed)
        description = random_description(rng)
        for text in (write_note(description, rng, "held_out"), write_dictation(description, rng, "held_out")):
            assert not list(written_in_full(text)), text


@pytest.mark.parametrize("filler", [" ", "\n", "calc ", "spic + ", "lobulation - "])
def test_shorthand_is_found_in_a_time_that_grows_with_the_text(filler):
    start = time.process_time()
    list(written_in_full("lobulation " * 50 + filler * 20_000))
    assert time.process_time() - start < 5
