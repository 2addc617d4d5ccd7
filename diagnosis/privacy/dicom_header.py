"""The header of one DICOM data set, de-identified in place by the rules of PS3.15 table E.1-1, at every depth.

Beyond the table, which names attributes one by one and grows with every edition:

* every private attribute, every attribute that the dictionary does not know, and overlay planes are removed;
* a UID that the table does not name is replaced all the same, unless it names a class, a syntax or a coding scheme;
* a person's name that the table does not name is emptied, a date is moved or removed;
* a text that the table keeps, and that holds an identifier this very patient has elsewhere, is replaced.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from pydicom.datadict import dictionary_has_tag, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from diagnosis.ingest.dicom_elements import PARSE_FAILURES
from diagnosis.privacy.dicom_values import LONGEST, TEMPORAL, TEXT_DUMMY, TEXTUAL, dummy_value, limited_age, shifted
from diagnosis.privacy.known_identifiers import KnownIdentifiers
from diagnosis.privacy.profile_table import Action, Option, Rule, rule_for
from diagnosis.privacy.secret import SecretKey

DICOM_ROOT = "1.2.840.10008."
PUBLIC_SCHEMES = frozenset({"DCM", "SCT", "SRT", "SNM3", "LN", "UCUM", "RADLEX", "NCIt", "FMA", "UMLS", "I10", "I9"})
_KINDS_OF_UID = ("Class", "Classes", "Syntax", "Scheme", "Mapping", "Context", "Creator")
_KEPT_UIDS = frozenset({"ContextUID", "MappingResourceUID", "CodingSchemeUID"})
_CODE_VALUES = frozenset({"CodeValue", "LongCodeValue", "URNCodeValue"})
_NAMES = (
    "PatientID OtherPatientIDs AccessionNumber AdmissionID StudyID PatientAddress PatientTelephoneNumbers "
    "PatientInsurancePlanCodeSequence MilitaryRank MedicalRecordLocator InstitutionName InstitutionAddress "
    "StationName PatientMotherBirthName ReferringPhysicianTelephoneNumbers IssuerOfPatientID "
    "PerformedProcedureStepID RequestedProcedureID ScheduledProcedureStepID "
    "FillerOrderNumberImagingServiceRequest DeviceSerialNumber PlacerOrderNumberImagingServiceRequest "
    "ResponsibleOrganization RegionOfResidence PatientTelecomInformation"
)
_IDENTIFYING = frozenset(_NAMES.split())
_NUMBERS_AS_TEXT = frozenset({"IS", "DS"})


@final
@dataclass(frozen=True)
class HeaderRules:
    """What every data set of one patient has in common.

    Attributes:
        key: for new UIDs.
        options: asked for, beside the basic profile.
        shift_days: by which dates move under `Option.MODIFIED_DATES`.
        known: identifiers of this patient, to be found in any text.
        clean_text: free text without identifiers; used under `Option.CLEAN_DESCRIPTORS`.
    """

    key: SecretKey
    options: frozenset[Option]
    shift_days: int
    known: KnownIdentifiers
    clean_text: Callable[[str], str]


def deidentify_header(data_set: Dataset, rules: HeaderRules) -> None:
    """Apply the profile to a data set and everything nested in it."""
    for tag in list(data_set.keys()):
        if _is_always_removed(tag):
            del data_set[tag]
            continue
        try:
            element = data_set[tag]
        except PARSE_FAILURES:
            del data_set[tag]
            continue
        rule = rule_for(int(tag))
        if rule is None:
            _unlisted(data_set, element, rules)
        else:
            _listed(data_set, element, rule, rules)


def _is_always_removed(tag: BaseTag) -> bool:
    is_overlay = 0x6000 <= tag.group <= 0x60FF
    is_named = dictionary_has_tag(tag) or rule_for(int(tag)) is not None
    return bool(tag.is_private or is_overlay or not is_named)


def _listed(data_set: Dataset, element: DataElement, rule: Rule, rules: HeaderRules) -> None:
    action = rule.action(rules.options)
    if action is Action.CLEAN:
        cleaned = _cleaned(element, rule, rules)
        if cleaned:
            return
        action = rule.action(frozenset())
    if action is Action.REMOVE:
        del data_set[element.tag]
    elif action is Action.KEEP:
        _keep(element, rules)
    elif action is Action.EMPTY:
        element.value = Sequence() if element.VR == "SQ" else None
    elif action is Action.NEW_UID:
        _new_uids(element, rules.key)
    elif action is Action.REFERENCES:
        _each_item(element, rules)
    else:
        _dummy(element, rules)


def _cleaned(element: DataElement, rule: Rule, rules: HeaderRules) -> bool:
    """Clean a value; False where nothing could be left of it, so that the basic profile has to act."""
    if rule.is_cleaned_by(Option.MODIFIED_DATES, rules.options):
        return element.VR in TEMPORAL and _shift(element, rules.shift_days)
    if element.VR == "SQ":
        _each_item(element, rules)
        return len(element.value) > 0
    if element.VR not in TEXTUAL or element.VR == "CS":
        return False
    longest = LONGEST.get(element.VR)
    texts = [rules.clean_text(text)[:longest] for text in _texts(element)]
    element.value = texts if len(texts) > 1 else "".join(texts)
    return any(text.strip() for text in texts)


def _shift(element: DataElement, days: int) -> bool:
    moved = [shifted(element.VR, text, days) for text in _texts(element)]
    known = [text for text in moved if text is not None]
    if not known or len(known) < len(moved):
        return False
    element.value = known if len(known) > 1 else known[0]
    return True


def _keep(element: DataElement, rules: HeaderRules) -> None:
    if element.VR == "SQ":
        _each_item(element, rules)
    elif element.VR == "AS" and isinstance(element.value, str):
        element.value = limited_age(element.value)
    elif element.VR in TEXTUAL and any(rules.known.are_in(text) for text in _texts(element)):
        element.value = TEXT_DUMMY


def _dummy(element: DataElement, rules: HeaderRules) -> None:
    if element.VR == "SQ":
        for item in element.value:
            _dummy_item(item, rules)
    elif element.VR == "UI":
        _new_uids(element, rules.key)
    else:
        element.value = dummy_value(element.VR)


def _dummy_item(item: Dataset, rules: HeaderRules) -> None:
    """Replace whatever is said in an item, so that its form stays: text, names, dates, numbers as text, UIDs, codes."""
    scheme = str(item.get("CodingSchemeDesignator", "") or "")
    is_public = scheme in PUBLIC_SCHEMES or not scheme
    deidentify_header(item, rules)
    for element in item:
        is_code = element.keyword in _CODE_VALUES or element.keyword == "CodingSchemeDesignator"
        if element.VR == "SQ":
            _dummy(element, rules)
        elif is_code and is_public:
            continue
        elif element.VR in (TEXTUAL - {"CS"}) | TEMPORAL | _NUMBERS_AS_TEXT | {"UN", "OB", "AS", "UR"}:
            element.value = dummy_value(element.VR)


def _each_item(element: DataElement, rules: HeaderRules) -> None:
    if element.VR == "SQ":
        for item in element.value:
            deidentify_header(item, rules)


def _unlisted(data_set: Dataset, element: DataElement, rules: HeaderRules) -> None:
    if element.VR == "SQ":
        _each_item(element, rules)
    elif element.VR == "UI":
        if not _names_a_kind(element.keyword):
            _new_uids(element, rules.key)
    elif element.VR == "PN":
        element.value = None
    elif element.VR in {"DA", "DT"}:
        if Option.MODIFIED_DATES not in rules.options or not _shift(element, rules.shift_days):
            del data_set[element.tag]
    elif element.VR == "UN":
        del data_set[element.tag]
    elif element.VR in TEXTUAL and any(rules.known.are_in(text) for text in _texts(element)):
        element.value = TEXT_DUMMY


def _names_a_kind(keyword: str) -> bool:
    stem = keyword.removesuffix("UID").removesuffix("UIDInFile")
    return keyword in _KEPT_UIDS or any(stem.endswith(kind) or f"{kind}es" in stem for kind in _KINDS_OF_UID[:3])


def _new_uids(element: DataElement, key: SecretKey) -> None:
    values = [_new_uid(text, key) for text in _texts(element)]
    element.value = values if len(values) > 1 else "".join(values)


def _new_uid(original: str, key: SecretKey) -> str:
    """UIDs that DICOM itself assigns (well-known frames of reference, color palettes) say nothing of a patient."""
    return original if not original or original.startswith(DICOM_ROOT) else key.uid(original)


def _texts(element: DataElement) -> list[str]:
    value = element.value
    if value is None:
        return []
    return [str(part) for part in value] if isinstance(value, MultiValue | list | tuple) else [str(value)]


def known_identifiers_of(data_set: Dataset) -> KnownIdentifiers:
    """Names, numbers, addresses of the patient in a header that nobody has touched yet."""
    found = KnownIdentifiers()
    for element in data_set.iterall():
        name = keyword_for_tag(element.tag)
        if element.VR == "PN":
            for text in _texts(element):
                found.add_name(text)
        elif name in _IDENTIFYING:
            for text in _texts(element):
                found.add_value(text)
    return found
