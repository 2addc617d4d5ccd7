"""A manifest: one row a case, CSV or Parquet, checked whole before anything that it names is loaded.

::

    case_id,patient_id,ct,note,voice,center_x_mm,center_y_mm,center_z_mm,diameter_mm,age_years,sex,malignancy
    c-001,p-001,c-001/ct,c-001/note.txt,c-001/voice.wav,-44.9,-141.7,-18.1,21,68,M,1
    c-002,p-002,c-002.nii.gz,,,,,,,57,F,0

=========================================  ============================================================================
column                                     what stands in it
=========================================  ============================================================================
`case_id`                                  pseudonym, each once; needed
`patient_id`                               pseudonym of the patient, who may have several cases; needed
`ct`                                       path: DICOM folder, zip or file, or NIfTI
`note` or `note_text`                      path (.txt, .pdf, .json), or the words themselves
`voice` or `voice_text`                    path (.wav, .flac, .mp3, .m4a, .ogg, .webm), or a transcript, without times
`center_x_mm`, `center_y_mm`,              where to look: the patient's LPS coordinates in millimeters, as in
`center_z_mm`                              ImagePositionPatient; blank to have the CT searched for candidates
`diameter_mm`, `age_years`, `sex`          0.5 to 300; in years; F, M or O
`split`                                    such as train, test, fold0; a patient is in one
`malignancy`, ... (one for each finding)   1, 0 (also true, false), or blank where it is not known
`baseline_NAME`                            a number, higher for more suspicious: what is said without the model, such
                                           as a reader's own rating; `diagnosis evaluate` sets the model beside it
=========================================  ============================================================================

A case needs a CT, a note or a dictation; all else may be blank (also NA, NaN, NULL) or missing. Paths are relative to
the manifest's folder, or absolute. Commas, semicolons (with decimal commas) or tabs separate; names of columns are
taken in any case of their letters. A voxel (column i, row j, slice k, from 0) becomes a position by the file's own
affine: in NIfTI, which is RAS, `x, y, z = affine @ (i, j, k, 1)` and then `center_x_mm = -x`, `center_y_mm = -y`,
`center_z_mm = z`.

Columns of other names are findings where the reader of the manifest names none itself; else they are left alone, unless
one is so like a name above that it is likely meant. All faults are reported together, each with its row (the first row
under the heading is row 1), so that a table of thousands is mended in one go and not in thousands.
"""

import difflib
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from diagnosis.errors import ManifestError
from diagnosis.ingest.case_folder import assemble_case
from diagnosis.ingest.manifest_table import Cell, ManifestTable, read_manifest_table
from diagnosis.record.case import OLDEST_AGE_YEARS, Case
from diagnosis.record.note import ClinicalNote, SpeechSegment, VoiceNote, Word
from diagnosis.record.volume import RegionOfInterest
from diagnosis.vocabulary import Sex

Center = tuple[float, float, float]

REQUIRED = ("case_id", "patient_id")
PATHS = ("ct", "note", "voice")
CENTER = ("center_x_mm", "center_y_mm", "center_z_mm")
OPTIONAL = (*PATHS, "note_text", "voice_text", *CENTER, "diameter_mm", "age_years", "sex", "split")
BASELINE = "baseline_"
SHOWN_FAULTS = 10
LARGEST_COORDINATE_MM = 10_000.0
LABELS: Final = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


@final
@dataclass(frozen=True)
class ManifestRow:
    """One case of a manifest; paths exist, values are possible.

    Attributes:
        number: 1 for the first row under the heading.
        case_id: pseudonym, unique in the manifest.
        patient_id: pseudonym; all rows of one patient are in one split.
        ct, note, voice: existing files or folders, or None.
        note_text, voice_text: the words themselves, or None.
        center_mm: LPS, or None.
        split: such as train, test, fold0; empty where the manifest has none.
        labels: finding to 0, 1 or None (not known).
        baselines: by the column's name without its prefix, a number or None (not known).
    """

    number: int
    case_id: str
    patient_id: str
    ct: Path | None
    note: Path | None
    note_text: str | None
    voice: Path | None
    voice_text: str | None
    center_mm: Center | None
    diameter_mm: float | None
    age_years: float | None
    sex: Sex | None
    split: str
    labels: Mapping[str, int | None]
    baselines: Mapping[str, float | None] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Manifest:
    """All rows of a manifest, the findings that its further columns name, and the columns that were left alone."""

    rows: tuple[ManifestRow, ...]
    findings: tuple[str, ...]
    other_columns: tuple[str, ...] = ()


def read_manifest(path: Path, *, checks_files: bool = True, findings: Collection[str] | None = None) -> Manifest:
    """Read and check a manifest.

    Args:
        path: .csv or .parquet.
        checks_files: False to leave a missing or empty file to the row that names it, as a batch run does.
        findings: the columns to read as findings, as far as they are there; None for all of no other meaning.

    Raises:
        ManifestError: not a table, columns missing or twice, or any bad row, each named.
        LimitExceededError: the file is larger than the limits.
    """
    table = _with_known_names(read_manifest_table(path), findings or ())
    further = _further_columns(table.columns)
    others = () if findings is None else tuple(name for name in further if name not in findings)
    for name in others:
        _refuse_likely_name(name, table.columns)
    if not table.rows:
        msg = "manifest: it has no rows; add one row a case"
        raise ManifestError(msg)
    reading = _Reading(path.parent, checks_files, table.has_decimal_commas)
    read_as_findings = tuple(name for name in further if name not in others)
    readers = [_RowReader(position, cells, reading) for position, cells in enumerate(table.rows, start=1)]
    rows = [row for reader in readers if (row := _row(reader, read_as_findings))]
    faults = [fault for reader in readers for fault in reader.faults] + _faults_between(rows)
    if faults:
        more = f"; and {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
        msg = f"manifest: {'; '.join(faults[:SHOWN_FAULTS])}{more}; correct the rows and read it again"
        raise ManifestError(msg)
    return Manifest(tuple(rows), read_as_findings, others)


def read_manifest_case(row: ManifestRow, *, repair: str | None = None) -> Case:
    """Load what a row names.

    Raises:
        InputError and its kinds: a part that cannot be used.
    """
    from diagnosis.ingest.notes import note_from_text

    note: Path | ClinicalNote | None = row.note
    if row.note_text is not None:
        note = note_from_text(row.note_text)
    voice: Path | VoiceNote | None = row.voice
    if row.voice_text is not None:
        voice = voice_note_from_text(row.voice_text)
    case, _ = assemble_case(
        row.case_id,
        ct=row.ct,
        note=note,
        voice=voice,
        region=None if row.center_mm is None else RegionOfInterest(row.center_mm, row.diameter_mm),
        age_years=row.age_years,
        sex=row.sex,
        repair=repair,
    )
    return case


def voice_note_from_text(text: str) -> VoiceNote:
    """A transcript without its recording: every word at second 0, certain, as nothing is known of its sound."""
    words = tuple(Word(word, 0.0, 0.0, 1.0) for word in text.split())
    return VoiceNote((SpeechSegment(words),) if words else (), duration_s=0.0, transcriber="transcript given as text")


def _with_known_names(table: ManifestTable, findings: Collection[str]) -> ManifestTable:
    """The same with known columns under their own names, whatever the case of the letters they were written in."""
    known = {name.lower(): name for name in (*REQUIRED, *OPTIONAL, *findings)}
    names = tuple(known.get(name.lower(), name) for name in table.columns)
    if names == table.columns or len(set(names)) < len(names):
        return table
    renamed = dict(zip(table.columns, names, strict=True))
    rows = tuple({renamed[name]: cell for name, cell in row.items()} for row in table.rows)
    return ManifestTable(names, rows, has_decimal_commas=table.has_decimal_commas)


def _further_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns of a sound heading that have no meaning of their own."""
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        msg = (
            f"manifest: the column {missing[0]} is missing; the heading needs {' and '.join(REQUIRED)} (pseudonyms), "
            f"can have {', '.join(OPTIONAL)}, and has a column for each finding"
        )
        raise ManifestError(msg)
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        msg = f"manifest: the column {twice!r} is there twice; rename or remove one"
        raise ManifestError(msg)
    if "" in columns:
        msg = "manifest: a column has no name; name it or remove it"
        raise ManifestError(msg)
    if 0 < sum(name in columns for name in CENTER) < len(CENTER):
        msg = f"manifest: a region needs all of {', '.join(CENTER)}; add the missing columns"
        raise ManifestError(msg)
    return tuple(name for name in columns if name not in {*REQUIRED, *OPTIONAL} and not name.startswith(BASELINE))


def _refuse_likely_name(name: str, columns: Sequence[str]) -> None:
    """Refuse a column that would be left alone though it is likely meant for one that is not there."""
    absent = [known for known in OPTIONAL if known not in columns]
    if CENTER[0] in absent and _LIKE_A_REGION.match(name):
        msg = (
            f"manifest: the column {name!r} is not known; a region is given by {', '.join(CENTER)}, the patient's LPS "
            "coordinates in mm; give these, or remove the column to have the CT searched"
        )
        raise ManifestError(msg)
    like = difflib.get_close_matches(name.lower(), absent, n=1, cutoff=0.75)
    if like:
        msg = f"manifest: the column {name!r} is not known; if it is {like[0]}, name it so, else give it another name"
        raise ManifestError(msg)


_LIKE_A_REGION: Final = re.compile(
    r"(cent(er|re|roid)|region|roi|voxel|world|coord|[xyzijk](_?(mm|vox\w*))?$)", re.IGNORECASE
)
_HARMLESS: Final = re.compile(
    r"[-+.,\d]{0,4}|.|inf|nan|yes|no|true|false|(?:fe)?male|train|val|test|dev|fold\d{1,2}", re.IGNORECASE
)


def _shown(cell: str) -> str:
    """A cell as a message may show it: what could name a patient, who may stand in the wrong column, only by length."""
    return repr(cell) if _HARMLESS.fullmatch(cell) else f"(a text of {len(cell)} characters)"


@final
@dataclass(frozen=True)
class _Reading:
    """How cells are read.

    Attributes:
        folder: where the files lie that the manifest names.
        checks_files: whether a missing one is the manifest's fault.
        has_decimal_commas: whether 1,5 is one and a half.
    """

    folder: Path
    checks_files: bool
    has_decimal_commas: bool


@final
class _RowReader:
    """Typed access to the cells of one row; faults are collected with the row's number."""

    def __init__(self, position: int, cells: Mapping[str, Cell], reading: _Reading) -> None:
        self.position, self.faults = position, list[str]()
        self._cells, self._reading = cells, reading

    def fault(self, text: str) -> None:
        """Note what is wrong with this row."""
        self.faults.append(f"row {self.position}: {text}")

    def text(self, name: str) -> str | None:
        """A cell as it is, or None where it is blank."""
        return self._cells.get(name)

    def number(self, name: str, is_possible: Callable[[float], bool], wanted: str) -> float | None:
        """A possible finite number, or None where the cell is blank or bad."""
        raw = self._cells.get(name)
        if raw is None:
            return None
        try:
            value = float(raw.replace(",", ".") if self._reading.has_decimal_commas else raw)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and is_possible(value):
            return value
        self.fault(f"{name} {_shown(raw)} is not {wanted}")
        return None

    def path(self, name: str) -> Path | None:
        """An existing path, or None where the cell is blank or bad; Windows's backslashes are understood."""
        raw = self._cells.get(name)
        if raw is None:
            return None
        path = self._reading.folder / raw
        if "\\" in raw and "\0" not in raw and not path.exists():
            path = self._reading.folder / raw.replace("\\", "/")
        if not self._reading.checks_files and "\0" not in raw:
            return path
        if "\0" in raw or not path.exists():
            self.fault(f"the file in column {name} does not exist (paths start at the manifest's folder)")
            return None
        if path.is_file() and path.stat().st_size == 0:
            self.fault(f"the file in column {name} is empty")
            return None
        return path

    def label(self, name: str) -> int | None:
        """0, 1, or None where the cell is blank or bad."""
        raw = self._cells.get(name)
        if raw is None or (value := LABELS.get(raw.lower())) is None:
            if raw is not None:
                self.fault(f"{name} is {_shown(raw)}; a finding is 0, 1 or blank")
            return None
        return value

    def sex(self) -> Sex | None:
        """F, M, O, or None where the cell is blank or bad."""
        raw = self._cells.get("sex")
        if raw is None or raw.upper() in set(Sex):
            return None if raw is None else Sex(raw.upper())
        self.fault(f"sex {_shown(raw)} is not F, M or O")
        return None

    def baselines(self) -> dict[str, float | None]:
        """What is said of the case without the model, by name."""
        return {
            name.removeprefix(BASELINE): self.number(name, math.isfinite, "a finite number")
            for name in self._cells
            if name.startswith(BASELINE)
        }


def _row(reader: _RowReader, findings: Sequence[str]) -> ManifestRow | None:
    """A checked row, or None after noting why there is none."""
    for name in REQUIRED:
        if reader.text(name) is None:
            reader.fault(f"{name} is blank")
    _check_evidence(reader)
    center = [reader.number(n, lambda v: abs(v) <= LARGEST_COORDINATE_MM, "a position in mm") for n in CENTER]
    known = [value for value in center if value is not None]
    if 0 < len(known) < len(CENTER):
        reader.fault("the region's center is not complete")
    row = ManifestRow(
        number=reader.position,
        case_id=reader.text("case_id") or "",
        patient_id=reader.text("patient_id") or "",
        ct=reader.path("ct"),
        note=reader.path("note"),
        note_text=reader.text("note_text"),
        voice=reader.path("voice"),
        voice_text=reader.text("voice_text"),
        center_mm=(known[0], known[1], known[2]) if len(known) == len(CENTER) else None,
        diameter_mm=reader.number("diameter_mm", lambda v: 0.5 <= v <= 300, "a diameter of 0.5 to 300 mm"),
        age_years=reader.number("age_years", lambda v: 0 <= v <= OLDEST_AGE_YEARS, "an age in years"),
        sex=reader.sex(),
        split=reader.text("split") or "",
        labels={name: reader.label(name) for name in findings},
        baselines=reader.baselines(),
    )
    return None if reader.faults else row


def _check_evidence(reader: _RowReader) -> None:
    if all(reader.text(name) is None for name in (*PATHS, "note_text", "voice_text")):
        reader.fault("there is no ct, note or voice")
    for path, text in (("note", "note_text"), ("voice", "voice_text")):
        if reader.text(path) is not None and reader.text(text) is not None:
            reader.fault(f"both {path} and {text} are given; keep one")


def _faults_between(rows: Sequence[ManifestRow]) -> list[str]:
    """Case ids that repeat, and patients in two splits: a model would be judged on patients that it was fitted to."""
    faults = []
    first_with_id: dict[str, int] = {}
    first_of_patient: dict[str, ManifestRow] = {}
    for row in rows:
        if row.case_id in first_with_id:
            faults.append(f"row {row.number}: its case_id is that of row {first_with_id[row.case_id]}")
        first_with_id.setdefault(row.case_id, row.number)
        other = first_of_patient.setdefault(row.patient_id, row)
        if other.split != row.split:
            both = f"{_shown(row.split or '')} and, by row {other.number}, in {_shown(other.split or '')}"
            faults.append(f"row {row.number}: its patient is in split {both}")
    return faults
