"""A manifest: one row a case, CSV or Parquet, checked whole before anything that it names is loaded.

Columns: case_id, patient_id, then any of ct, note, note_text, voice, voice_text, center_x_mm, center_y_mm, center_z_mm,
diameter_mm, age_years, sex, split; every further column is a finding with 0, 1 or blank (not known). Paths are relative
to the manifest. `voice_text` is a transcript that has been made already; it carries no times. A column whose name
begins with `baseline_` holds numbers, or blanks: what is said without the model, such as a reader's own rating, higher
for more suspicious. `diagnosis evaluate` sets the model beside it; nothing else reads it.

All faults are reported together, each with its row (the first row under the heading is row 1), so that a table of
thousands is mended in one go and not in thousands.
"""

import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from diagnosis.errors import ManifestError
from diagnosis.ingest import limits
from diagnosis.ingest.case_folder import assemble_case
from diagnosis.record.case import OLDEST_AGE_YEARS, Case
from diagnosis.record.note import ClinicalNote, SpeechSegment, VoiceNote, Word
from diagnosis.record.volume import RegionOfInterest
from diagnosis.vocabulary import Sex

Cell = str | None
Center = tuple[float, float, float]

REQUIRED = ("case_id", "patient_id")
PATHS = ("ct", "note", "voice")
CENTER = ("center_x_mm", "center_y_mm", "center_z_mm")
OPTIONAL = (*PATHS, "note_text", "voice_text", *CENTER, "diameter_mm", "age_years", "sex", "split")
BASELINE = "baseline_"
SHOWN_FAULTS = 10
LARGEST_COORDINATE_MM = 10_000.0


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
    """All rows of a manifest, and the findings that its further columns name."""

    rows: tuple[ManifestRow, ...]
    findings: tuple[str, ...]


def read_manifest(path: Path, *, checks_files: bool = True) -> Manifest:
    """Read and check a manifest.

    Args:
        path: .csv or .parquet.
        checks_files: False to leave a missing or empty file to the row that names it, as a batch run does.

    Raises:
        ManifestError: not a table, columns missing or twice, or any bad row, each named.
        LimitExceededError: the file is larger than the limits.
    """
    if not path.is_file():
        msg = "manifest: the file does not exist; name a .csv or .parquet file"
        raise ManifestError(msg)
    limits.check_file_size(path, limits.MAX_MANIFEST_BYTES, "manifest")
    columns, table = _read_parquet(path) if path.suffix.lower() in {".parquet", ".pq"} else _read_csv(path)
    findings = _check_columns(columns)
    if not table:
        msg = "manifest: it has no rows; add one row a case"
        raise ManifestError(msg)
    faults: list[str] = []
    files = _Files(path.parent, checks_files)
    rows = [row for number, cells in enumerate(table, 1) if (row := _row(number, cells, findings, files, faults))]
    faults += _faults_between(rows)
    if faults:
        more = f"; and {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
        msg = f"manifest: {'; '.join(faults[:SHOWN_FAULTS])}{more}; correct the rows and read it again"
        raise ManifestError(msg)
    return Manifest(tuple(rows), findings)


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


def _read_csv(path: Path) -> tuple[list[str], list[dict[str, Cell]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            columns = [name.strip() for name in next(reader, [])]
            lines = [line for line in _limited(reader) if any(cell.strip() for cell in line)]
    except (csv.Error, UnicodeDecodeError) as error:
        msg = f"manifest: it is not a CSV table in UTF-8 ({type(error).__name__}); save it again as CSV UTF-8"
        raise ManifestError(msg) from error
    for number, line in enumerate(lines, start=1):
        if len(line) != len(columns):
            msg = f"manifest: row {number} has {len(line)} cells, the heading {len(columns)}; quote cells with commas"
            raise ManifestError(msg)
    return columns, [{name: cell.strip() or None for name, cell in zip(columns, line, strict=True)} for line in lines]


def _limited(lines: Iterator[list[str]]) -> Iterator[list[str]]:
    for number, line in enumerate(lines):
        if number >= limits.MAX_MANIFEST_ROWS:
            msg = f"manifest: more than {limits.MAX_MANIFEST_ROWS} rows; split it"
            raise ManifestError(msg)
        yield line


def _read_parquet(path: Path) -> tuple[list[str], list[dict[str, Cell]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        if file.metadata.num_rows > limits.MAX_MANIFEST_ROWS:
            msg = f"manifest: more than {limits.MAX_MANIFEST_ROWS} rows; split it"
            raise ManifestError(msg)
        columns = list(file.schema_arrow.names)
        records = file.read().to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        msg = f"manifest: it cannot be read as Parquet ({type(error).__name__}); write it again"
        raise ManifestError(msg) from error
    return columns, [{name: _cell(value) for name, value in record.items()} for record in records]


def _cell(value: object) -> Cell:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None


_HARMLESS = re.compile(
    r"[-+.\d]{0,4}|.|inf|nan|yes|no|true|false|(?:fe)?male|train|val|test|dev|fold\d{1,2}", re.IGNORECASE
)


def _check_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """The findings among the columns."""
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        msg = f"manifest: the column {missing[0]} is missing; the heading needs {' and '.join(REQUIRED)}"
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


def _shown(cell: str) -> str:
    """A cell as a message may show it: what could name a patient, who may stand in the wrong column, only by length."""
    return repr(cell) if _HARMLESS.fullmatch(cell) else f"(a text of {len(cell)} characters)"


@final
@dataclass(frozen=True)
class _Files:
    """Where the files that a manifest names lie, and whether a missing one is the manifest's fault."""

    folder: Path
    are_checked: bool


@final
class _RowReader:
    """Typed access to the cells of one row; faults are collected with the row's number."""

    def __init__(self, number: int, cells: Mapping[str, Cell], faults: list[str]) -> None:
        self._number, self._cells, self._faults = number, cells, faults

    def fault(self, text: str) -> None:
        """Note what is wrong with this row."""
        self._faults.append(f"row {self._number}: {text}")

    def text(self, name: str) -> str | None:
        """A cell as it is, or None where it is blank."""
        return self._cells.get(name)

    def number(self, name: str, is_possible: Callable[[float], bool], wanted: str) -> float | None:
        """A possible finite number, or None where the cell is blank or bad."""
        raw = self._cells.get(name)
        if raw is None:
            return None
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and is_possible(value):
            return value
        self.fault(f"{name} {_shown(raw)} is not {wanted}")
        return None

    def path(self, name: str, files: _Files) -> Path | None:
        """An existing path, or None where the cell is blank or bad."""
        raw = self._cells.get(name)
        if raw is None:
            return None
        path = files.folder / raw
        if not files.are_checked and "\0" not in raw:
            return path
        if "\0" in raw or not path.exists():
            self.fault(f"the file in column {name} does not exist")
            return None
        if path.is_file() and path.stat().st_size == 0:
            self.fault(f"the file in column {name} is empty")
            return None
        return path

    def label(self, name: str) -> int | None:
        """0, 1, or None where the cell is blank or bad."""
        raw = self._cells.get(name)
        if raw in {None, "0", "1", "0.0", "1.0"}:
            return None if raw is None else int(float(raw))
        self.fault(f"{name} is {_shown(raw or '')}; a finding is 0, 1 or blank")
        return None

    def sex(self) -> Sex | None:
        """F, M, O, or None where the cell is blank or bad."""
        raw = self._cells.get("sex")
        if raw is None or raw in set(Sex):
            return None if raw is None else Sex(raw)
        self.fault(f"sex {_shown(raw)} is not F, M or O")
        return None


def _row(
    number: int, cells: Mapping[str, Cell], findings: Sequence[str], files: _Files, faults: list[str]
) -> ManifestRow | None:
    """A checked row, or None after noting why there is none."""
    before = len(faults)
    reader = _RowReader(number, cells, faults)
    for name in REQUIRED:
        if reader.text(name) is None:
            reader.fault(f"{name} is blank")
    _check_evidence(reader)
    center = [reader.number(n, lambda v: abs(v) <= LARGEST_COORDINATE_MM, "a position in mm") for n in CENTER]
    known = [value for value in center if value is not None]
    if 0 < len(known) < len(CENTER):
        reader.fault("the region's center is not complete")
    row = ManifestRow(
        number=number,
        case_id=reader.text("case_id") or "",
        patient_id=reader.text("patient_id") or "",
        ct=reader.path("ct", files),
        note=reader.path("note", files),
        note_text=reader.text("note_text"),
        voice=reader.path("voice", files),
        voice_text=reader.text("voice_text"),
        center_mm=(known[0], known[1], known[2]) if len(known) == len(CENTER) else None,
        diameter_mm=reader.number("diameter_mm", lambda v: 0.5 <= v <= 300, "a diameter of 0.5 to 300 mm"),
        age_years=reader.number("age_years", lambda v: 0 <= v <= OLDEST_AGE_YEARS, "an age in years"),
        sex=reader.sex(),
        split=reader.text("split") or "",
        labels={name: reader.label(name) for name in findings},
        baselines={
            name.removeprefix(BASELINE): reader.number(name, math.isfinite, "a finite number")
            for name in cells
            if name.startswith(BASELINE)
        },
    )
    return row if len(faults) == before else None


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
