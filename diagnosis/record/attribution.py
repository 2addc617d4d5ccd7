"""Why: attributions on the patient's own voxels, characters and seconds, each with its own proof."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt

from diagnosis.errors import ExplanationError
from diagnosis.vocabulary import Modality

WHOLE_CASE = "the whole case"
PART_ALONE = {
    Modality.CT: "the voxels alone, without words and told diameter",
    Modality.NOTE: "the note alone, without the other parts",
    Modality.VOICE: "the dictation alone, without the other parts",
}
"""Whose logit a map explains where the one of the whole case was withheld."""


@final
@dataclass(frozen=True)
class Faithfulness:
    """Figures that say whether a map can be believed; None where one was not computed.

    Attributes:
        completeness_gap: |sum of attributions - (f(input) - f(baseline))| / max(|f(input) - f(baseline)|, 0.1 logit).
        deletion_auc: mean drop of the logit while the most important parts are removed first.
        random_deletion_auc: the same in random order.
        insertion_auc: mean rise of the logit while the most important parts are put back first.
        random_insertion_auc: the same in random order.
        randomization_correlation: |rank correlation| with the map of the same network with random weights.
        infidelity: Captum's infidelity, in squared logits.
        sensitivity: Captum's maximum sensitivity: relative change of the map under a change too small to see.
        is_peak_in_truth: pointing game, where the truth is known.
        mass_in_truth: share of the positive attribution that lies inside the truth, where it is known.
        is_trustworthy: whether the map passed the checks that were made; a map that fails is withheld.
        failures: which checks failed, in words.
    """

    completeness_gap: float | None = None
    deletion_auc: float | None = None
    random_deletion_auc: float | None = None
    insertion_auc: float | None = None
    random_insertion_auc: float | None = None
    randomization_correlation: float | None = None
    infidelity: float | None = None
    sensitivity: float | None = None
    is_peak_in_truth: bool | None = None
    mass_in_truth: float | None = None
    is_trustworthy: bool = True
    failures: tuple[str, ...] = ()


@final
@dataclass(frozen=True, eq=False)
class VolumeAttribution:
    """A signed map in logits with its own affine: it can be laid over the CT without knowing how it was made.

    Attributes:
        values: float32 (slice,row,column), logits; positive speaks for the finding.
        affine_lps: (4,4), index to LPS mm, of this grid.
        method: for example `integrated_gradients`.
        baseline: the HU baseline in words, for example `air (-1000 HU)`.
        faithfulness: its proof.
        explains: whose logit is explained: that of the whole case, or of the voxels alone.
    """

    values: npt.NDArray[np.float32]
    affine_lps: npt.NDArray[np.float64]
    method: str
    baseline: str
    faithfulness: Faithfulness = field(default_factory=Faithfulness)
    explains: str = WHOLE_CASE

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or not np.isfinite(self.values).all():
            msg = "volume attribution: the map is not a finite (slice, row, column) array"
            raise ExplanationError(msg)

    @cached_property
    def density(self) -> npt.NDArray[np.float64]:
        """|attribution| averaged with its neighbors by binomial weights, a standard deviation of one voxel.

        In logits, in the shape of `values`.
        A single loud voxel of a network's gradient says little of where it looks; a reader sees where marks are dense.
        """
        strength = np.abs(self.values).astype(np.float64)
        for axis in range(3):
            padded = np.moveaxis(np.pad(strength, [(2, 2) if a == axis else (0, 0) for a in range(3)], "edge"), axis, 0)
            n = strength.shape[axis]
            weighed = sum(w * padded[k : k + n] for k, w in enumerate((1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)))
            strength = np.moveaxis(np.asarray(weighed), 0, axis)
        return strength

    @property
    def peak_mm(self) -> tuple[float, float, float]:
        """LPS position of the spot where attribution, for or against, is densest."""
        index = np.unravel_index(int(self.density.argmax()), self.values.shape)
        x, y, z = self.affine_lps[:3, :3] @ np.array(index, dtype=np.float64) + self.affine_lps[:3, 3]
        return float(x), float(y), float(z)


@final
@dataclass(frozen=True)
class TextSpan:
    """A word of a note: characters `[start, end)` of the original text and its attribution in logits."""

    start: int
    end: int
    text: str
    value: float


@final
@dataclass(frozen=True)
class SpeechSpan:
    """A word of a dictation: characters in the transcript, seconds in the recording, attribution in logits."""

    start: int
    end: int
    start_s: float
    end_s: float
    text: str
    value: float


@final
@dataclass(frozen=True)
class TextAttribution:
    """Attributions of the words of a note (`TextSpan`) or of a dictation (`SpeechSpan`), and of its sentences.

    `baseline` says in words what the attributions are measured from, `explains` whose logit they add up to: that of the
    whole case, or of this part alone.
    """

    spans: tuple[TextSpan, ...] | tuple[SpeechSpan, ...]
    method: str
    faithfulness: Faithfulness = field(default_factory=Faithfulness)
    sentences: tuple[TextSpan, ...] = ()
    baseline: str = ""
    explains: str = WHOLE_CASE


@final
@dataclass(frozen=True, eq=False)
class SoundAttribution:
    """Attribution of how something was said: float32 (mel band,frame) in logits, frames `hop_s` seconds apart."""

    values: npt.NDArray[np.float32]
    hop_s: float
    method: str
    faithfulness: Faithfulness = field(default_factory=Faithfulness)

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or not np.isfinite(self.values).all():
            msg = "sound attribution: the map is not a finite (mel band, frame) array"
            raise ExplanationError(msg)


class ChangeKind(StrEnum):
    """How a case is changed to see what the answer would have been."""

    SENTENCE_REMOVED = "sentence_removed"
    WORD_REMOVED = "word_removed"
    WORD_NEGATED = "word_negated"
    NEGATION_REMOVED = "negation_removed"
    REGION_BLANKED = "region_blanked"
    MODALITY_LEFT_OUT = "modality_left_out"


@final
@dataclass(frozen=True)
class Counterfactual:
    """What the probability becomes when something is changed.

    Attributes:
        kind: what is done.
        modality: to which part.
        spans: characters `[start, end)` of the original text that are changed; none where it is not a text.
        texts: what stands there.
        probability_before: calibrated.
        probability_after: calibrated.
        is_flipped: whether the flag changes.
    """

    kind: ChangeKind
    modality: Modality
    spans: tuple[tuple[int, int], ...]
    texts: tuple[str, ...]
    probability_before: float
    probability_after: float
    is_flipped: bool


@final
@dataclass(frozen=True)
class ModalityShares:
    """Exact Shapley values over the parts that are present.

    Attributes:
        base_logit: f(nothing): the network with every part absent.
        full_logit: f(all that is present).
        shapley_logits: value of each modality; they sum to `full_logit - base_logit`.
        subset_logits: f of each subset of the present parts, by name (`""` is the empty one).
        attention_weights: mean attention on each modality's tokens; not an explanation.
    """

    base_logit: float
    full_logit: float
    shapley_logits: dict[Modality, float]
    subset_logits: dict[str, float]
    attention_weights: dict[Modality, float]

    @property
    def shares(self) -> dict[Modality, float]:
        """|value| over the sum of absolute values; all zero where nothing contributed."""
        total = sum(abs(v) for v in self.shapley_logits.values())
        return {m: abs(v) / total if total else 0.0 for m, v in self.shapley_logits.items()}


@final
@dataclass(frozen=True)
class Explanation:
    """All attributions of one finding on one case; a part that is absent, or failed its proof, is None.

    Attributes:
        case_id: pseudonym.
        finding: what is explained.
        modality_shares: what each part contributed.
        volume: the default map of the voxels.
        note: words of the note.
        voice: words of the dictation.
        withheld: what is not shown, and which check it failed.
        seconds: how long it took.
        sound: how it was said, where the bundle has an acoustic branch.
        other_volumes: maps by further methods, as far as they were asked for and passed their checks.
        counterfactuals: what the probability would have been.
        smallest_change: the fewest sentences or words of the note without which the flag changes; None where none do.
    """

    case_id: str
    finding: str
    modality_shares: ModalityShares
    volume: VolumeAttribution | None = None
    note: TextAttribution | None = None
    voice: TextAttribution | None = None
    withheld: tuple[str, ...] = ()
    seconds: float = 0.0
    sound: SoundAttribution | None = None
    other_volumes: tuple[VolumeAttribution, ...] = ()
    counterfactuals: tuple[Counterfactual, ...] = ()
    smallest_change: Counterfactual | None = None
