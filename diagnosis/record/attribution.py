"""Why: attributions on the patient's own voxels, characters and seconds, each with its own proof."""

from dataclasses import dataclass, field
from typing import final

import numpy as np
import numpy.typing as npt

from diagnosis.errors import ExplanationError
from diagnosis.vocabulary import Modality


@final
@dataclass(frozen=True)
class Faithfulness:
    """Figures that say whether a map can be believed; None where one was not computed.

    Attributes:
        completeness_gap: |sum of attributions - (f(input) - f(baseline))| / max(|f(input) - f(baseline)|, 0.1 logit).
        deletion_auc: mean drop of the logit while the most important parts are removed first.
        random_deletion_auc: the same in random order.
        insertion_auc: mean rise of the logit while the most important parts are put back first.
        randomization_correlation: |rank correlation| with the map of the same network with random weights.
        infidelity: Captum's infidelity.
        sensitivity: Captum's maximum sensitivity.
        is_trustworthy: whether the map passed the checks that were made; a map that fails is withheld.
        failures: which checks failed, in words.
    """

    completeness_gap: float | None = None
    deletion_auc: float | None = None
    random_deletion_auc: float | None = None
    insertion_auc: float | None = None
    randomization_correlation: float | None = None
    infidelity: float | None = None
    sensitivity: float | None = None
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
    """

    values: npt.NDArray[np.float32]
    affine_lps: npt.NDArray[np.float64]
    method: str
    baseline: str
    faithfulness: Faithfulness = field(default_factory=Faithfulness)

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or not np.isfinite(self.values).all():
            msg = "volume attribution: the map is not a finite (slice, row, column) array"
            raise ExplanationError(msg)

    @property
    def peak_mm(self) -> tuple[float, float, float]:
        """LPS position of the voxel with the largest absolute attribution."""
        index = np.unravel_index(int(np.abs(self.values).argmax()), self.values.shape)
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
    """Attributions of the words of a note (`TextSpan`) or of a dictation (`SpeechSpan`)."""

    spans: tuple[TextSpan, ...] | tuple[SpeechSpan, ...]
    method: str
    faithfulness: Faithfulness = field(default_factory=Faithfulness)


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
    """All attributions of one finding on one case; a part that is absent, or failed its proof, is None."""

    case_id: str
    finding: str
    modality_shares: ModalityShares
    volume: VolumeAttribution | None = None
    note: TextAttribution | None = None
    voice: TextAttribution | None = None
    withheld: tuple[str, ...] = ()
    seconds: float = 0.0
