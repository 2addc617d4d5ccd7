"""What stands on a trained bundle: the index of similar nodules and the caption decoder, made again in minutes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diagnosis.bundle.caption import save_caption
from diagnosis.bundle.folder import Bundle, load_bundle
from diagnosis.drafting.wording import describe
from diagnosis.errors import ConfigurationError
from diagnosis.networks.projection import text_reading
from diagnosis.networks.text_reader import TextReader
from diagnosis.progress import OpenBar
from diagnosis.retrieval.index import IndexedNodule, NoduleIndex, save_index
from diagnosis.training.alignment_quality import measure_alignment, neighbor_agreement
from diagnosis.training.alignment_stage import LOSSES, all_cases, embed_cohort, fit_space
from diagnosis.training.caption_quality import caption_quality
from diagnosis.training.caption_stage import CaptionCases, captions_of, fit_decoder, write_captions
from diagnosis.training.cohort import Cohort, TrainingCase
from diagnosis.training.config import TrainConfig
from diagnosis.training.ct_readings import CohortReadings, read_cohort_readings
from diagnosis.training.folds import read_texts
from diagnosis.training.lidc import BENIGN_TO, MALIGNANT_FROM
from diagnosis.training.run import fitted_to, load_out_of_fold, read_cohort
from diagnosis.vocabulary import DESCRIPTORS

DESCRIPTOR_NAMES = tuple(d.name for d in DESCRIPTORS)
PLAIN_NODULE = {
    "subtlety": 5.0,
    "internal_structure": 1.0,
    "calcification": 6.0,
    "sphericity": 4.0,
    "margin": 4.0,
    "lobulation": 1.0,
    "spiculation": 1.0,
    "texture": 5.0,
}
"""The most frequent level of each descriptor: what a caption says that has not looked."""
LIDC_SOURCE = "LIDC-IDRI, CC BY 3.0 (Armato et al., Med Phys 2011;38:915)"


def make_index(config: TrainConfig, open_bar: OpenBar) -> dict[str, Any]:
    """Train aligned space and caption decoder on a finished run, measure them on held-out folds, write them.

    Returns:
        What was measured, as JSON.

    Raises:
        BundleError: the bundle that the configuration names is not there.
        ConfigurationError: it reads no descriptors from text.
        InputError: data that cannot be read.
    """
    bundle = load_bundle(Path(config.out))
    cohort = read_cohort(config, open_bar)
    config = fitted_to(config, cohort)
    reader = bundle.network.classifiers()[0].text_reader
    if not isinstance(reader, TextReader):
        msg = (
            "index: the bundle's text branch reads no descriptors, so that nothing can be aligned; use a bundle that "
            "was trained on readers' descriptors, such as models/lung_nodule"
        )
        raise ConfigurationError(msg)
    texts = read_texts(config, cohort, bundle.network, reader, open_bar)
    text = text_readings(reader, texts.answers)
    readings = read_cohort_readings(config, cohort, open_bar)
    measured = measure_alignment(cohort, readings, texts, text, config.seed, open_bar)
    space = fit_space(all_cases(readings, texts, text), LOSSES[0], config.seed)
    embedded = embed_cohort(space, cohort, readings, texts, text)
    captions = make_caption(config, cohort, readings, bundle, open_bar)
    quality: dict[str, Any] = {
        "recall": {loss: {name: r.to_json() for name, r in rows.items()} for loss, rows in measured.items()},
        "neighbors": neighbor_agreement(embedded, cohort),
        "captions": captions,
    }
    source = LIDC_SOURCE if config.data.kind == "lidc" else cohort.name
    nodules = tuple(told_of(number, case, cohort.findings) for number, case in enumerate(cohort.cases, start=1))
    vectors = embedded.numpy().astype(np.float32)
    save_index(Path(config.out), bundle.sha256, NoduleIndex(space, vectors, nodules, source, quality))
    return quality


def make_caption(
    config: TrainConfig, cohort: Cohort, readings: CohortReadings, bundle: Bundle, open_bar: OpenBar
) -> dict[str, dict[str, float]]:
    """Train a decoder for each fold and one on all; write the latter beside the bundle.

    Returns:
        Quality on held-out folds: of the decoder, of the template over what the fusion says of the CT, and of the
        caption of a plain nodule for everybody. Empty for a cohort without readers, which teaches no captions.
    """
    if not any(case.readers for case in cohort.cases):
        return {}
    shape, said = config.network.volume_encoder, captions_of(list(cohort.cases))
    written = [""] * len(cohort.cases)
    bar = open_bar("Training caption decoders")
    for done, fold in enumerate(cohort.folds):
        own = readings.by_fold[fold]
        rows = list(own.rows)
        cases = CaptionCases(own.ct, readings.diameters[rows], tuple(said[i] for i in rows))
        texts = write_captions(fit_decoder(cases, shape, config.seed), readings.centered, readings.diameters)
        for i in cohort.inside(fold):
            written[i] = texts[i]
        bar(done + 1, len(cohort.folds) + 1)
    rated = load_out_of_fold(Path(config.work) / "out_of_fold.npz").descriptors["ct"]
    templates = [describe(dict(zip(DESCRIPTOR_NAMES, row, strict=True))) for row in np.nan_to_num(rated, nan=3.0)]
    kept = [i for i, case in enumerate(cohort.cases) if case.readers and bool(readings.centered.is_there[i])]
    cases_kept = [cohort.cases[i] for i in kept]
    quality = {
        "decoder": caption_quality([written[i] for i in kept], cases_kept),
        "template": caption_quality([templates[i] for i in kept], cases_kept),
        "the same for all": caption_quality([describe(PLAIN_NODULE)] * len(kept), cases_kept),
    }
    final = fit_decoder(CaptionCases(readings.views, readings.diameters, said), shape, config.seed)
    save_caption(Path(config.out), bundle.sha256, final, quality)
    bar(len(cohort.folds) + 1, len(cohort.folds) + 1)
    return quality


@torch.inference_mode()
def text_readings(reader: TextReader, answers: Tensor) -> Tensor:
    """(text,reading) of all texts, from the answers that the text reader gave."""
    return torch.cat([text_reading(reader.interpret(part.float())) for part in torch.split(answers, 2048)])


def told_of(number: int, case: TrainingCase, findings: Sequence[str]) -> IndexedNodule:
    """What the index tells of a case: a number, mean descriptors, size, judgment; nothing that leads to a patient.

    The judgment is that of its readers; for a cohort without readers, its labels.
    """
    ratings = np.array([reader.ratings for reader in case.readers])
    means = np.nanmean(ratings, axis=0) if len(ratings) else np.full(len(DESCRIPTORS), np.nan)
    levels = {d.name: int(np.floor(m + 0.5)) for d, m in zip(DESCRIPTORS, means, strict=True) if np.isfinite(m)}
    opinions = [reader.malignancy for reader in case.readers]
    return IndexedNodule(
        name=f"nodule-{number:04d}",
        descriptors=levels,
        diameter_mm=round(case.diameter_mm) if case.diameter_mm else None,
        outcome=judgment_of(opinions) if opinions else labels_of(case.labels, findings),
    )


def judgment_of(opinions: list[float]) -> str:
    """The readers' mean malignancy rating in words; an opinion, no diagnosis."""
    mean = float(np.mean(opinions))
    who = f"{len(opinions)} reader{'s' if len(opinions) > 1 else ''}"
    if mean >= MALIGNANT_FROM:
        return f"judged malignant by {who}"
    return f"judged benign by {who}" if mean <= BENIGN_TO else f"judged indeterminate by {who}"


def labels_of(labels: Sequence[int | None], findings: Sequence[str]) -> str:
    """The labels that are known, in words: `malignancy: yes, calcified: no`."""
    known = [(f, label) for f, label in zip(findings, labels, strict=True) if label is not None]
    return ", ".join(f"{f.replace('_', ' ')}: {'yes' if label else 'no'}" for f, label in known) or "not judged"
