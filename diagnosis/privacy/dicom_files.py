"""DICOM files and folders, de-identified into a new folder whose names say nothing of anyone.

Output: `<pseudonym>/<study>/<series>/000001.dcm`, all names derived from the key. Each file is read whole, its pixels
looked at, its header treated, and written with a new preamble and new file meta information. A DICOMDIR is left out (it
repeats what identifies; import software makes a new one). What cannot be made safe is withheld and counted with its
reason: damaged files, documents, and pictures in which text may remain.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from diagnosis.errors import LimitExceededError, OutputError, refusal_of_system, system_reason
from diagnosis.ingest import limits
from diagnosis.ingest.dicom_elements import PARSE_FAILURES, quiet_pydicom
from diagnosis.ingest.dicom_header import Instance, Unreadable, read_header
from diagnosis.ingest.file_tree import FileSet, opened
from diagnosis.ingest.pixel_layout import layout_fault
from diagnosis.privacy.dicom_header import DICOM_ROOT, HeaderRules, deidentify_header, known_identifiers_of
from diagnosis.privacy.dicom_pixels import clean_pixels
from diagnosis.privacy.known_identifiers import KnownIdentifiers
from diagnosis.privacy.profile_table import EDITION, Option
from diagnosis.privacy.secret import SecretKey
from diagnosis.privacy.text import TextRules
from diagnosis.progress import OnProgress
from diagnosis.version import __version__

IMPLEMENTATION_UID = "2.25.213094563109126472384721609581236540912"
DOCUMENT_CLASSES = ("1.2.840.10008.5.1.4.1.1.104.", "1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.9.")
CODES = {
    "113100": "Basic Application Confidentiality Profile",
    "113101": "Clean Pixel Data Option",
    "113105": "Clean Descriptors Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
    "113108": "Retain Patient Characteristics Option",
}
OPTION_CODES = {
    Option.CLEAN_DESCRIPTORS: "113105",
    Option.MODIFIED_DATES: "113107",
    Option.PATIENT_CHARACTERISTICS: "113108",
}


@final
@dataclass(frozen=True)
class Policy:
    """How to de-identify.

    Attributes:
        key: for everything that stays consistent.
        options: of the profile.
        withholds_risky_pixels: whether pictures in which text may remain are kept back.
    """

    key: SecretKey
    options: frozenset[Option] = frozenset()
    withholds_risky_pixels: bool = True


@final
@dataclass
class DicomOutcome:
    """What came of it; nothing in here names a patient but by pseudonym.

    Attributes:
        written: files, in the order of writing.
        withheld: reason, with the number of files.
        n_left_out: files that are no DICOM objects.
        n_blanked: files with blanked pixel regions.
        warnings: sentence, with the number of files.
        known: identifiers of each patient by pseudonym, for other texts of the same case.
        shift_days: of each patient by pseudonym: the days by which dates move where the policy moves them.
    """

    written: list[Path] = field(default_factory=list)
    withheld: Counter[str] = field(default_factory=Counter)
    n_left_out: int = 0
    n_blanked: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    known: dict[str, KnownIdentifiers] = field(default_factory=lambda: defaultdict(KnownIdentifiers))
    shift_days: dict[str, int] = field(default_factory=dict)
    _numbers: Counter[Path] = field(default_factory=Counter)

    def place(self, folder: Path) -> Path:
        """Next file name in a series folder."""
        self._numbers[folder] += 1
        return folder / f"{self._numbers[folder]:06d}.dcm"


def deidentify_dicom(source: Path, out: Path, policy: Policy, on_progress: OnProgress | None = None) -> DicomOutcome:
    """De-identify every DICOM object below a path (folder, zip archive or file) into a folder.

    Raises:
        InputError: the source is missing or a damaged archive.
        OutputError: the results cannot be written.
        LimitExceededError: more than the limits of `ingest.limits`.
    """
    with opened(source) as files:
        return deidentify_files(files, out, policy, on_progress)


def deidentify_files(files: FileSet, out: Path, policy: Policy, on_progress: OnProgress | None = None) -> DicomOutcome:
    """As `deidentify_dicom`, for files that are at hand."""
    outcome, deadline = DicomOutcome(), limits.Deadline()
    readable = list(_readable(files, outcome))
    with quiet_pydicom():
        for instance in readable:  # all of a patient's identifiers are known before the first text is cleaned
            deadline.check()
            _collect(instance, policy, outcome)
        for number, instance in enumerate(readable, start=1):
            deadline.check()
            _one_file(instance, out, policy, outcome)
            if on_progress is not None:
                on_progress(number, len(readable))
    return outcome


def _readable(files: FileSet, outcome: DicomOutcome) -> Iterable[Instance]:
    for path in files.files:
        header = read_header(path, files.scratch)
        if header is None:
            outcome.n_left_out += 1
        elif isinstance(header, Unreadable):
            outcome.withheld[f"it is damaged: {header.why}"] += 1
        elif header.is_directory:
            outcome.withheld["it is a DICOMDIR, which repeats what identifies; make a new one"] += 1
        elif header.pixels.has_pixels and (fault := layout_fault(header.pixels, header.path)) is not None:
            outcome.withheld[f"its pixels cannot be judged: {fault}"] += 1
        else:
            yield header


def _collect(instance: Instance, policy: Policy, outcome: DicomOutcome) -> None:
    try:
        header = pydicom.dcmread(instance.path, stop_before_pixels=True, force=True)
        pseudonym = _pseudonym(header, policy)
        outcome.known[pseudonym].update(known_identifiers_of(header))
        outcome.shift_days[pseudonym] = policy.key.shift_days(_subject(header))
    except PARSE_FAILURES:
        return  # withheld when it is read whole


def _one_file(instance: Instance, out: Path, policy: Policy, outcome: DicomOutcome) -> None:
    try:
        with instance.path.open("rb") as file:
            data_set = pydicom.dcmread(limits.MeteredFile(file), force=True)
        reason = _reason_to_withhold(data_set)
        if reason is None:
            reason = _treat(data_set, policy, outcome)
        if reason is not None:
            outcome.withheld[reason] += 1
            return
        folder = out / str(data_set.PatientID) / _folder("study", data_set.get("StudyInstanceUID"))
        path = outcome.place(folder / _folder("series", data_set.get("SeriesInstanceUID")))
        _write(data_set, path)
    except PARSE_FAILURES as error:
        outcome.withheld[f"it is damaged: it cannot be read and written again ({type(error).__name__})"] += 1
        return
    except LimitExceededError:
        outcome.withheld["it has millions of elements, as no image has"] += 1
        return
    outcome.written.append(path)


def _write(data_set: FileDataset, path: Path) -> None:
    """Write a file whole or not at all.

    Raises:
        OutputError: the system does not let it be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        data_set.save_as(path, enforce_file_format=True)
    except PARSE_FAILURES as error:
        path.unlink(missing_ok=True)
        refusal = refusal_of_system(error)
        if refusal is not None:
            msg = (
                f"deidentify: the results cannot be written ({system_reason(refusal).lower()}); make room, or name "
                "another folder, and begin again with an empty one: what is there is not all"
            )
            raise OutputError(msg) from error
        raise


def _reason_to_withhold(data_set: Dataset) -> str | None:
    sop_class = str(data_set.get("SOPClassUID", ""))
    if sop_class.startswith(DOCUMENT_CLASSES):
        return "it holds a document or raw data, which cannot be cleaned"
    if sop_class and not sop_class.startswith(DICOM_ROOT):
        return "its kind is private to a vendor"
    return None


def _treat(data_set: FileDataset, policy: Policy, outcome: DicomOutcome) -> str | None:
    """De-identify pixels and header in place; a reason where the object has to be withheld."""
    pseudonym = _pseudonym(data_set, policy)
    _complete_meta(data_set)
    pixels = clean_pixels(data_set)
    if pixels.risk is not None and policy.withholds_risky_pixels:
        return f"text may remain in its pixels: {pixels.risk}"
    rules = header_rules(_subject(data_set), policy, outcome.known[pseudonym])
    deidentify_header(data_set, rules)
    _complete_uid(data_set, policy.key)
    _declare(data_set, pseudonym, policy, is_blanked=pixels.is_blanked)
    _new_meta(data_set)
    outcome.n_blanked += pixels.is_blanked
    outcome.warnings.update(pixels.warnings)
    if pixels.risk is not None:
        outcome.warnings[f"text may remain in the pixels: {pixels.risk}"] += 1
    return None


def header_rules(subject: str, policy: Policy, known: KnownIdentifiers) -> HeaderRules:
    """The rules for one patient."""
    shift_days = policy.key.shift_days(subject)
    is_moving = Option.MODIFIED_DATES in policy.options
    texts = TextRules(known, shift_days if is_moving else None, uses_model=False)
    return HeaderRules(policy.key, policy.options, shift_days, known, texts.clean)


def _subject(data_set: Dataset) -> str:
    """What tells one patient from another: the ID, else name and birth date, else the study alone."""
    patient_id = str(data_set.get("PatientID") or "").strip()
    if patient_id:
        return f"id {patient_id}"
    name, born = (str(data_set.get(keyword) or "").strip() for keyword in ("PatientName", "PatientBirthDate"))
    study = data_set.get("StudyInstanceUID") or data_set.get("FrameOfReferenceUID") or ""
    return f"name {name} {born}" if name else f"study {study}"


def _pseudonym(data_set: Dataset, policy: Policy) -> str:
    return policy.key.pseudonym(_subject(data_set))


def _folder(kind: str, uid: object) -> str:
    return f"{kind}-{hashlib.sha256(str(uid or '').encode()).hexdigest()[:8]}"


def _declare(data_set: Dataset, pseudonym: str, policy: Policy, *, is_blanked: bool) -> None:
    """Say in the object itself that and how it was de-identified (PS3.15 E.1.1, PS3.3 C.7.1.1, C.12.1)."""
    data_set.PatientID = data_set.PatientName = pseudonym
    data_set.PatientIdentityRemoved = "YES"
    codes = ["113100", *(OPTION_CODES[option] for option in Option if option in policy.options)]
    codes += ["113101"] if is_blanked else []
    data_set.DeidentificationMethod = [f"PS3.15 {EDITION} basic profile", f"diagnosis {__version__}"]
    data_set.DeidentificationMethodCodeSequence = [_code(value) for value in codes]
    moved = Option.MODIFIED_DATES in policy.options
    data_set.LongitudinalTemporalInformationModified = "MODIFIED" if moved else "REMOVED"
    if is_blanked:
        data_set.BurnedInAnnotation = "NO"


def _complete_uid(data_set: FileDataset, key: SecretKey) -> None:
    """An object whose class or own UID was blank gets it from the meta information: without, it cannot be written."""
    if not data_set.get("SOPClassUID"):
        data_set.SOPClassUID = data_set.file_meta.get("MediaStorageSOPClassUID") or ""
    if not data_set.get("SOPInstanceUID"):
        named = str(data_set.file_meta.get("MediaStorageSOPInstanceUID") or "")
        content = hashlib.sha256(bytes(data_set.get("PixelData") or b"") + str(data_set).encode()).hexdigest()
        data_set.SOPInstanceUID = key.uid(named or f"content {content}")


def _code(value: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", CODES[value]
    return item


def _complete_meta(data_set: FileDataset) -> None:
    """File meta information with a transfer syntax, which bare data sets lack."""
    if getattr(data_set, "file_meta", None) is None:
        data_set.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in data_set.file_meta:
        is_implicit = data_set.original_encoding[0]
        data_set.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian


def _new_meta(data_set: FileDataset) -> None:
    """Nothing of the old meta information stays but how the data set is encoded; nor does the preamble."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = data_set.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = UID(data_set.get("SOPClassUID") or "")
    meta.MediaStorageSOPInstanceUID = UID(data_set.get("SOPInstanceUID") or "")
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    data_set.file_meta = meta
    data_set.preamble = b"\0" * 128
