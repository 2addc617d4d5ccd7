import random

import pytest

from diagnosis.phantom import phrases
from diagnosis.phantom.rewording import PLAIN_WORDS, reword

ALL_PHRASES = "|".join(
    phrase
    for table in (phrases.NOUNS, phrases.ADJECTIVES)
    for levels in table.values()
    for level in levels
    for phrase in level.of("all")
)


def test_every_graded_phrase_is_one_that_is_written():
    assert [graded for graded in PLAIN_WORDS if graded not in ALL_PHRASES] == []


@pytest.mark.parametrize("graded", PLAIN_WORDS)
def test_a_graded_phrase_becomes_one_of_its_plain_words(graded):
    rng = random.Random(0)
    seen = {reword(f"A nodule, {graded}, 8 mm.", rng, 1.0) for _ in range(40)}
    assert seen == {f"A nodule, {plain}, 8 mm." for plain in PLAIN_WORDS[graded].split("|")}


def test_nothing_changes_without_a_share():
    text = "Nodule with no spiculation, non-spiculated; marked lobulation; ground glass texture."
    assert reword(text, random.Random(0), 0.0) == text
