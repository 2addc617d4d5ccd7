"""What is known of a patient: frozen values that are valid once constructed. Numpy only; no framework, no files.

=================  ==========================================================================================
`geometry`         affine arithmetic: index (slice,row,column) to LPS millimeters and back
`volume`           `Volume` (HU with its affine) and `RegionOfInterest`
`series`           `SeriesReport`: what the geometry gate says of one DICOM series
`note`             `ClinicalNote` with sections, `VoiceNote` with timed words
`case`             `Case`: all the evidence on one patient, under a pseudonym
`identity`         `StudyIdentity`: who that is; unknown to everything that learns, scores or explains
`assessment`       `Assessment`: calibrated findings, what was used, what was missing
`attribution`      `Explanation`: attributions on voxels, characters and seconds, with their own proof
=================  ==========================================================================================

Axes of arrays are (slice, row, column). Millimeters are LPS (x toward the patient's left, y toward the back, z toward
the head), DICOM's own frame. An affine maps (slice, row, column) indices of voxel centers to LPS millimeters.
"""

from diagnosis.record.assessment import Assessment, DescriptorAssessment, FindingAssessment, ModalityUse
from diagnosis.record.attribution import (
    ChangeKind,
    Counterfactual,
    Explanation,
    Faithfulness,
    ModalityShares,
    SoundAttribution,
    SpeechSpan,
    TextAttribution,
    TextSpan,
    VolumeAttribution,
)
from diagnosis.record.case import Case
from diagnosis.record.identity import SourceHeaders, StudyIdentity
from diagnosis.record.note import Audio, ClinicalNote, NoteSection, SpeechSegment, VoiceNote, Word
from diagnosis.record.series import GeometryReason, SeriesReport
from diagnosis.record.volume import RegionOfInterest, Volume

__all__ = [
    "Assessment",
    "Audio",
    "Case",
    "ChangeKind",
    "ClinicalNote",
    "Counterfactual",
    "DescriptorAssessment",
    "Explanation",
    "Faithfulness",
    "FindingAssessment",
    "GeometryReason",
    "ModalityShares",
    "ModalityUse",
    "NoteSection",
    "RegionOfInterest",
    "SeriesReport",
    "SoundAttribution",
    "SourceHeaders",
    "SpeechSegment",
    "SpeechSpan",
    "StudyIdentity",
    "TextAttribution",
    "TextSpan",
    "VoiceNote",
    "Volume",
    "VolumeAttribution",
    "Word",
]
