"""The assessment as a DICOM Comprehensive 3D SR after TID 1500: numbers that a PACS and a registry can read.

One measurement group a finding: the region as a sphere (ELLIPSOID) or a point in the source's frame of reference (TID
1411), or without a place where none is marked (TID 1501). In it the calibrated probability with the ensemble's range
and the threshold, the flag and the conformal set, and each descriptor as expected rating and nearest wording. The
observing device and the algorithm identification name the bundle, its version and its SHA-256. The warnings of the
assessment stand beside the measurements as comments; a region that a program proposed is tracked under words that say
so. A report that a clinician signed is a section of its own (`signed_section`).
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import (
    AlgorithmIdentification,
    Comprehensive3DSR,
    ContentItem,
    DeviceObserverIdentifyingAttributes,
    LanguageOfContentItemAndDescendants,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumeSurface,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from diagnosis.record import FindingAssessment, RegionOfInterest
from diagnosis.reporting import codes as ours
from diagnosis.reporting.dicom_object import MANUFACTURER, code_of, identifiers, long_string, stamp
from diagnosis.reporting.dicom_source import DicomSource
from diagnosis.reporting.result import Result, as_uid
from diagnosis.reporting.signed_section import signed_section

ENGLISH = ours.Coded("en-US", "RFC5646", "English (United States)")


def structured_report(result: Result, source: DicomSource) -> Dataset:
    """The SR document; it refers to every source image."""
    report = MeasurementReport(
        observation_context=_observer(result),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=[_group(result, source, finding) for finding in result.assessment.findings],
        title=codes.DCM.ImagingMeasurementReport,
        language_of_content_item_and_descendants=LanguageOfContentItemAndDescendants(code_of(ENGLISH)),
    )
    report[0].ContentSequence.extend(_comments(result))
    if result.signed is not None:
        report[0].ContentSequence.append(signed_section(result.signed, result.document_time.tzinfo))
    made: Dataset = Comprehensive3DSR(
        evidence=source.images,
        content=report[0],
        is_complete=True,
        coding_schemes=[
            CodingSchemeIdentificationItem(ours.LOCAL_SCHEME, name=ours.LOCAL_SCHEME_NAME, uid=ours.LOCAL_SCHEME_UID)
        ],
        **identifiers(result, "sr"),
    )
    stamp(made, result, "Assessment (structured report)")
    return made


def _comments(result: Result) -> list[ContentItem]:
    """What the reader of the numbers has to know, each warning as a comment of its own beside the measurements."""
    contains = RelationshipTypeValues.CONTAINS
    return [TextContentItem(code_of(ours.COMMENT), words, contains) for words in result.assessment.warnings]


def tracking_uid(result: Result) -> str:
    """Identifier of the assessed region, the same in all forms of a result."""
    return result.uid("region")


def _observer(result: Result) -> ObservationContext:
    said = result.assessment
    device = DeviceObserverIdentifyingAttributes(
        uid=as_uid(result.device_uuid),
        name=long_string(said.bundle_name),
        manufacturer_name=MANUFACTURER,
        model_name=long_string(f"{said.bundle_name} {said.bundle_version}"),
        serial_number=said.bundle_sha256,
    )
    return ObservationContext(observer_device_context=ObserverContext(codes.DCM.Device, device))


def _group(result: Result, source: DicomSource, finding: FindingAssessment) -> Any:  # noqa: ANN401 - one of two templates
    said, region = result.assessment, result.case.region
    algorithm = AlgorithmIdentification(
        name=said.bundle_name, version=said.bundle_version, parameters=[f"bundle_sha256={said.bundle_sha256}"]
    )
    # The descriptors describe the lesion and stand once, beside the main finding.
    descriptors = said.descriptors if finding is said.main else ()
    measurements = _measurements(finding)
    measurements += [
        Measurement(code_of(ours.descriptor_rating(item.name)), _decimal(item.value), codes.UCUM.NoUnits)
        for item in descriptors
    ]
    evaluations = _evaluations(finding)
    evaluations += [
        _evaluation(ours.descriptor_name(item.name), ours.descriptor_level(item.name, item.value))
        for item in descriptors
    ]
    contents: dict[str, Any] = {
        "tracking_identifier": TrackingIdentifier(tracking_uid(result), result.tracking_words),
        "finding_type": code_of(ours.LESION),
        "algorithm_id": algorithm,
        "measurements": measurements,
        "qualitative_evaluations": evaluations,
    }
    if region is None or source.frame_of_reference_uid is None:
        first = source.images[0]
        images = [SourceImageForMeasurementGroup(first.SOPClassUID, first.SOPInstanceUID)]
        return MeasurementsAndQualitativeEvaluations(source_images=images, **contents)
    place = _place(region, source.frame_of_reference_uid, str(source.images[0].SeriesInstanceUID))
    return VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_volume_surface=place, **contents)


def _place(region: RegionOfInterest, frame_uid: str, series_uid: str) -> VolumeSurface:
    """The sphere by the ends of its three axes, or the point where no diameter is known."""
    center = np.array(region.center_mm, dtype=np.float64)
    data: npt.NDArray[np.float64] = center[None, :]
    if region.diameter_mm is not None:
        axes = np.repeat(np.eye(3), 2, axis=0) * np.tile([-1.0, 1.0], 3)[:, None]
        data = center + axes * region.diameter_mm / 2
    return VolumeSurface(
        graphic_type="POINT" if region.diameter_mm is None else "ELLIPSOID",
        graphic_data=data,
        frame_of_reference_uid=frame_uid,
        source_series=SourceSeriesForSegmentation(series_uid),
    )


def _measurements(finding: FindingAssessment) -> list[Measurement]:
    values = (
        (ours.probability_of(finding.name), finding.probability),
        (ours.ENSEMBLE_LOW, finding.low),
        (ours.ENSEMBLE_HIGH, finding.high),
        (ours.THRESHOLD, finding.threshold),
    )
    return [Measurement(code_of(name), _decimal(100 * value), codes.UCUM.Percent) for name, value in values]


def _evaluations(finding: FindingAssessment) -> list[QualitativeEvaluation]:
    found = [_evaluation(ours.FLAGGED, ours.YES if finding.is_flagged else ours.NO)]
    if finding.prediction_set is not None:
        found.append(_evaluation(ours.PREDICTION_SET, ours.prediction_set_of(finding.prediction_set)))
    return found


def _evaluation(name: ours.Coded, value: ours.Coded) -> QualitativeEvaluation:
    return QualitativeEvaluation(code_of(name), code_of(value))


def _decimal(value: float) -> float:
    """Six digits: more than a calibrated probability means, and short enough for a decimal string."""
    return float(f"{value:.6g}")
