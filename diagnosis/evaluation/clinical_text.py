"""How well texts are read: precision, recall and F1 of yes/no judgments, and whether the halves of a set agree.

Rules that were written while looking at a set look better on it than they are. `split_half` gives F1 on halves drawn
at random many times: rules that fit single rows show as halves that differ by more than chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np


@final
@dataclass(frozen=True)
class Agreement:
    """Judgments against a reference: true positives, false positives, false negatives."""

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float:
        """Share of the positive judgments that are right; 1 where there are none."""
        judged = self.true_positives + self.false_positives
        return self.true_positives / judged if judged else 1.0

    @property
    def recall(self) -> float:
        """Share of the reference's positives that are found; 1 where there are none."""
        wanted = self.true_positives + self.false_negatives
        return self.true_positives / wanted if wanted else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two; 1 where there is nothing to find and nothing is."""
        errors = self.false_positives + self.false_negatives
        return 2 * self.true_positives / (2 * self.true_positives + errors) if self.true_positives + errors else 1.0


def agreement(reference: Sequence[bool], judged: Sequence[bool]) -> Agreement:
    """Count judgments against the reference.

    Raises:
        ValueError: sequences of different lengths.
    """
    pairs = list(zip(reference, judged, strict=True))
    return Agreement(
        sum(wanted and found for wanted, found in pairs),
        sum(found and not wanted for wanted, found in pairs),
        sum(wanted and not found for wanted, found in pairs),
    )


def split_half(
    reference: Sequence[bool], judged: Sequence[bool], *, draws: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Mean and smallest F1 over halves drawn at random."""
    wanted, found = np.asarray(reference, dtype=bool), np.asarray(judged, dtype=bool)
    generator = np.random.default_rng(seed)
    scores = []
    for _ in range(draws):
        half = generator.permutation(wanted.size)[: wanted.size // 2]
        scores.append(agreement(wanted[half].tolist(), found[half].tolist()).f1)
    return float(np.mean(scores)), float(np.min(scores))
