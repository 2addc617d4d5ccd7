"""Word pieces to words and sentences, as they stand in the text that was written."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from diagnosis.record import TextSpan

Span = tuple[int, int]

_WORD = re.compile(r"\S+")
_EDGE = " \t\r\n.,;:!?()[]{}\"'"
_SENTENCE_END = re.compile(
    r"""(?<=[.!?])(?<!\b(?:[Dd]r|[Nn]o|vs|ca|al)\.)["')\]]*\s+(?=[A-Z0-9"'(\[])|\s*\n+\s*""", re.VERBOSE
)


def word_spans(text: str) -> tuple[Span, ...]:
    """Characters `[start, end)` of each run without white space."""
    return tuple(match.span() for match in _WORD.finditer(text))


def sentence_spans(text: str) -> tuple[Span, ...]:
    """Characters `[start, end)` of each sentence; a line ends a sentence, the dot of a number or of `Dr.` does not."""
    spans, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        spans.append((start, match.start()))
        start = match.end()
    spans.append((start, len(text)))
    trimmed = (_trimmed(text, span, " \t\r\n") for span in spans)
    return tuple(span for span in trimmed if span[0] < span[1])


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
    return first, first + len(kept)
