"""Records made by hand, for components that draw records, and what a test reads off a page."""

import numpy as np
from streamlit.testing.v1 import AppTest

from diagnosis.record import (
    Assessment,
    Case,
    DescriptorAssessment,
    Explanation,
    Faithfulness,
    FindingAssessment,
    ModalityShares,
    ModalityUse,
    Volume,
    VolumeAttribution,
)
from diagnosis.vocabulary import DESCRIPTORS, Modality


def html_of(app: AppTest) -> str:
    """All HTML that the components wrote."""
    return "\n".join(element.proto.body for element in app.get("html"))


def run(script, **records) -> AppTest:
    app = AppTest.from_function(script, kwargs=records, default_timeout=120).run()
    assert not app.exception, app.exception
    return app


def make_volume(shape=(24, 40, 50), spacing=(2.5, 0.8, 0.8)) -> Volume:
    """A gradient in HU, stored from the feet up, rows toward the back, columns toward the left."""
    z, y, x = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    affine = np.array([[0, 0, spacing[2], -20.0], [0, spacing[1], 0, -16.0], [spacing[0], 0, 0, -30.0], [0, 0, 0, 1]])
    return Volume((z * 10 + y * 3 + x - 500).astype(np.float32), affine)


def make_map(volume: Volume, peak_mm) -> VolumeAttribution:
    """A map on a grid of its own, strongest at one place."""
    values = np.zeros((5, 9, 9), np.float32)
    values[2, 4, 4] = 0.01
    values[2, 4, 6] = -0.004
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, :3] = [[0, 0, 1.0], [0, 1.0, 0], [2.0, 0, 0]]
    affine[:3, 3] = np.array(peak_mm) - affine[:3, :3] @ [2, 4, 4]
    proof = Faithfulness(completeness_gap=0.01, deletion_auc=0.6, random_deletion_auc=0.2)
    return VolumeAttribution(values, affine, "integrated_gradients", "lung", proof)


def make_finding(probability=0.83, **changes) -> FindingAssessment:
    values = {
        "name": "malignancy",
        "logit": 1.6,
        "probability": probability,
        "low": max(probability - 0.1, 0),
        "high": min(probability + 0.1, 1),
        "threshold": 0.31,
        "is_flagged": probability >= 0.31,
        "prediction_set": ("positive",),
    }
    return FindingAssessment(**(values | changes))


def make_assessment(case: Case, probability=0.83) -> Assessment:
    return Assessment(
        case_id=case.case_id,
        bundle_name="made",
        bundle_version="1.0.0",
        bundle_sha256="0" * 64,
        findings=(make_finding(probability),),
        descriptors=tuple(DescriptorAssessment(d.name, 2.0, d.wording(2.0)) for d in DESCRIPTORS),
        modalities=(
            ModalityUse(Modality.CT, True, 1.2, 0.75),
            ModalityUse(Modality.NOTE, True, -0.4, 0.25),
            ModalityUse(Modality.VOICE, False),
        ),
        warnings=("The note is long <and odd>.",),
    )


def make_explanation(case: Case, **parts) -> Explanation:
    shares = ModalityShares(-0.4, 1.2, {Modality.CT: 1.2}, {}, {})
    return Explanation(case.case_id, "malignancy", shares, **parts)
