"""The attribution of the CT as a DICOM Parametric Map: float values on their own grid, coded after CID 217.

The map keeps its own affine, so that a viewer lays it over the source by geometry and not by index. Values are logits
per voxel; positive speaks for the finding.
"""

import numpy as np
from highdicom import VOILUTTransformation, Volume
from highdicom.pm import ParametricMap, RealWorldValueMapping
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from diagnosis.errors import ExplanationError
from diagnosis.reporting.codes import anatomic_region, explanation_method
from diagnosis.reporting.dicom_object import code_of, identifiers, long_string, stamp
from diagnosis.reporting.dicom_source import DicomSource
from diagnosis.reporting.result import Result


def parametric_map(result: Result, source: DicomSource) -> Dataset:
    """The map in the source's frame of reference.

    Raises:
        InputError: the source has no frame of reference.
        ExplanationError: there is no attribution of the CT, or it was withheld.
    """
    explanation = result.explanation
    if explanation is None or explanation.volume is None:
        msg = "there is no attribution of the CT: it was not part of the assessment, or its map failed its checks"
        raise ExplanationError(msg)
    attribution = explanation.volume
    largest = max(float(np.abs(attribution.values).max()), float(np.finfo(np.float32).tiny))
    mapping = RealWorldValueMapping(
        lut_label="LOGITS",
        lut_explanation="Attribution in logits per voxel; positive speaks for the finding",
        unit=codes.UCUM.NoUnits,
        value_range=(-largest, largest),
        slope=1.0,
        intercept=0.0,
        quantity_definition=code_of(explanation_method(attribution.method)),
    )
    # Widths below 1 are only allowed for the exact linear function.
    voi = VOILUTTransformation(window_center=0.0, window_width=2 * largest, voi_lut_function="LINEAR_EXACT")
    grid = Volume(
        np.ascontiguousarray(attribution.values),
        attribution.affine_lps,
        coordinate_system="PATIENT",
        frame_of_reference_uid=source.require_frame(),
    )
    made: Dataset = ParametricMap(
        source_images=source.single_frames(),
        pixel_array=grid,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[voi],
        content_label="ATTRIBUTION",
        content_description=long_string(
            f"{attribution.method} of {attribution.explains}, baseline {attribution.baseline}"
        ),
        **identifiers(result, "pm"),
    )
    source.restore_class(made)
    made.ContentCreatorName = ""  # highdicom leaves it out, and it may be blank but not absent
    made.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [_anatomy(source.body_part)]
    description = f"Attribution: {explanation.finding.replace('_', ' ')}"
    stamp(made, result, description)
    if source.body_part:
        made.BodyPartExamined = source.body_part
    return made


def _anatomy(body_part: str) -> Dataset:
    """Frame Anatomy, without which some readers (dcmqi) give up; with it the series states no laterality of its own."""
    coded = anatomic_region(body_part)
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = coded.value, coded.scheme, coded.meaning
    anatomy = Dataset()
    anatomy.AnatomicRegionSequence = [region]
    anatomy.FrameLaterality = "U"  # unpaired, as all regions that are coded here
    return anatomy
