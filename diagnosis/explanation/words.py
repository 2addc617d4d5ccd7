"""Word pieces to words and sentences, as they stand in the text that was written."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from diagnosis.reading import sentences
from diagnosis.record import TextSpan

Span = tuple[int, int]

_WORD = re.compile(r"\S+")
_EDGE = " \t\r\n.,;:!?()[]{}\"'"
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))
_LINE_END = re.compile(r"\s*\n\s*")
_NARROWEST = 40
"""Characters of a line from which on it can have been wrapped."""


def word_spans(text: str) -> tuple[Span, ...]:
    """Characters `[start, end)` of each run without white space."""
    return tuple(match.span() for match in _WORD.finditer(text))


def sentence_spans(text: str) -> tuple[Span, ...]:
    """Characters `[start, end)` of what is weighed and taken out as a whole: sentences, each cut at its lines' ends.

    A list of short lines without full stops is one sentence to the reader of facts, but each line says a thing of its
    own. A line that was only wrapped is not cut.
    """
    width = max(map(len, text.splitlines()), default=0)
    spans = []
    for start, end in sentences.sentence_spans(text):
        first = start
        for match in _LINE_END.finditer(text, start, end):
            if not _is_wrapped(text, match.start(), match.end(), width):
                spans.append((first, match.start()))
                first = match.end()
        spans.append((first, end))
    return tuple(spans)


def _is_wrapped(text: str, end: int, start: int, width: int) -> bool:
    """Whether a line that ends here goes on at `start`: in lower case, with a word that had no room in the width."""
    length = end - (text.rfind("\n", 0, end) + 1)
    word = _WORD.match(text, start)
    is_full = word is not None and length + 1 + len(word[0]) > width
    return length >= _NARROWEST and is_full and text[start].islower()


def sum_to_words(
    values: npt.NDArray[np.float64], token_spans: Sequence[Span], words: Sequence[Span]
) -> list[tuple[list[int], float]]:
    """Values of word pieces summed to words.

    A token that covers several words (`2.2 cm` read as `22 mm`) makes one group of them. Each token counts once, so
    that the sum is kept; special tokens (empty span) and words that were not read are left out.

    Args:
        values: (token,) attributions in logits.
        token_spans: characters of each token in the original text.
        words: characters of each word, in order.

    Returns:
        Groups of indices into `words`, in order, with the value of each.
    """
    covered = [[w for w, (a, b) in enumerate(words) if a < end and start < b] for start, end in token_spans]
    group = list(range(len(words)))
    for members in covered:
        for word in members[1:]:
            old, new = group[word], group[members[0]]
            group = [new if g == old else g for g in group]
    totals: dict[int, float] = {}
    for members, value in zip(covered, values.tolist(), strict=True):
        if members:
            totals[group[members[0]]] = totals.get(group[members[0]], 0.0) + value
    return [([w for w, g in enumerate(group) if g == key], totals[key]) for key in sorted(totals)]


def text_spans(text: str, values: npt.NDArray[np.float64], token_spans: Sequence[Span]) -> tuple[TextSpan, ...]:
    """The words of a text with their attributions; punctuation at its edge counts, but is not in its span.

    Args:
        text: as it was written.
        values: attribution of each token in logits, (token,).
        token_spans: characters [start, end) of each token in the text.
    """
    words = word_spans(text)
    spans = []
    for members, value in sum_to_words(values, token_spans, words):
        start, end = _trimmed(text, (words[members[0]][0], words[members[-1]][1]), _EDGE)
        spans.append(TextSpan(start, end, text[start:end], value))
    return tuple(spans)


def sum_to_sentences(text: str, words: Sequence[TextSpan]) -> tuple[TextSpan, ...]:
    """Sentences of a text with the sum of their words' attributions."""
    result = []
    for start, end in sentence_spans(text):
        inside = [word.value for word in words if start <= word.start < end]
        if inside:
            result.append(TextSpan(start, end, text[start:end], float(sum(inside))))
    return tuple(result)


def _trimmed(text: str, span: Span, edge: str) -> Span:
    """The span without characters of `edge` at its ends; unchanged where nothing else is in it."""
    start, end = span
    inner = text[start:end]
    kept = inner.strip(edge)
    if not kept:
        return span
    first = start + len(inner) - len(inner.lstrip(edge))
    last = first + len(kept)
    # A bracket whose other half is inside belongs to the word: "lob (+)".
    for opening, closing in _BRACKETS:
        if kept.count(opening) > kept.count(closing) and text[last:end].startswith(closing):
            last += 1
        elif kept.count(closing) > kept.count(opening) and text[start:first].endswith(opening):
            first -= 1
    return first, last
