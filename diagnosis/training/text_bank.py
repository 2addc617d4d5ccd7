"""Every text once through the frozen BERT; states are kept as float16 and handed out in padded batches."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from diagnosis.networks.text_encoder import FrozenBert
from diagnosis.preprocessing.text import prepare_text
from diagnosis.progress import OnProgress


@final
class TextBank:
    """BERT states of many texts: one flat array, so that a hundred thousand texts fit in memory."""

    def __init__(self, flat: npt.NDArray[np.float16], offsets: npt.NDArray[np.int64]) -> None:
        self._flat, self._offsets = flat, offsets

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each text."""
        return np.diff(self._offsets)

    def batch(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """States (batch,token,bert) and mask (batch,token) of some texts; index -1 gives an empty row."""
        spans = [(0, 0) if i < 0 else (self._offsets[i], self._offsets[i + 1]) for i in indices]
        longest = max([1, *(int(end - start) for start, end in spans)])
        states = np.zeros((len(spans), longest, self._flat.shape[1]), dtype=np.float16)
        mask = np.zeros((len(spans), longest), dtype=bool)
        for row, (start, end) in enumerate(spans):
            states[row, : end - start] = self._flat[start:end]
            mask[row, : end - start] = True
        return torch.from_numpy(states).float(), torch.from_numpy(mask)


@torch.inference_mode()
def encode_texts(
    texts: Sequence[str],
    bert: FrozenBert,
    tokenizer: Any,  # noqa: ANN401 - transformers is untyped
    max_tokens: int,
    on_progress: OnProgress,
    batch_size: int = 64,
) -> TextBank:
    """Encode texts, longest together, in bfloat16."""
    ids = [prepare_text(text, tokenizer, max_tokens).ids for text in texts]
    rows: list[npt.NDArray[np.float16]] = [np.zeros((0, bert.width), np.float16)] * len(ids)
    order = np.argsort([-len(row) for row in ids])
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        longest = max(len(ids[i]) for i in chosen)
        tokens = torch.zeros((len(chosen), longest), dtype=torch.long)
        mask = torch.zeros((len(chosen), longest), dtype=torch.bool)
        for row, i in enumerate(chosen):
            tokens[row, : len(ids[i])] = torch.from_numpy(ids[i])
            mask[row, : len(ids[i])] = True
        with torch.autocast("cpu", torch.bfloat16):
            states = bert(bert.word_embeddings(tokens), mask)
        for row, i in enumerate(chosen):
            rows[i] = states[row, : len(ids[i])].float().numpy().astype(np.float16)
        on_progress(min(start + batch_size, len(order)), len(order))
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    flat = np.concatenate(rows) if rows else np.zeros((0, bert.width), np.float16)
    return TextBank(flat, offsets)
