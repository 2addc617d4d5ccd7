"""Findings in a text: each mention of a name, with how it is meant."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter

from diagnosis.reading.context import WIDEST_SCOPE, Assertions, assertions_of
from diagnosis.reading.finding_names import (
    CHEST_FINDINGS,
    EXCEPTIONS,
    IMPLIED_NEGATION,
    NODULE_FEATURES,
    OTHER_ABNORMALITIES,
)
from diagnosis.reading.sentences import sentence_spans

_LOOK_BACK = 40
"""Characters before a name in which an exception to it may stand."""
Mention = tuple[str, int, int, Assertions]

# "nonspiculated", "noncalcified": the name holds its own negation.
_OWN_NEGATION = re.compile(r"(?:non-?|un)(?:spicul|lobul|calcif)|.*\b(?:not|no longer)\b", re.IGNORECASE | re.DOTALL)
_IMPLIED_NEGATION = re.compile(rf"(?:{IMPLIED_NEGATION})".replace(" ", r"\s+"), re.IGNORECASE)
_THE = re.compile(r"\b(?:if|unless|should)\s+(?:the|this|that|these|those)\s+(?:[\w.-]+\s+){0,7}$", re.IGNORECASE)
_LESION = re.compile(r"nodul|\bnods?\b|mass|lesion|margin|border|contour", re.IGNORECASE)
_OWN_CLAUSE = re.compile(r"[,;]\s*(?:no|without|mild|moderate|severe)\s+$", re.IGNORECASE)
_PRESUPPOSED = frozenset({"nodule", "mass"})


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
            if (meant := _meant(name, text, (start, end), sentences)) is not None:
                yield name, start, end, meant


def _places(name: str, pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    before = _before(name)
    for match in pattern.finditer(text):
        if before is None or not before.search(text, max(0, match.start() - _LOOK_BACK), match.start()):
            yield match.span()


def _speaks_of_lesion(text: str, place: int, sentences: tuple[tuple[int, int], ...]) -> bool:
    """Whether the sentence around a place names a nodule or a margin: bronchi and septa can be smooth too."""
    index = bisect_right(sentences, place, key=itemgetter(0)) - 1
    first, last = sentences[index]
    return _LESION.search(text, max(first, place - WIDEST_SCOPE), min(last, place + WIDEST_SCOPE)) is not None


def _meant(name: str, text: str, place: tuple[int, int], sentences: tuple[tuple[int, int], ...]) -> Assertions | None:
    """How a mention is meant; None where it tells nothing of the finding."""
    start, end = place
    meant = assertions_of(text, start, end, sentences)
    has_own = _OWN_NEGATION.match(text, start, end) is not None
    if _IMPLIED_NEGATION.fullmatch(text, start, end):
        if text[start:end].lower() == "smooth" and not _speaks_of_lesion(text, start, sentences):
            return None
        # "Not smooth" and "may be smooth" tell nothing of spiculation.
        return None if meant.is_negated or meant.is_uncertain else replace(meant, is_negated=True)
    before = max(0, start - _LOOK_BACK)
    if name in _PRESUPPOSED and meant.is_hypothetical and _THE.search(text, before, start):
        # "If the 11 mm nodule grows": that there is one is no condition.
        meant = replace(meant, is_hypothetical=False)
    if meant.is_family and _OWN_CLAUSE.search(text, before, start):
        # "No family history of malignancy, no emphysema": the images show no relative.
        meant = replace(meant, is_family=False)
    return replace(meant, is_negated=not meant.is_negated) if has_own else meant
