"""Findings in a text: each mention of a name, with how it is meant."""

import re
from collections.abc import Iterator
from functools import lru_cache

from diagnosis.reading.context import Assertions, assertions_of
from diagnosis.reading.finding_names import CHEST_FINDINGS, EXCEPTIONS, NODULE_FEATURES, OTHER_ABNORMALITIES
from diagnosis.reading.sentences import sentence_spans

_LOOK_BACK = 40
"""Characters before a name in which an exception to it may stand."""
Mention = tuple[str, int, int, Assertions]

# "nonspiculated", "noncalcified": the name holds its own negation.
_OWN_NEGATION = re.compile(r"(?:non-?|un)(?:spicul|lobul|calcif)|.*\b(?:not|no longer)\b", re.IGNORECASE | re.DOTALL)


@lru_cache
def _patterns(*, with_others: bool) -> dict[str, re.Pattern[str]]:
    names = NODULE_FEATURES | CHEST_FINDINGS | (OTHER_ABNORMALITIES if with_others else {})
    return {name: _compiled(name, pattern) for name, pattern in names.items()}


def _compiled(name: str, pattern: str) -> re.Pattern[str]:
    words = pattern.replace(" ", r"\s+")
    whole = rf"(?<![\w])(?:{words})(?!\w)"
    if name in EXCEPTIONS:
        _, after = EXCEPTIONS[name]
        whole += "(?!" + after.replace(" ", r"\s+") + ")" if after != "(?!)" else ""
    return re.compile(whole, re.IGNORECASE)


@lru_cache
def _before(name: str) -> re.Pattern[str] | None:
    before = EXCEPTIONS.get(name, ("(?!)", ""))[0]
    return (
        None if before == "(?!)" else re.compile(before.replace(" ?", r"\s*").replace(" ", r"\s+") + "$", re.IGNORECASE)
    )


def find_mentions(text: str, *, with_others: bool = False) -> Iterator[Mention]:
    """(name, start, end, assertions) of every finding named, in no set order.

    Args:
        text: the whole text.
        with_others: also whatever else makes a chest report abnormal.
    """
    sentences = sentence_spans(text)
    for name, pattern in _patterns(with_others=with_others).items():
        for start, end in _places(name, pattern, text):
            yield name, start, end, _meant(text, start, end, sentences)


def _places(name: str, pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    before = _before(name)
    for match in pattern.finditer(text):
        if before is None or not before.search(text, max(0, match.start() - _LOOK_BACK), match.start()):
            yield match.span()


def _meant(text: str, start: int, end: int, sentences: tuple[tuple[int, int], ...]) -> Assertions:
    meant = assertions_of(text, start, end, sentences)
    if _OWN_NEGATION.match(text, start, end):
        return Assertions(
            is_negated=not meant.is_negated,
            is_uncertain=meant.is_uncertain,
            is_historical=meant.is_historical,
            is_hypothetical=meant.is_hypothetical,
            is_family=meant.is_family,
        )
    return meant
