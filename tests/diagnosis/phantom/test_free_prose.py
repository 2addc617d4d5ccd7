import random
import re

import pytest

from diagnosis.phantom import free_words
from diagnosis.phantom.free_prose import write_free_dictation, write_free_note
from diagnosis.phantom.wording import LEVELS, NoduleDescription
from diagnosis.preprocessing.canonical_text import canonicalize

TABLES = ("NOUNS", "ADJECTIVES", "SHORTHAND", "CLAUSES", "VALUES")
WHOLE = NoduleDescription(4, 1, 6, 3, 2, 1, 1, 5, 17.0)


@pytest.mark.parametrize("table", TABLES)
def test_every_level_of_every_scale_has_words_and_known_degrees(table):
    known = {*free_words.DEGREES, "edge", "edges"}
    for name, top in LEVELS.items():
        levels = getattr(free_words, table)[name]
        assert len(levels) == top
        for level in levels:
            assert all(level)
            assert set(re.findall(r"\{(\w+)\}", " ".join(level))) <= known


@pytest.mark.parametrize("table", TABLES)
def test_no_phrase_stands_for_two_levels_of_a_scale(table):
    for levels in getattr(free_words, table).values():
        phrases = [phrase for level in levels for phrase in level]
        assert len(phrases) == len(set(phrases))


@pytest.mark.parametrize("write", [write_free_note, write_free_dictation])
def test_the_same_draw_gives_the_same_text_and_another_draw_another(write):
    texts = [write(WHOLE, random.Random(seed)) for seed in range(40)]
    assert texts == [write(WHOLE, random.Random(seed)) for seed in range(40)]
    assert len(set(texts)) == 40
    assert not any("{" in text or "}" in text for text in texts)


def test_the_size_is_told_where_it_is_known():
    told = [canonicalize(write_free_dictation(WHOLE, random.Random(seed))).text for seed in range(60)]
    assert all(re.search(r"\b17 (?:x \d+ )?mm", text) for text in told)


def test_a_size_in_a_text_without_the_nodules_is_that_of_something_else():
    unsized = NoduleDescription(texture=5)
    told = [canonicalize(write_free_dictation(unsized, random.Random(seed))).text for seed in range(200)]
    assert all(re.search("lymph node|liver lesion", text) for text in told if " mm" in text)
    assert any(" mm" in text for text in told)


def test_what_was_not_said_is_not_told():
    spiculation = re.compile(r"spic|spik|stellate|radiat|star", re.IGNORECASE)
    texts = [write_free_dictation(NoduleDescription(texture=5), random.Random(seed)) for seed in range(200)]
    assert not [text for text in texts if spiculation.search(text)]
