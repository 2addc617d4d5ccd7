"""A text to token ids that remember their characters."""

import re
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from diagnosis.preprocessing.canonical_text import canonicalize

_OF_LESIONS = re.compile(
    r"nodul|lesion|\bmass\b|opacit|spic|lobul|margin|border|calcif|ground|\bggo|solid|ovoid|\boval|round|\d mm\b",
    re.IGNORECASE,
)
"""Words that stand close together where a report describes a lesion."""


@final
@dataclass(frozen=True, eq=False)
class PreparedText:
    """A text ready for the BERT.

    Attributes:
        ids: (token,) ids, special tokens included.
        spans: for each token its characters `[start, end)` in the *original* text; (0, 0) for special tokens.
        is_cut: whether the text was longer than the network reads.
    """

    ids: npt.NDArray[np.int64]
    spans: tuple[tuple[int, int], ...]
    is_cut: bool


def prepare_text(text: str, tokenizer: Any, max_tokens: int) -> PreparedText:  # noqa: ANN401 - transformers is untyped
    """Canonical numbers and units, then tokens, with offsets into the text as it was written.

    Of a text that is longer than `max_tokens` the stretch is kept that says most of a lesion, the first of several.
    """
    canonical = canonicalize(text)
    encoded = tokenizer(canonical.text, return_offsets_mapping=True, truncation=False, verbose=False)
    ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
    is_cut = len(ids) > max_tokens
    if is_cut:
        # The first and the last token are special ones.
        start = 1 + _telling_stretch(canonical.text, offsets[1:-1], max_tokens - 2)
        stretch = slice(start, start + max_tokens - 2)
        ids = [ids[0], *ids[stretch], ids[-1]]
        offsets = [offsets[0], *offsets[stretch], offsets[-1]]
    spans = tuple(canonical.source_span(start, end) for start, end in offsets)
    return PreparedText(np.asarray(ids, dtype=np.int64), spans, is_cut)


def _telling_stretch(text: str, offsets: list[tuple[int, int]], length: int) -> int:
    """Where the stretch of `length` tokens begins that holds most words of lesions."""
    starts = np.array([start for start, _ in offsets])
    counts = np.zeros(len(offsets) + 1)
    for match in _OF_LESIONS.finditer(text):
        counts[max(1, int(np.searchsorted(starts, match.start(), side="right")))] += 1
    held = np.cumsum(counts)
    held = held[length:] - held[:-length]
    if held.max() == held[0]:
        return 0
    # Centered on what it holds: the words before the first and after the last belong to the description too.
    best = np.flatnonzero(held == held.max())
    run = best[: np.argmax(np.append(np.diff(best), 2) > 1) + 1]
    return int(run[len(run) // 2])
