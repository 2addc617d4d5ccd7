"""Whether a text reads like a clinical one: a linear boundary on the frozen BERT's mean state."""

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
import torch

from diagnosis.familiarity.reference_texts import CLINICAL, OTHER, random_characters
from diagnosis.networks.text_encoder import FrozenBert
from diagnosis.networks.text_reader import TextReader
from diagnosis.preprocessing.text import prepare_text

Floats = npt.NDArray[np.float64]
SAID_FROM = 0.5
"""Probability from which a descriptor or a size counts as said."""


@final
@dataclass(frozen=True, eq=False)
class TextFamiliarity:
    """A linear boundary between clinical and other texts.

    Attributes:
        weights: (bert,).
        bias: added to the product.
        limit: logit below which a text is unfamiliar.
    """

    weights: Floats
    bias: float
    limit: float

    def is_unfamiliar(self, state: Floats) -> bool:
        """Whether a text's mean state (bert,) lies on the other side."""
        return bool(state @ self.weights + self.bias < self.limit)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"weights": self.weights.tolist(), "bias": self.bias, "limit": self.limit}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The same from JSON.

        Raises:
            KeyError, TypeError, ValueError: a field is missing or no number.
        """
        return cls(np.array(data["weights"], dtype=np.float64), float(data["bias"]), float(data["limit"]))


@torch.inference_mode()
def states_of(ids: npt.NDArray[np.int64], bert: FrozenBert) -> torch.Tensor:
    """The BERT's states of one text, (1,token,bert)."""
    tokens = torch.from_numpy(ids)[None]
    states: torch.Tensor = bert(bert.word_embeddings(tokens), torch.ones_like(tokens, dtype=torch.bool))
    return states


def mean_state(states: torch.Tensor) -> Floats:
    """Mean of a text's states (1,token,bert), at unit length, (bert,)."""
    state = states[0].mean(dim=0)
    return np.asarray((state / state.norm()).double().numpy())


@torch.inference_mode()
def says_nothing_of_a_nodule(states: torch.Tensor, reader: TextReader) -> bool:
    """Whether the text reader finds neither a descriptor nor a size in a text's states."""
    reading = reader(states, torch.ones(states.shape[:2], dtype=torch.bool))
    is_sized = torch.sigmoid(reading.size[:, 1])
    return bool(reading.is_said.max() < SAID_FROM and is_sized.max() < SAID_FROM)


def fit_text(texts: list[str], bert: FrozenBert, tokenizer: Any) -> TextFamiliarity:  # noqa: ANN401 - untyped
    """Fit on generated clinical texts, this room's own clinical sentences, and texts of every other kind."""
    from sklearn.linear_model import LogisticRegression

    clinical, other = [*texts, *CLINICAL], [*OTHER, *random_characters()]
    states = np.stack([mean_state(states_of(prepare_text(t, tokenizer, 128).ids, bert)) for t in [*clinical, *other]])
    is_clinical = np.arange(len(states)) < len(clinical)
    # Both kinds, and the two sources of clinical texts, weigh the same however many of each there are.
    counts = [(len(texts), 0.5), (len(CLINICAL), 0.5), (len(other), 1.0)]
    weights = np.concatenate([np.full(n, share / n) for n, share in counts if n]) * len(states) / 2
    fitted = LogisticRegression(C=10.0, max_iter=1000).fit(states, is_clinical, sample_weight=weights)
    return TextFamiliarity(fitted.coef_[0].astype(np.float64), float(fitted.intercept_[0]), 0.0)
