"""The assessed region as a DICOM Segmentation: the sphere of the stated diameter on the source's own voxels.

The sphere is where the model looked, not the outline of a lesion; the segment says so in its label.
"""

import numpy as np
import numpy.typing as npt
from highdicom import AlgorithmIdentificationSequence
from highdicom import Volume as Grid
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from diagnosis.errors import RegionError
from diagnosis.record import RegionOfInterest, Volume
from diagnosis.reporting.codes import LESION
from diagnosis.reporting.dicom_object import code_of, identifiers, long_string, stamp
from diagnosis.reporting.dicom_source import DicomSource
from diagnosis.reporting.result import Result


def segmentation(result: Result, source: DicomSource) -> Dataset:
    """The sphere as a binary segment; only frames that it meets are stored.

    Raises:
        InputError: the source has no frame of reference.
        RegionError: no region is marked, or its diameter is not known.
    """
    volume, region = result.case.volume, result.case.region
    if volume is None or region is None or region.diameter_mm is None:
        msg = "the region's diameter is not known, so there is no sphere to draw; give region.diameter_mm in case.json"
        raise RegionError(msg)
    said = result.assessment
    algorithm = AlgorithmIdentificationSequence(
        name=long_string(said.bundle_name),
        family=codes.DCM.ArtificialIntelligence,
        version=long_string(said.bundle_version),
        parameters={"bundle_sha256": said.bundle_sha256},
    )
    segment = SegmentDescription(
        segment_number=1,
        segment_label="Assessed region (sphere, not an outline)",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=code_of(LESION),
        algorithm_type=SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=result.uid("region"),
        tracking_id=result.tracking_words,
    )
    grid = Grid(
        sphere(volume, region).astype(np.uint8),
        volume.affine_lps,
        coordinate_system="PATIENT",
        frame_of_reference_uid=source.require_frame(),
    )
    made: Dataset = Segmentation(
        source_images=source.single_frames(),
        pixel_array=grid,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[segment],
        content_label="REGION",
        content_description="Sphere of the stated diameter around the region's center",
        **identifiers(result, "seg"),
    )
    source.restore_class(made)
    made.ContentCreatorName = ""  # highdicom leaves it out, and it may be blank but not absent
    stamp(made, result, "Assessed region (sphere)")
    return made


def sphere(volume: Volume, region: RegionOfInterest) -> npt.NDArray[np.bool_]:
    """Voxels whose centers lie in the region's sphere, at least the one nearest to its center, (slice,row,column)."""
    mask = np.zeros(volume.hu.shape, dtype=np.bool_)
    middle = volume.index_of(region.center_mm)
    reach = (region.diameter_mm or 0.0) / 2 / np.array(volume.spacing_mm)
    low = np.clip(np.floor(middle - reach), 0, np.array(mask.shape) - 1).astype(int)
    high = np.clip(np.ceil(middle + reach), 0, np.array(mask.shape) - 1).astype(int) + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    index = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), axis=-1)
    distance_mm = np.linalg.norm(volume.position_of(index) - np.array(region.center_mm), axis=-1)
    mask[box] = distance_mm <= (region.diameter_mm or 0.0) / 2
    nearest = np.clip(np.rint(middle), 0, np.array(mask.shape) - 1).astype(int)
    mask[tuple(nearest)] = True
    return mask
