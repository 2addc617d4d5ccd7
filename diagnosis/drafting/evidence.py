"""What a sentence rests on, and sentences that cannot be without."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, final

from diagnosis.errors import CaseError
from diagnosis.reading.case_words import quoted
from diagnosis.reading.facts import Fact
from diagnosis.reading.opinion import SecondOpinion
from diagnosis.record import Assessment, Case, DescriptorAssessment, FindingAssessment
from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE


class EvidenceKind(StrEnum):
    """Where a piece of evidence comes from."""

    DESCRIPTOR = "descriptor head"
    WORDS = "words"
    MEASUREMENT = "measurement"
    PROBABILITY = "assessment"
    GUIDELINE = "guideline"
    CASE = "case"
    WARNING = "warning"


@final
@dataclass(frozen=True)
class Evidence:
    """One piece of evidence.

    Attributes:
        kind: where it comes from.
        name: what it is of: a descriptor, a fact, a measure, a finding, a model.
        value: what it says, as it stands at its source.
        source: `note` or `dictation` for words.
        span: characters `[start, end)` of the note or transcript, for words.
        seconds: place in the recording, for a dictation.
        doi: of a guideline.
    """

    kind: EvidenceKind
    name: str
    value: str
    source: str | None = None
    span: tuple[int, int] | None = None
    seconds: tuple[float, float] | None = None
    doi: str | None = None

    @property
    def reference(self) -> str:
        """For the reader of a draft: `note 34-46`, `descriptor head: spiculation 4.2`."""
        if self.kind is EvidenceKind.WORDS and self.span is not None:
            place = f"{self.seconds[0]:.1f} s" if self.seconds else f"{self.span[0]}-{self.span[1]}"
            return f"{self.source} {place}"
        return f"{self.kind.value}: {self.name}" + (f" (doi:{self.doi})" if self.doi else "")


def of_fact(case: Case, fact: Fact) -> Evidence:
    """The words of a fact."""
    return Evidence(
        EvidenceKind.WORDS, fact.name, quoted(case, fact), fact.source.value, (fact.start, fact.end), fact.seconds
    )


def of_descriptor(descriptor: DescriptorAssessment) -> Evidence:
    """A rating of the descriptor head."""
    return Evidence(EvidenceKind.DESCRIPTOR, descriptor.name, f"{descriptor.value:.1f} ({descriptor.wording})")


def of_finding(finding: FindingAssessment) -> Evidence:
    """A calibrated probability with its range and threshold."""
    shown = f"{finding.probability:.0%}, {finding.low:.0%} to {finding.high:.0%}, threshold {finding.threshold:.0%}"
    return Evidence(EvidenceKind.PROBABILITY, finding.name, shown)


def of_opinion(opinion: SecondOpinion, value: str) -> Evidence:
    """A clinical model or guideline, and what it says."""
    return Evidence(EvidenceKind.GUIDELINE, opinion.model, value, doi=opinion.doi)


def of_warning(number: int, text: str) -> Evidence:
    """A warning of the assessment, by its place among them."""
    return Evidence(EvidenceKind.WARNING, f"warning {number}", text)


class Section(StrEnum):
    """Parts of a report, in their order."""

    INFORMATION = "Clinical information"
    TECHNIQUE = "Technique"
    FINDINGS = "Findings"
    IMPRESSION = "Impression"
    RECOMMENDATION = "Recommendation"


@final
@dataclass(frozen=True)
class Sentence:
    """One sentence and what it rests on.

    Raises:
        CaseError: no evidence, or no words.
    """

    section: Section
    text: str
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        if not self.evidence or not self.text.strip():
            msg = f"draft: a sentence of the {self.section.value.lower()} has no evidence or no words; leave it out"
            raise CaseError(msg)


@final
@dataclass(frozen=True)
class Draft:
    """A drafted report.

    Attributes:
        case_id: pseudonym.
        sentences: in order of their sections.
        bundle: name, version and hash of the model whose assessment it rests on.
    """

    case_id: str
    sentences: tuple[Sentence, ...]
    bundle: str

    @property
    def text(self) -> str:
        """The report as plain text: headings, a sentence a line; what a clinician edits."""
        parts = []
        for section in Section:
            lines = [s.text for s in self.sentences if s.section is section]
            parts += ["\n".join([f"{section.value.upper()}:", *lines])] if lines else []
        return "\n\n".join(parts) + "\n"

    def to_json(self) -> dict[str, Any]:
        """The public JSON form; others rely on its keys."""
        return {
            "case_id": self.case_id,
            "bundle": self.bundle,
            "sentences": [
                {
                    "section": sentence.section.value,
                    "text": sentence.text,
                    "evidence": [
                        {
                            "kind": e.kind.value,
                            "name": e.name,
                            "value": e.value,
                            "source": e.source,
                            "span": e.span,
                            "seconds": e.seconds,
                            "doi": e.doi,
                        }
                        for e in sentence.evidence
                    ],
                }
                for sentence in self.sentences
            ],
            "text": self.text,
            "disclaimer": NOT_A_MEDICAL_DEVICE,
        }


def bundle_of(assessment: Assessment) -> str:
    """Which model an assessment is from."""
    return f"{assessment.bundle_name} {assessment.bundle_version} {assessment.bundle_sha256[:12]}"
