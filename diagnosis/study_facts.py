"""What the reporting checklists ask and a bundle and its scored cases answer by themselves; people state the rest.

`diagnosis evaluate --study FILE` reads the rest: a YAML file with a sentence for each key of
`evaluation.claim_items.STUDY_FACTS`, and `not_applicable` with a reason for each key that asks for what does not exist.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnosis.bundle.folder import Bundle
from diagnosis.errors import InputError
from diagnosis.evaluation.claim_items import STUDY_FACTS
from diagnosis.ingest.manifest import ManifestRow

NOT_APPLICABLE = "not_applicable"


def bundle_facts(bundle: Bundle) -> dict[str, str]:
    """Facts that a bundle states of itself."""
    metadata, network = bundle.metadata, bundle.network.config
    inputs, encoder, text = metadata.inputs, network.volume_encoder, network.text_encoder
    sides = " × ".join(f"{n * mm:.1f}" for n, mm in zip(inputs.shape, inputs.spacing_mm, strict=True))
    facts = {
        "title": f"Evaluation of {metadata.name} {metadata.version}, an ensemble of multimodal neural networks, for "
        f"the task: {metadata.task}",
        "predictors": "The region of the CT with its diameter where known, the note, the transcript of the dictation.",
        "preprocessing": f"CT: a region of {sides} mm (z, y, x) on a grid of {inputs.shape} voxels, "
        f"{inputs.hu_range[0]:g} to {inputs.hu_range[1]:g} HU. Texts: numbers and units in one form, "
        f"at most {inputs.max_tokens} tokens.",
        "architecture": f"Volume encoder {encoder.kind}; frozen BERT {text.package} {text.version} with a trained "
        f"reader; fusion {network.fusion.method} over the parts that are there.",
        "initialization": f"The BERT is pretrained ({text.package} {text.version}) and frozen; all else "
        "began at random.",
        "ensembling": f"Mean logit of {network.n_members} members.",
        "updating": "None: calibration and thresholds are those of the bundle.",
        "model_availability": f"Bundle {metadata.name} {metadata.version}, SHA-256 {bundle.sha256}; "
        f"{metadata.copyright}",
        "deidentification": "Cases are scored under the pseudonyms of the manifest; nothing that scores reads who the "
        "patient is.",
    }
    if (bundle.folder / "configs" / "train.yaml").is_file():
        facts["training"] = "The configuration of the training run stands in the bundle: configs/train.yaml."
    return facts


def cohort_facts(
    rows: Sequence[ManifestRow], scored: Sequence[ManifestRow], slice_spacing_mm: Sequence[float | None]
) -> dict[str, str]:
    """Facts that the cases state: flow, characteristics, acquisition, missing parts."""
    n_failed = len(rows) - len(scored)
    facts = {
        "flow": f"{_count(len(rows), 'row')} of the manifest, {len({r.patient_id for r in rows})} patients; "
        f"{len(scored)} scored, {n_failed} could not be read.",
        "unusable_input": f"A case that cannot be read is left out, counted, and named by its row: {n_failed} here.",
        "missing_data": _missing(scored),
        "subsets": "Each case is scored with every subset of the parts that it has.",
        "demographics": _demographics(scored),
    }
    spacing = np.array([mm for mm in slice_spacing_mm if mm is not None])
    if spacing.size:
        facts["acquisition"] = f"CT slice spacing: {_spread(spacing, 'mm')}; no more is recorded here."
    splits = sorted({row.split for row in rows if row.split})
    if splits:
        facts["partitions"] = f"Split of the manifest: {', '.join(splits)}."
        facts["disjointness"] = "By patient: a manifest with a patient in two splits is refused."
    return facts


def read_study_facts(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Facts that people state, and the reasons why some do not exist.

    Raises:
        InputError: no such file, not YAML, an unknown key, or a value that is no sentence.
    """
    import yaml

    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"study facts {path.name}: it cannot be read as YAML; correct the path or the file"
        raise InputError(msg) from error
    reasons = data.pop(NOT_APPLICABLE, {}) if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(reasons, dict):
        msg = f"study facts {path.name}: it is not a table of keys and sentences; write KEY: SENTENCE in each line"
        raise InputError(msg)
    for key, text in [*data.items(), *reasons.items()]:
        if key not in STUDY_FACTS:
            msg = f"study facts {path.name}: {str(key)[:40]!r} is not a key; use one of {', '.join(STUDY_FACTS)}"
            raise InputError(msg)
        if not isinstance(text, str) or not text.strip():
            msg = f"study facts {path.name}: {key} has no sentence; write one ({STUDY_FACTS[key]}), or remove the key"
            raise InputError(msg)
    return data, reasons


def _missing(scored: Sequence[ManifestRow]) -> str:
    without = {
        "CT": sum(r.ct is None for r in scored),
        "note": sum(r.note is None and r.note_text is None for r in scored),
        "dictation": sum(r.voice is None and r.voice_text is None for r in scored),
        "diameter": sum(r.diameter_mm is None for r in scored),
    }
    counted = ", ".join(f"{name} {n}" for name, n in without.items())
    return f"An absent part is masked, an unknown diameter is read from the image. Absent here: {counted}."


def _demographics(scored: Sequence[ManifestRow]) -> str:
    sexes = [row.sex.value if row.sex else "unknown" for row in scored]
    parts = ["sex: " + ", ".join(f"{sex} {sexes.count(sex)}" for sex in sorted(set(sexes)))]
    for name, unit, values in (
        ("age", "years", [row.age_years for row in scored]),
        ("diameter", "mm", [row.diameter_mm for row in scored]),
    ):
        known = np.array([value for value in values if value is not None])
        parts.append(f"{name}: {_spread(known, unit)}" if known.size else f"{name}: not recorded")
    return f"{'; '.join(parts)}. One partition."


def _spread(values: npt.NDArray[np.float64], unit: str) -> str:
    """`median 1.2 mm (0.6 to 5.0; n = 20)`."""
    return f"median {np.median(values):.1f} {unit} ({values.min():.1f} to {values.max():.1f}; n = {values.size})"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
