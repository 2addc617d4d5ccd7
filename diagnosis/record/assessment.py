"""What the product says of a case: calibrated probabilities, what was used, what was missing."""

from dataclasses import dataclass
from typing import final

from diagnosis.errors import DiagnosisError
from diagnosis.vocabulary import Modality


@final
@dataclass(frozen=True)
class FindingAssessment:
    """One finding.

    Attributes:
        name: the finding, as the bundle declares it.
        logit: the network's own output, before calibration.
        probability: calibrated, in [0,1].
        low: lower end of the interval over the ensemble's members, or equal to `probability` for a single network.
        high: upper end.
        threshold: probability at or above which the finding is flagged.
        is_flagged: whether it is.
        prediction_set: conformal set at the bundle's stated coverage: a subset of ("negative", "positive"); both mean
            that the case is too uncertain to call; None where the bundle has no conformal calibration.
    """

    name: str
    logit: float
    probability: float
    low: float
    high: float
    threshold: float
    is_flagged: bool
    prediction_set: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for label, value in (("probability", self.probability), ("low", self.low), ("high", self.high)):
            if not 0.0 <= value <= 1.0:
                msg = f"finding {self.name}: a {label} of {value:g} is outside 0 to 1"
                raise DiagnosisError(msg)


@final
@dataclass(frozen=True)
class DescriptorAssessment:
    """An ordinal descriptor: expected rating on its scale, and the wording of the nearest level."""

    name: str
    value: float
    wording: str


@final
@dataclass(frozen=True)
class ModalityUse:
    """What one kind of evidence did: whether it was there, its exact Shapley value in logits, and its share.

    `share` is |Shapley value| over the sum of the absolute values: 0 for an absent modality, summing to 1.
    `attention_weight` is the mean attention of the fusion on its tokens. Shown for what it is; it explains nothing.
    """

    modality: Modality
    is_present: bool
    shapley_logits: float = 0.0
    share: float = 0.0
    attention_weight: float = 0.0


@final
@dataclass(frozen=True)
class Assessment:
    """The whole answer on one case.

    Attributes:
        case_id: pseudonym.
        bundle_name: which model.
        bundle_version: its version.
        bundle_sha256: hash over the bundle's files, so that the answer can be reproduced.
        findings: in the bundle's order; the first is the main one.
        descriptors: the reader descriptors, as far as the bundle has them; none without a CT, from which they are read.
        modalities: one entry for each of CT, note, voice, in that order.
        warnings: sentences for the reader.
        seconds: duration of each stage.
    """

    case_id: str
    bundle_name: str
    bundle_version: str
    bundle_sha256: str
    findings: tuple[FindingAssessment, ...]
    descriptors: tuple[DescriptorAssessment, ...]
    modalities: tuple[ModalityUse, ...]
    warnings: tuple[str, ...] = ()
    seconds: tuple[tuple[str, float], ...] = ()

    @property
    def main(self) -> FindingAssessment:
        """The bundle's first finding."""
        return self.findings[0]
