"""What a bundle states of itself that its files cannot tell: task, data, license, limits.

The LIDC-IDRI bundle's are written here. Of any other cohort only its makers know them: `about` of the configuration
takes them, and what they leave out is said to be unknown and never guessed.
"""

from dataclasses import dataclass
from typing import final

from diagnosis.training.cohort import Cohort
from diagnosis.training.config import TrainConfig
from diagnosis.vocabulary import MODALITY_WORDS, Modality

LIDC_LICENSE = """LIDC-IDRI (The Cancer Imaging Archive), Creative Commons Attribution 3.0 Unported.

Armato SG III et al. The Lung Image Database Consortium (LIDC) and Image Database Resource Initiative (IDRI): a
completed reference database of lung nodules on CT scans. Med Phys 2011;38:915-931. https://doi.org/10.1118/1.3528204
Data: https://doi.org/10.7937/K9/TCIA.2015.LO9QL9SX

The bundle holds weights and aggregate figures only: no image, no annotation, no text of the data set.
"""
LIDC_LIMITS = (
    (
        "The labels are opinions of radiologists, not pathology; readers agree at about r = 0.55, which bounds what\n"
        "  can be measured; two radiologists' own ratings are in the table above."
    ),
    "Notes and dictations of the training cases are made of readers' ratings by templates: English, one nodule each.",
    "Regions were cropped tightly around annotated nodules; only the middle of the region is looked at.",
)
PREVALENCE_LIMIT = (
    "A probability is calibrated for a cohort with this prevalence; it is not a risk in a screening population."
)


@final
@dataclass(frozen=True)
class Statements:
    """What stands in a bundle's metadata, card and papers beside what was measured.

    Attributes:
        task: what is told from what, without a full stop.
        description: of the network, a sentence.
        authors, copyright: of the bundle.
        data_source: what was learned from.
        intended_use: one or more sentences.
        data_license: of the data, whole.
        limits: sentences, the last of which every bundle has.
    """

    task: str
    description: str
    authors: str
    copyright: str
    data_source: str
    intended_use: str
    data_license: str
    limits: tuple[str, ...]


def stated_of(config: TrainConfig, cohort: Cohort) -> Statements:
    """The statements of a run's bundle."""
    fusion = config.network.fusion.method
    description = f"Ensemble of {fusion}-fusion networks over a 3D encoder, a frozen BERT and a text reader."
    if config.data.kind == "lidc":
        return Statements(
            task="malignancy of a marked pulmonary nodule from CT, note and dictation, any subset of them",
            description=description,
            authors="The diagnosis project",
            copyright="Apache-2.0; see LICENSE",
            data_source="LIDC-IDRI, CC BY 3.0; see docs/data_license.txt",
            intended_use="Research. Decision support for a clinician who has marked a nodule. Not a medical device.",
            data_license=LIDC_LICENSE,
            limits=(*LIDC_LIMITS, PREVALENCE_LIMIT),
        )
    about = config.about
    return Statements(
        task=about.task or _task(cohort),
        description=description,
        authors=about.authors or "Not stated",
        copyright=about.copyright or "Not stated",
        data_source=about.data_source or f"The cohort {cohort.name}, of which no source was stated",
        intended_use=about.intended_use or "Research. Not a medical device.",
        data_license=(about.data_license or "No license of the training data was stated.") + "\n",
        limits=(*(about.limits or ("What the labels rest on was not stated.",)), PREVALENCE_LIMIT),
    )


def _task(cohort: Cohort) -> str:
    """`calcified and spiculated from CT and note, any subset of them`."""
    there = [
        MODALITY_WORDS[Modality.CT] if any(case.region is not None for case in cohort.cases) else "",
        MODALITY_WORDS[Modality.NOTE] if any(case.note for case in cohort.cases) else "",
        MODALITY_WORDS[Modality.VOICE] if any(case.voice for case in cohort.cases) else "",
    ]
    parts = [part for part in there if part]
    findings = _listed([name.replace("_", " ") for name in cohort.findings])
    return f"{findings} from {_listed(parts)}{', any subset of them' if len(parts) > 1 else ''}"


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
