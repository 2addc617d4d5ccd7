"""What is said *of* a mention: negated, uncertain, of the past, only conditional, or of a relative.

`assertions_of(text, start, end)` looks at the sentence around the mention. A cue before it counts as far as no other
cue ends its scope; a cue after it likewise. A cue inside the mention itself says nothing of it ("pharynx without
exudate" is a statement, and it is made). Cues and their sources are in `context_rules`.
"""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from operator import itemgetter
from typing import final

from diagnosis.reading import context_rules as rules
from diagnosis.reading.sentences import sentence_spans

Span = tuple[int, int]
WIDEST_SCOPE = 1000
"""Characters to either side of a mention in which cues are looked for."""


@final
@dataclass(frozen=True)
class Assertions:
    """How a mention is meant.

    Attributes:
        is_negated: said not to be there.
        is_uncertain: suspected, possible, to be ruled out.
        is_historical: of the past, or a standing condition told as history.
        is_hypothetical: a condition or a warning; nothing that happened.
        is_family: a relative's, not the patient's.
    """

    is_negated: bool = False
    is_uncertain: bool = False
    is_historical: bool = False
    is_hypothetical: bool = False
    is_family: bool = False

    @property
    def is_current_fact(self) -> bool:
        """Whether it is said to be so, now, of the patient; doubt is allowed."""
        return not (self.is_negated or self.is_historical or self.is_hypothetical or self.is_family)


def _cues(patterns: tuple[str, ...]) -> re.Pattern[str]:
    joined = "|".join(f"(?:{pattern})" for pattern in patterns).replace(" ?", r"\s*").replace(" ", r"\s+")
    return re.compile(rf"(?:(?<![\w-])|(?=[-;?:=,]))(?:{joined})(?!\w)", re.IGNORECASE)


@final
@dataclass(frozen=True)
class _Rule:
    """One assertion: cues before, cues after, what ends their scope, and how many words a scope may hold."""

    before: re.Pattern[str]
    after: re.Pattern[str] | None
    ends: re.Pattern[str] | None
    max_words: int = 40

    def applies(self, sentence: str, target: Span, blocked: list[Span]) -> bool:
        """Whether a cue's scope reaches the target."""
        heads = [m.span() for m in self.before.finditer(sentence, 0, target[0])]
        tails = [m.span() for m in self.after.finditer(sentence, target[1])] if self.after else []
        return any(
            self._is_open(sentence, end, target[0]) for start, end in heads if not _overlaps((start, end), blocked)
        ) or any(
            self._is_open(sentence, target[1], start) for start, end in tails if not _overlaps((start, end), blocked)
        )

    def _is_open(self, sentence: str, start: int, end: int) -> bool:
        between = sentence[start:end]
        if len(between.split()) > self.max_words:
            return False
        return self.ends is None or self.ends.search(between) is None


_LOOKALIKE = _cues(rules.LOOKALIKES)
_RECENT = _cues(rules.RECENT)
_NEGATED = _Rule(_cues(rules.NEGATED_BEFORE), None, _cues(rules.NEGATION_ENDS))
_NEGATED_AFTER = _Rule(re.compile(r"(?!)"), _cues(rules.NEGATED_AFTER), _cues(rules.NEGATION_ENDS), max_words=14)
_ITEMS = _cues(rules.NEGATED_ITEM)
_DESCRIBED = re.compile(rules.DESCRIBED, re.IGNORECASE)
_NEGATED_ITEM = _Rule(re.compile(r"(?!)"), _ITEMS, _cues(rules.NEGATION_ENDS), max_words=14)
_NEGATED_LAST_ITEM = _Rule(re.compile(r"(?!)"), _ITEMS, re.compile(r"[,;]"), max_words=14)
_UNCERTAIN = _Rule(
    _cues(rules.UNCERTAIN_BEFORE), _cues(rules.UNCERTAIN_AFTER), _cues(rules.NEGATION_ENDS), max_words=10
)
_HISTORICAL = _Rule(_cues(rules.HISTORICAL_BEFORE), None, _cues(rules.HISTORY_ENDS))
_HISTORICAL_AFTER = _Rule(re.compile(r"(?!)"), _cues(rules.HISTORICAL_AFTER), _cues(rules.HISTORY_ENDS), max_words=6)
_HYPOTHETICAL = _Rule(_cues(rules.HYPOTHETICAL_BEFORE), None, _cues(rules.HYPOTHETICAL_ENDS), max_words=120)
_FAMILY = _Rule(_cues(rules.FAMILY_BEFORE), _cues(rules.FAMILY_AFTER), _cues(rules.FAMILY_ENDS))


def assertions_of(text: str, start: int, end: int, sentences: tuple[Span, ...] | None = None) -> Assertions:
    """How the mention `text[start:end]` is meant.

    Args:
        text: the whole text.
        start: first character of the mention.
        end: character after its last.
        sentences: `sentence_spans(text)`, where it is at hand.

    Raises:
        ValueError: a mention that is empty or leaves the text.
    """
    if not 0 <= start < end <= len(text):
        msg = f"mention [{start}, {end}) is empty or leaves a text of {len(text)} characters"
        raise ValueError(msg)
    first, last = _sentence_around(sentences if sentences is not None else sentence_spans(text), start, end)
    # No scope is longer; in a text without full stops it keeps the work for each mention the same.
    first, last = max(first, start - WIDEST_SCOPE), min(last, end + WIDEST_SCOPE)
    sentence, target = text[first:last], (start - first, end - first)
    lookalikes = [m.span() for m in _LOOKALIKE.finditer(sentence)]
    recent = [m.span() for m in _RECENT.finditer(sentence)]
    return Assertions(
        is_negated=_NEGATED.applies(sentence, target, lookalikes)
        or _NEGATED_AFTER.applies(sentence, target, lookalikes)
        or _item_rule(sentence).applies(sentence, target, lookalikes),
        is_uncertain=_UNCERTAIN.applies(sentence, target, []),
        is_historical=_HISTORICAL.applies(sentence, target, recent)
        or _HISTORICAL_AFTER.applies(sentence, target, recent),
        is_hypothetical=_HYPOTHETICAL.applies(sentence, target, lookalikes),
        is_family=_FAMILY.applies(sentence, target, []),
    )


def _item_rule(sentence: str) -> _Rule:
    """How far a cue at the end of an item reaches: over the list, or over its item where something is described."""
    return _NEGATED_LAST_ITEM if _DESCRIBED.search(sentence) else _NEGATED_ITEM


def _sentence_around(sentences: tuple[Span, ...], start: int, end: int) -> Span:
    low = bisect_right(sentences, start, key=itemgetter(1))
    high = bisect_left(sentences, end, lo=low, key=itemgetter(0))
    return (sentences[low][0], sentences[high - 1][1]) if low < high else (start, end)


def _overlaps(span: Span, others: list[Span]) -> bool:
    return any(span[0] < last and first < span[1] for first, last in others)
