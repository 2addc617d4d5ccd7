"""The words of the product, each defined once: modalities, sexes, descriptor scales, windows, forms of a result.

Command line, dashboard, reports and model card all read from here. The descriptor scales are those of the LIDC-IDRI
reading protocol (Armato et al., Med Phys 2011;38:915, https://doi.org/10.1118/1.3528204; wording of the levels after
https://wiki.cancerimagingarchive.net/display/Public/LIDC-IDRI and pylidc's documentation).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Modality(StrEnum):
    """A kind of evidence; the order is the order of the network's modality axis."""

    CT = "ct"
    NOTE = "note"
    VOICE = "voice"


MODALITIES: tuple[Modality, ...] = tuple(Modality)


class Sex(StrEnum):
    """Patient's sex as DICOM (0010,0040) codes it."""

    FEMALE = "F"
    MALE = "M"
    OTHER = "O"


class Verdict(StrEnum):
    """What the geometry gate says of a series."""

    REGULAR = "regular"
    REPAIRED = "repaired"
    REFUSED = "refused"


class GeometryCode(StrEnum):
    """Why a series was refused or repaired."""

    GAP = "gap"
    DUPLICATE_POSITION = "duplicate_position"
    VARIABLE_SPACING = "variable_spacing"
    GANTRY_TILT = "gantry_tilt"
    LOCALIZER = "localizer"
    SECONDARY_CAPTURE = "secondary_capture"
    TOO_FEW_SLICES = "too_few_slices"
    MISSING_GEOMETRY = "missing_geometry"
    MIXED_ORIENTATION = "mixed_orientation"
    MIXED_SERIES = "mixed_series"
    MISSING_RESCALE = "missing_rescale"
    UNDECODABLE = "undecodable"
    NOT_CT = "not_ct"


class ExportFormat(StrEnum):
    """A form of the result: structured report, parametric map, secondary capture, PDF, segmentation, FHIR."""

    SR = "sr"
    PM = "pm"
    SC = "sc"
    PDF = "pdf"
    SEG = "seg"
    FHIR = "fhir"


@dataclass(frozen=True)
class Window:
    """A display window in HU."""

    name: str
    center_hu: float
    width_hu: float

    @property
    def low_hu(self) -> float:
        """HU shown as black."""
        return self.center_hu - self.width_hu / 2

    @property
    def high_hu(self) -> float:
        """HU shown as white."""
        return self.center_hu + self.width_hu / 2


LUNG_WINDOW = Window("lung", -600.0, 1500.0)
SOFT_TISSUE_WINDOW = Window("soft tissue", 40.0, 400.0)
BONE_WINDOW = Window("bone", 450.0, 1500.0)
WINDOWS: tuple[Window, ...] = (LUNG_WINDOW, SOFT_TISSUE_WINDOW, BONE_WINDOW)


@dataclass(frozen=True)
class Descriptor:
    """An ordinal reader descriptor: `levels[0]` is the wording of rating 1."""

    name: str
    display: str
    levels: tuple[str, ...]

    def wording(self, value: float) -> str:
        """Wording of the level nearest to a (possibly fractional) rating."""
        index = min(max(round(value), 1), len(self.levels)) - 1
        return self.levels[index]


DESCRIPTORS: tuple[Descriptor, ...] = (
    Descriptor(
        "subtlety",
        "Subtlety",
        ("extremely subtle", "moderately subtle", "fairly subtle", "moderately obvious", "obvious"),
    ),
    Descriptor("internal_structure", "Internal structure", ("soft tissue", "fluid", "fat", "air")),
    Descriptor(
        "calcification",
        "Calcification",
        ("popcorn", "laminated", "solid", "non-central", "central", "absent"),
    ),
    Descriptor("sphericity", "Sphericity", ("linear", "ovoid/linear", "ovoid", "ovoid/round", "round")),
    Descriptor("margin", "Margin", ("poorly defined", "near poorly defined", "medium", "near sharp", "sharp")),
    Descriptor("lobulation", "Lobulation", ("none", "nearly none", "medium", "near marked", "marked")),
    Descriptor("spiculation", "Spiculation", ("none", "nearly none", "medium", "near marked", "marked")),
    Descriptor(
        "texture",
        "Texture",
        ("ground glass", "ground glass/mixed", "part-solid", "solid/mixed", "solid"),
    ),
)
DESCRIPTOR_BY_NAME: dict[str, Descriptor] = {d.name: d for d in DESCRIPTORS}


def subset_name(modalities: "frozenset[Modality] | set[Modality]") -> str:
    """Name of a subset of modalities in canonical order, for example `ct+note`."""
    return "+".join(m.value for m in MODALITIES if m in modalities)


def fullest_subset(names: Iterable[str]) -> str:
    """The name of the subset with the most parts; of several the first."""
    return max(names, key=lambda name: name.count("+"))


MODALITY_WORDS = {Modality.CT: "CT", Modality.NOTE: "note", Modality.VOICE: "dictation"}
"""As a reader would say it in a sentence."""


def subset_words(name: str) -> str:
    """The name of a subset as a reader would say it: `ct+voice` as `CT + dictation`; other names stay as they are."""
    words = {modality.value: word for modality, word in MODALITY_WORDS.items()}
    return " + ".join(words.get(part, part) for part in name.split("+"))


NON_EMPTY_SUBSETS: tuple[frozenset[Modality], ...] = tuple(
    frozenset(m for bit, m in enumerate(MODALITIES) if code >> bit & 1) for code in range(1, 8)
)

NOT_A_MEDICAL_DEVICE = (
    "Research software, not a medical device. It supports a clinician's decision and does not replace it."
)


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: "1 file", "2,000 files"; `plural` where it is not made by an s."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
