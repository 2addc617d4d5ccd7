"""Which studies a source names: a manifest, a folder of case folders, or a tree of DICOM with a table of regions."""

import csv
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import final

from diagnosis.errors import CaseError, InputError, ManifestError
from diagnosis.ingest import limits
from diagnosis.ingest.case_folder import (
    CT_NAMES,
    NOTE_NAMES,
    VOICE_NAMES,
    CaseFolderParts,
    case_folder_parts,
    pseudonym_of,
)
from diagnosis.ingest.manifest import Manifest, ManifestRow, read_manifest
from diagnosis.record.volume import RegionOfInterest
from diagnosis.vocabulary import Sex

Center = tuple[float, float, float]
CENTER = ("center_x_mm", "center_y_mm", "center_z_mm")
REGION_COLUMNS = ("path", "series_uid", "case_id", *CENTER, "diameter_mm", "note_text", "voice_text")
PART_NAMES = ("case.json", *CT_NAMES, *NOTE_NAMES, *VOICE_NAMES)


@final
@dataclass(frozen=True)
class Study:
    """What a source says of one study; nothing of it has been read.

    Attributes:
        case_id: pseudonym, unique in the source.
        folder: a case folder, whose parts are named when it is read; the fields that follow are then empty.
        series_uid: the series of `ct` that is meant, where the source says so.
        repair: "resample" where the case folder itself asks for a tilted CT to be repaired.
    """

    case_id: str
    folder: Path | None = None
    ct: Path | None = None
    series_uid: str | None = None
    note: Path | None = None
    note_text: str | None = None
    voice: Path | None = None
    voice_text: str | None = None
    center_mm: Center | None = None
    diameter_mm: float | None = None
    age_years: float | None = None
    sex: Sex | None = None
    repair: str | None = None

    @property
    def sha256(self) -> str:
        """Hash over what the source says."""
        document = json.dumps(asdict(self), default=str, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(document.encode()).hexdigest()

    def parts(self) -> "Study":
        """The same with the parts of its case folder named.

        Raises:
            CaseError, RegionError: the folder or its case.json cannot be used.
        """
        if self.folder is None:
            return self
        found: CaseFolderParts = case_folder_parts(self.folder)
        return Study(
            case_id=self.case_id,
            ct=found.ct,
            note=found.note,
            voice=found.voice,
            center_mm=None if found.region is None else found.region.center_mm,
            diameter_mm=None if found.region is None else found.region.diameter_mm,
            age_years=found.age_years,
            sex=found.sex,
            repair=found.repair,
        )

    def region(self) -> RegionOfInterest | None:
        """The marked region.

        Raises:
            RegionError: it is not possible.
        """
        return None if self.center_mm is None else RegionOfInterest(self.center_mm, self.diameter_mm)


def find_studies(source: Path, regions: Path | None = None) -> list[Study]:
    """The studies of a source, by case_id.

    Args:
        source: a manifest (.csv, .parquet), a folder of case folders, or, with `regions`, a tree of DICOM.
        regions: a table of regions, see `read_regions`.

    Raises:
        InputError: the source does not exist or holds nothing of these kinds.
        ManifestError: a manifest or table of regions that cannot be used.
        CaseError: two studies have one case_id.
    """
    if regions is not None:
        studies = read_regions(regions, source)
    elif source.is_file():
        studies = _of_manifest(read_manifest(source, checks_files=False, findings=()))
    elif source.is_dir():
        studies = _of_case_folders(source)
    else:
        msg = "batch: the source does not exist; name a manifest, a folder of case folders, or a tree of DICOM"
        raise InputError(msg)
    studies = sorted(studies, key=lambda study: study.case_id)
    for first, second in pairwise(studies):
        if first.case_id == second.case_id:
            msg = f"batch: two studies have the case_id {first.case_id!r}; give each its own"
            raise CaseError(msg)
    return studies


def _of_manifest(manifest: Manifest) -> list[Study]:
    return [_of_row(row) for row in manifest.rows]


def _of_row(row: ManifestRow) -> Study:
    return Study(
        case_id=row.case_id,
        ct=row.ct,
        note=row.note,
        note_text=row.note_text,
        voice=row.voice,
        voice_text=row.voice_text,
        center_mm=row.center_mm,
        diameter_mm=row.diameter_mm,
        age_years=row.age_years,
        sex=row.sex,
    )


def _of_case_folders(source: Path) -> list[Study]:
    folders = [f for f in sorted(source.iterdir()) if f.is_dir() and any((f / name).exists() for name in PART_NAMES)]
    if not folders:
        msg = (
            "batch: the folder holds no case folders (with case.json, ct/, note.txt or voice.wav); for a tree of DICOM "
            "name its regions with --regions"
        )
        raise InputError(msg)
    return [Study(case_id=_case_id(folder), folder=folder) for folder in folders]


def _case_id(folder: Path) -> str:
    """The case_id of a case folder; a pseudonym where case.json cannot be read, which is then that study's failure."""
    try:
        return case_folder_parts(folder).case_id
    except InputError:
        return pseudonym_of(folder)


def read_regions(path: Path, tree: Path) -> list[Study]:
    """Studies of a DICOM tree by a table of regions (CSV, one row a study).

    Columns: `path` (folder, archive or file of one study below the tree) or `series_uid`, then `center_x_mm`,
    `center_y_mm`, `center_z_mm` (LPS; all blank to have the CT searched for candidates), and optionally `case_id`,
    `diameter_mm`, `note_text`, `voice_text`.

    Raises:
        ManifestError: not such a table; a bad row, named.
        InputError: the tree does not exist.
    """
    if not tree.is_dir():
        msg = "batch: a table of regions belongs to a folder of DICOM; name the folder as the source"
        raise InputError(msg)
    rows = _rows(path)
    folder_of = _series_folders(tree, rows)
    return [_of_region(number, row, tree, folder_of) for number, row in enumerate(rows, start=1)]


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        msg = "regions: the file does not exist; name a .csv file"
        raise ManifestError(msg)
    limits.check_file_size(path, limits.MAX_MANIFEST_BYTES, "regions")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns: Sequence[str] = reader.fieldnames or ()
            rows = [{k: (v or "").strip() for k, v in row.items() if k is not None} for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        msg = f"regions: it is not a CSV table in UTF-8 ({type(error).__name__}); save it again as CSV UTF-8"
        raise ManifestError(msg) from error
    unknown = [name for name in columns if name not in REGION_COLUMNS]
    if unknown or not {"path", "series_uid"} & set(columns) or not set(CENTER) <= set(columns):
        has_heading = len(unknown) < len(columns)  # without one a patient could stand in its place
        problem = f"the column {unknown[0]!r} is not known" if unknown and has_heading else "a column is missing"
        msg = f"regions: {problem}; the heading needs path or series_uid and {', '.join(CENTER)}"
        raise ManifestError(msg)
    return rows


def _of_region(number: int, row: Mapping[str, str], tree: Path, folder_of: Mapping[str, Path]) -> Study:
    uid = row.get("series_uid") or None
    ct = tree / row["path"] if row.get("path") else folder_of.get(uid or "")
    if ct is None:
        problem = "its series is not in the tree" if uid else "neither path nor series_uid is given"
        msg = f"regions: row {number}: {problem}; correct the row"
        raise ManifestError(msg)
    return Study(
        case_id=row.get("case_id") or _pseudonym(row.get("path") or "", uid or ""),
        ct=ct,
        series_uid=uid,
        center_mm=_center(number, row),
        diameter_mm=_number(number, "diameter_mm", row.get("diameter_mm") or ""),
        note_text=row.get("note_text") or None,
        voice_text=row.get("voice_text") or None,
    )


def _center(number: int, row: Mapping[str, str]) -> Center | None:
    values = [_number(number, name, row[name]) for name in CENTER]
    known = [value for value in values if value is not None]
    if not known:
        return None
    if len(known) < len(CENTER):
        msg = f"regions: row {number}: the center is not complete; give x, y and z, or none of them"
        raise ManifestError(msg)
    return known[0], known[1], known[2]


def _number(number: int, name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        msg = f"regions: row {number}: {name} is not a number; give mm"
        raise ManifestError(msg)
    return value


def _pseudonym(*words: str) -> str:
    return f"case-{hashlib.sha256('/'.join(words).encode()).hexdigest()[:12]}"


def _series_folders(tree: Path, rows: Iterable[Mapping[str, str]]) -> dict[str, Path]:
    """Folder of each series that is asked for by UID alone; the whole tree is looked through once."""
    wanted = {row.get("series_uid", "") for row in rows if not row.get("path")}
    wanted.discard("")
    if not wanted:
        return {}
    from diagnosis.ingest.series_index import folders_of_series

    return folders_of_series(tree, wanted)
