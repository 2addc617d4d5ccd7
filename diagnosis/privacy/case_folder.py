"""What a path stands for - DICOM, a note, a whole case folder - de-identified into a new folder.

A case folder becomes a case folder again, so that it can be assessed like any other: `ct/`, `note.txt` (whatever form
it had), `case.json` under a pseudonym and with no age above 89 years told apart. Its region is moved with nothing: it
is given in the scanner's coordinates, which name nobody. A recording is withheld, for a voice is a biometric identifier
(45 CFR 164.514(b)(2)(i)(P)); its transcript takes its place as `voice.txt` where one is given beside it.
"""

import json
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from diagnosis.errors import InputError
from diagnosis.ingest.archive import is_zip, unpack_named_zip
from diagnosis.ingest.case_archive import PART_NAMES, case_root, holds_case, place_case
from diagnosis.ingest.case_folder import CT_NAMES, NOTE_NAMES, VOICE_NAMES, read_case_file
from diagnosis.ingest.file_tree import FileSet
from diagnosis.ingest.nifti import is_nifti
from diagnosis.ingest.notes import read_note
from diagnosis.privacy.dicom_files import DicomOutcome, Policy, deidentify_dicom, deidentify_files
from diagnosis.privacy.known_identifiers import KnownIdentifiers
from diagnosis.privacy.profile_table import Option
from diagnosis.privacy.text import TextRules
from diagnosis.progress import OnProgress

VOICE_WITHHELD = "it is a recording, and a voice identifies; transcribe it (diagnosis transcribe) and give the text"
NIFTI_WITHHELD = "it is NIfTI, whose free header fields were not looked at; give DICOM, or pass it on yourself"
OTHER_WITHHELD = "it is no part of a case (case.json, ct, note, voice); nobody knows what it says"
NO_DICOM_WITHHELD = "it is neither DICOM nor a text"
TRANSCRIPT_NAMES = ("voice.txt", "transcript.txt")
OLDEST_AGE = 90


@final
@dataclass
class Outcome:
    """What was done, without a word of the patient's.

    Attributes:
        n_dicom, n_texts: files written.
        n_blanked: DICOM objects with blanked regions.
        replaced: identifiers replaced in texts, by kind.
        withheld: reason, with the number of files.
        warnings: sentence, with the number of files.
    """

    n_dicom: int = 0
    n_texts: int = 0
    n_blanked: int = 0
    replaced: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)

    def add(self, dicom: DicomOutcome) -> None:
        """Take over what came of DICOM files."""
        self.n_dicom += len(dicom.written)
        self.n_blanked += dicom.n_blanked
        self.withheld.update(dicom.withheld)
        self.warnings.update(dicom.warnings)
        if dicom.n_left_out:
            self.withheld[NO_DICOM_WITHHELD] += dicom.n_left_out


def deidentify_path(source: Path, out: Path, policy: Policy, *, on_progress: OnProgress | None = None) -> Outcome:
    """De-identify a note, DICOM, or a case folder into a new or empty folder.

    Raises:
        InputError: the source is missing or holds nothing that can be treated, or the folder is not empty.
        NoteError, LimitExceededError: a text that cannot be read.
    """
    _make_empty_folder(out, source)
    outcome = Outcome()
    if source.is_dir() and _is_case(source):
        _case(source, source.name, out, policy, outcome, on_progress)
    elif source.is_file() and is_zip(source):
        _zip(source, out, policy, outcome, on_progress)
    elif source.is_file() and source.suffix.lower() in {".txt", ".text", ".md"}:
        _text(source, out / "note.txt", TextRules(KnownIdentifiers(), _shift(policy, source.stem)), outcome)
    else:
        outcome.add(deidentify_dicom(source, out, policy, on_progress))
    if not outcome.n_dicom and not outcome.n_texts and not outcome.withheld:
        msg = "deidentify: there is nothing at this path that can be treated; name DICOM, a .txt note or a case folder"
        raise InputError(msg)
    return outcome


def _shift(policy: Policy, subject: str) -> int | None:
    return policy.key.shift_days(subject) if Option.MODIFIED_DATES in policy.options else None


def _make_empty_folder(out: Path, source: Path) -> None:
    if not source.exists():
        msg = "deidentify: the source does not exist; check its spelling"
        raise InputError(msg)
    try:
        out.mkdir(parents=True, exist_ok=True)
        is_empty = not any(out.iterdir())
    except OSError as error:
        msg = f"deidentify: the folder for the results cannot be made ({error.strerror}); name another with --out"
        raise InputError(msg) from error
    if not is_empty:
        msg = "deidentify: the folder for the results is not empty; name a new one, lest old and new files mix"
        raise InputError(msg)


def _is_case(folder: Path) -> bool:
    names = ("case.json", *CT_NAMES, *NOTE_NAMES, *VOICE_NAMES)
    return any((folder / name).exists() for name in names)


def _zip(source: Path, out: Path, policy: Policy, outcome: Outcome, on_progress: OnProgress | None) -> None:
    """A zipped case folder as the folder itself, any other archive as a folder of DICOM."""
    with tempfile.TemporaryDirectory(prefix="diagnosis-") as name:
        scratch, folder = Path(name) / "unpacked", Path(name) / "case"
        scratch.mkdir()
        members = unpack_named_zip(source, scratch)
        if not holds_case(members, PART_NAMES | set(TRANSCRIPT_NAMES)):
            files = FileSet(tuple(file for _, file in members), scratch)
            outcome.add(deidentify_files(files, out, policy, on_progress))
            return
        folder.mkdir()
        n_unused = place_case(members, folder, scratch, PART_NAMES | set(TRANSCRIPT_NAMES))
        _case(folder, case_root(members).name or source.stem, out, policy, outcome, on_progress)
        outcome.withheld.update({OTHER_WITHHELD: n_unused})
        outcome.withheld = +outcome.withheld


def _case(
    folder: Path, name_of_folder: str, out: Path, policy: Policy, outcome: Outcome, on_progress: OnProgress | None
) -> None:
    stated = read_case_file(folder / "case.json")
    known, subject = KnownIdentifiers(), stated.case_id if stated is not None else name_of_folder
    patients: dict[str, int] = {}
    for name in CT_NAMES:
        if (folder / name).exists():
            patients |= _ct(folder / name, out, policy, outcome, known, on_progress)
    known.add_value(subject)
    if len(patients) != 1:
        patients = {policy.key.pseudonym(f"case {subject}"): policy.key.shift_days(subject)}
    ((pseudonym, shift_days),) = patients.items()
    # The dates of the words move with those of the CT, or a note of the next day would be of another year.
    rules = TextRules(known, shift_days if Option.MODIFIED_DATES in policy.options else None)
    for name in NOTE_NAMES:
        if (folder / name).exists():
            _text(folder / name, out / "note.txt", rules, outcome)
    for name in TRANSCRIPT_NAMES:
        if (folder / name).exists():
            _text(folder / name, out / "voice.txt", rules, outcome)
    outcome.withheld.update({VOICE_WITHHELD: sum((folder / name).exists() for name in VOICE_NAMES)})
    known_names = {"case.json", *CT_NAMES, *NOTE_NAMES, *VOICE_NAMES, *TRANSCRIPT_NAMES}
    outcome.withheld.update({OTHER_WITHHELD: sum(path.name not in known_names for path in folder.iterdir())})
    outcome.withheld = +outcome.withheld
    described: dict[str, Any] = {} if stated is None else stated.model_dump(exclude_none=True, mode="json")
    described["case_id"] = pseudonym
    if described.get("age_years", 0) >= OLDEST_AGE:
        described["age_years"] = OLDEST_AGE
    (out / "case.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    outcome.n_texts += 1


def _ct(
    source: Path, out: Path, policy: Policy, outcome: Outcome, known: KnownIdentifiers, on_progress: OnProgress | None
) -> dict[str, int]:
    """De-identify the CT of a case into `ct/`; of each patient in it the pseudonym, and the days that dates move by."""
    if source.is_file() and is_nifti(source):
        outcome.withheld[NIFTI_WITHHELD] += 1
        return {}
    found = deidentify_dicom(source, out / "ct", policy, on_progress)
    outcome.add(found)
    for identifiers in found.known.values():
        known.update(identifiers)
    return found.shift_days


def _text(path: Path, target: Path, rules: TextRules, outcome: Outcome) -> None:
    cleaned, counts = rules.clean_counted(read_note(path).text)
    target.write_text(cleaned, encoding="utf-8")
    outcome.replaced.update(counts)
    outcome.n_texts += 1
