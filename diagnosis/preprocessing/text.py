"""A text to token ids that remember their characters."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from diagnosis.preprocessing.canonical_text import canonicalize


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
    """Canonical numbers and units, then tokens, with offsets into the text as it was written."""
    canonical = canonicalize(text)
    encoded = tokenizer(canonical.text, return_offsets_mapping=True, truncation=True, max_length=max_tokens)
    n_all = len(tokenizer(canonical.text, truncation=False, verbose=False)["input_ids"])
    spans = tuple(canonical.source_span(start, end) for start, end in encoded["offset_mapping"])
    return PreparedText(np.asarray(encoded["input_ids"], dtype=np.int64), spans, n_all > max_tokens)
