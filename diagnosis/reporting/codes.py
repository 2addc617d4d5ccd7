"""Codes of what is said: standard where the standard has them, else this product's own scheme, declared as such."""

from dataclasses import dataclass
from typing import final

from diagnosis.vocabulary import DESCRIPTOR_BY_NAME, DESCRIPTORS

LOCAL_SCHEME = "99DIAGNOSIS"
LOCAL_SCHEME_UID = "2.25.147602583462117862513371846903252207186"
LOCAL_SCHEME_NAME = "Findings and descriptors of the diagnosis project"
FHIR_SYSTEMS = {
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "SCT": "http://snomed.info/sct",
    "LN": "http://loinc.org",
    "UCUM": "http://unitsofmeasure.org",
    LOCAL_SCHEME: f"urn:oid:{LOCAL_SCHEME_UID}",
}


@final
@dataclass(frozen=True)
class Coded:
    """A coded concept: value (at most 16 characters), scheme and meaning (at most 64)."""

    value: str
    scheme: str
    meaning: str


LESION = Coded("52988006", "SCT", "Lesion")
YES = Coded("373066001", "SCT", "Yes")
NO = Coded("373067005", "SCT", "No")
SALIENCY = Coded("130404", "DCM", "Saliency")
GRAD_CAM = Coded("130403", "DCM", "Gradient-weighted class activation")
FLAGGED = Coded("FLAGGED", LOCAL_SCHEME, "Probability at or above the threshold")
THRESHOLD = Coded("THRESHOLD", LOCAL_SCHEME, "Threshold of the flag")
ENSEMBLE_LOW = Coded("ENSEMBLE-LOW", LOCAL_SCHEME, "Lowest probability in the ensemble")
ENSEMBLE_HIGH = Coded("ENSEMBLE-HIGH", LOCAL_SCHEME, "Highest probability in the ensemble")
PREDICTION_SET = Coded("PREDICTION-SET", LOCAL_SCHEME, "Conformal prediction set")
SET_MEANINGS = {
    ("negative",): Coded("SET-NEGATIVE", LOCAL_SCHEME, "Negative"),
    ("positive",): Coded("SET-POSITIVE", LOCAL_SCHEME, "Positive"),
    ("negative", "positive"): Coded("SET-BOTH", LOCAL_SCHEME, "Too uncertain to call"),
    (): Coded("SET-EMPTY", LOCAL_SCHEME, "Unlike the cases of calibration"),
}
IMAGING_REPORT = Coded("18748-4", "LN", "Diagnostic Imaging Report")
REPORT_TEXT = Coded("SIGNED-TEXT", LOCAL_SCHEME, "Report as the clinician signed it")
SIGNED_AT = Coded("SIGNED-AT", LOCAL_SCHEME, "Time of signing")
COMMENT = Coded("121106", "DCM", "Comment")
OBSERVER_TYPE = Coded("121005", "DCM", "Observer Type")
PERSON = Coded("121006", "DCM", "Person")
PERSON_NAME = Coded("121008", "DCM", "Person Observer Name")
PERSON_LOGIN = Coded("128774", "DCM", "Person Observer's Login Name")
BODY_PARTS = {
    "ABDOMEN": Coded("818981001", "SCT", "Abdomen"),
    "BRAIN": Coded("12738006", "SCT", "Brain"),
    "CHEST": Coded("51185008", "SCT", "Chest"),
    "HEAD": Coded("69536005", "SCT", "Head"),
    "HEART": Coded("80891009", "SCT", "Heart"),
    "LIVER": Coded("10200004", "SCT", "Liver"),
    "NECK": Coded("45048000", "SCT", "Neck"),
    "PELVIS": Coded("816092008", "SCT", "Pelvis"),
    "WHOLEBODY": Coded("38266002", "SCT", "Entire body"),
}
"""Body Part Examined (PS3.16 annex L), where the part is one of a kind."""
TISSUE = Coded("85756007", "SCT", "Tissue")
_PROBABILITIES = {"malignancy": Coded("111047", "DCM", "Probability of cancer")}
"""CID 6048; other findings have no code of their own in the standard."""


def probability_of(finding: str) -> Coded:
    """Code of the probability of a finding."""
    known = _PROBABILITIES.get(finding)
    words = finding.replace("_", " ")
    return known or Coded(_short("P", finding), LOCAL_SCHEME, f"Probability of {words}"[:64])


def prediction_set_of(labels: tuple[str, ...]) -> Coded:
    """Code of a conformal set."""
    return SET_MEANINGS[tuple(sorted(labels))]


def descriptor_rating(name: str) -> Coded:
    """Code of the expected rating of a descriptor."""
    return Coded(f"RATING-{_number(name)}", LOCAL_SCHEME, f"{DESCRIPTOR_BY_NAME[name].display}, expected rating")


def descriptor_name(name: str) -> Coded:
    """Code of a descriptor."""
    return Coded(f"DESCRIPTOR-{_number(name)}", LOCAL_SCHEME, DESCRIPTOR_BY_NAME[name].display)


def descriptor_level(name: str, value: float) -> Coded:
    """Code of the level whose wording is nearest to an expected rating."""
    descriptor = DESCRIPTOR_BY_NAME[name]
    wording = descriptor.wording(value)
    level = descriptor.levels.index(wording) + 1
    return Coded(f"LEVEL-{_number(name)}-{level}", LOCAL_SCHEME, wording.capitalize())


def explanation_method(method: str) -> Coded:
    """CID 217 Visual Explanation: what kind of map a method makes."""
    return GRAD_CAM if "cam" in method.casefold() else SALIENCY


def anatomic_region(body_part: str) -> Coded:
    """Of a Body Part Examined; no more than "tissue" where the source does not say."""
    return BODY_PARTS.get(body_part, TISSUE)


def _number(name: str) -> int:
    return [descriptor.name for descriptor in DESCRIPTORS].index(name) + 1


def _short(prefix: str, name: str) -> str:
    """At most 16 characters; a long name is cut, and kept apart from others by a hash."""
    import hashlib

    code = f"{prefix}-{name.upper().replace('_', '-')}"
    return code if len(code) <= 16 else f"{code[:9]}-{hashlib.sha256(name.encode()).hexdigest()[:6].upper()}"
