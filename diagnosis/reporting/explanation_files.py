"""An explanation as files: NIfTI overlays, PNG panels, JSON with all figures, and the page."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnosis.record import Explanation, SpeechSpan, VolumeAttribution, geometry
from diagnosis.reporting.html_report import ReportCase, write_report
from diagnosis.reporting.panels import region_panel, waveform_panel

_OF_METHODS = ("integrated_gradients", "gradient_shap", "occlusion", "grad_cam")
_OVERLAYS = ("attribution.nii.gz", *(f"attribution_{name}.nii.gz" for name in ("on_ct", *_OF_METHODS)))
_MAY_BE_MISSING = (*_OVERLAYS, "region.png", "dictation.png")
"""Files that not every explanation has."""


def write_explanation(item: ReportCase, on_ct_grid: npt.NDArray[np.float32] | None, folder: Path) -> list[Path]:
    """Write everything that there is into a folder; return the files.

    Overlays and pictures of an earlier explanation are taken out of the folder: beside the page of a case without a CT
    or a dictation they would be another patient's.

    Args:
        item: case, assessment and explanation.
        on_ct_grid: the volume attribution laid onto the CT's own voxels, (slice,row,column), or None.
        folder: is made.
    """
    explanation, case = item.explanation, item.case
    if explanation is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    for name in _MAY_BE_MISSING:
        (folder / name).unlink(missing_ok=True)
    written = [folder / "explanation.json", folder / "report.html"]
    written[0].write_text(json.dumps(explanation_json(explanation), indent=2) + "\n", encoding="utf-8")
    write_report([item], written[1])
    if explanation.volume is not None and case.volume is not None and case.region is not None:
        written += [folder / "attribution.nii.gz", folder / "region.png"]
        _write_nifti(explanation.volume.values, explanation.volume.affine_lps, written[-2])
        written[-1].write_bytes(region_panel(case.volume, case.region, explanation.volume))
        for other in explanation.other_volumes:
            written.append(folder / f"attribution_{other.method}.nii.gz")
            _write_nifti(other.values, other.affine_lps, written[-1])
        if on_ct_grid is not None:
            written.append(folder / "attribution_on_ct.nii.gz")
            _write_nifti(on_ct_grid, case.volume.affine_lps, written[-1])
    if explanation.voice is not None and case.voice_note is not None:
        spans = tuple(span for span in explanation.voice.spans if isinstance(span, SpeechSpan))
        png = waveform_panel(case.voice_note, spans)
        if png is not None:
            written.append(folder / "dictation.png")
            written[-1].write_bytes(png)
    return written


def _write_nifti(values: npt.NDArray[np.float32], affine_lps: npt.NDArray[np.float64], path: Path) -> None:
    """NIfTI is (i,j,k) in RAS: the array is transposed to (column,row,slice), and x and y change sign."""
    import nibabel

    swap = np.eye(4)[[2, 1, 0, 3]]
    affine = geometry.LPS_TO_RAS @ affine_lps @ swap
    image = nibabel.Nifti1Image(np.ascontiguousarray(values.transpose(2, 1, 0)), affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """All figures of an explanation; voxels stand in the NIfTI files."""
    shares = explanation.modality_shares
    return {
        "case_id": explanation.case_id,
        "finding": explanation.finding,
        "modalities": {
            "base_logit": shares.base_logit,
            "full_logit": shares.full_logit,
            "shapley_logits": {m.value: v for m, v in shares.shapley_logits.items()},
            "shares": {m.value: v for m, v in shares.shares.items()},
            "subset_logits": shares.subset_logits,
            "attention_weights": {m.value: v for m, v in shares.attention_weights.items()},
        },
        "volumes": [_volume_json(v) for v in (explanation.volume, *explanation.other_volumes) if v is not None],
        "note": asdict(explanation.note) if explanation.note else None,
        "voice": asdict(explanation.voice) if explanation.voice else None,
        "counterfactuals": [asdict(change) for change in explanation.counterfactuals],
        "smallest_change": asdict(explanation.smallest_change) if explanation.smallest_change else None,
        "withheld": list(explanation.withheld),
        "seconds": explanation.seconds,
    }


def _volume_json(volume: VolumeAttribution) -> dict[str, Any]:
    return {
        "method": volume.method,
        "baseline": volume.baseline,
        "explains": volume.explains,
        "shape": list(volume.values.shape),
        "affine_lps": volume.affine_lps.tolist(),
        "sum_logits": float(volume.values.sum()),
        "peak_mm": list(volume.peak_mm),
        "faithfulness": asdict(volume.faithfulness),
    }
