"""New cases from a zip archive or a folder of DICOM: unpacked on disk, judged by the geometry gate, then taken in.

What arrives waits in a hidden folder beside the cases until the reader has seen the verdicts and accepts it. Images
are never held in memory here; headers are, one series after the other.
"""

import re
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from clinician_ui.access import current_visitor, require
from clinician_ui.archive import opaque_name, open_archive
from clinician_ui.folders import find_case, take_in_one
from clinician_ui.permissions import Permission
from clinician_ui.transcripts import Progress
from diagnosis.errors import CaseError, InputError, LimitExceededError, system_reason
from diagnosis.ingest import limits
from diagnosis.ingest.archive import is_zip, unpack_zip
from diagnosis.ingest.case_folder import CaseFile
from diagnosis.ingest.file_tree import files_below
from diagnosis.progress import OnProgress
from diagnosis.record.series import SeriesReport
from diagnosis.vocabulary import GeometryCode

INCOMING = ".incoming"
"""Hidden: the worklist passes over it."""
RESAMPLE = "resample"
STALE_S = 24 * 3600.0
_PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@final
@dataclass(frozen=True)
class Arrival:
    """Images that wait to be taken in.

    Attributes:
        folder: where they wait; its `ct` holds the files.
        reports: the verdict on each series.
        n_files: how many files came.
        n_bytes: how large they are together.
        is_repaired: whether the reader asked for the tilt of a series to be repaired.
    """

    folder: Path
    reports: tuple[SeriesReport, ...]
    n_files: int
    n_bytes: int
    is_repaired: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether one of the series can be assessed."""
        return any(report.is_chosen for report in self.reports)

    @property
    def is_repairable(self) -> bool:
        """Whether none can be used as it is, and one only for the tilt of its gantry."""
        return not self.is_usable and any(
            [reason.code for reason in report.reasons] == [GeometryCode.GANTRY_TILT] for report in self.reports
        )


@final
@dataclass(frozen=True)
class NewCase:
    """What the reader says of the patient; all but the pseudonym may be left open.

    Attributes:
        case_id: pseudonym, also the folder's name.
        age_years: or None to take it from the images.
        sex: F, M, O or None.
        note: written note, or empty.
    """

    case_id: str
    age_years: float | None = None
    sex: str | None = None
    note: str = ""


def incoming_folder(cases_dir: Path) -> Path:
    """Where uploads wait, on the same disk as the cases; what was left there a day ago is removed.

    Raises:
        InputError: there is no folder of cases to import into.
    """
    if (cases_dir / "case.json").exists() or not cases_dir.is_dir():
        msg = "import: the dashboard shows a single case; start it with a folder of cases to import another"
        raise InputError(msg)
    folder = cases_dir / INCOMING
    if folder.is_dir():
        for left in folder.iterdir():
            with suppress(FileNotFoundError):  # another session has just removed it, or taken it in
                if time.time() - left.stat().st_mtime > STALE_S:
                    _remove(left)
    return folder


def receive_zip(path: Path, cases_dir: Path, on_progress: Progress | None = None) -> Arrival:
    """Unpack an uploaded archive, remove it, and judge what was in it.

    Raises:
        InputError: it is no zip archive, or a damaged one.
        LimitExceededError: more than is read.
    """
    try:
        if not is_zip(path):
            msg = "import: the file is not a zip archive; pack the folder of the study as .zip"
            raise InputError(msg)
        folder = _new_folder(cases_dir)
        try:
            unpack_zip(path, folder / "ct", _counting("Unpacking file", on_progress))
        except BaseException:  # a full disk above all: half a study on it helps nobody
            _remove(folder)
            raise
    finally:
        path.unlink(missing_ok=True)
    return _judged(folder, on_progress)


def receive_folder(source: Path, cases_dir: Path, on_progress: Progress | None = None) -> Arrival:
    """Copy a folder of DICOM, file by file, and judge it.

    Raises:
        InputError: there is no such folder, or it cannot be read.
        LimitExceededError: more than is read.
    """
    if not source.is_dir():
        msg = "import: there is no such folder on this machine; give its full path"
        raise InputError(msg)
    files, _ = files_below(source)
    total = sum(path.stat().st_size for path in files)
    if total > limits.MAX_UNPACKED_BYTES:
        msg = f"import: {total / 2**30:.1f} GiB are more than the {limits.MAX_UNPACKED_BYTES / 2**30:.0f} that are read"
        raise LimitExceededError(msg)
    folder = _new_folder(cases_dir)
    try:
        for number, path in enumerate(files):
            shutil.copyfile(path, folder / "ct" / f"{number:06d}")
            if on_progress is not None:
                on_progress(f"Copying file {number + 1} of {len(files)}", (number + 1) / len(files))
    except OSError as error:
        _remove(folder)
        msg = "import: a file of the folder cannot be read, or the disk is full; check both"
        raise InputError(msg) from error
    return _judged(folder, on_progress)


def accept(arrival: Arrival, new: NewCase, cases_dir: Path) -> str:
    """Make a case of what arrived; gives its token.

    Raises:
        CaseError: a pseudonym that cannot be a folder's name or is taken, an impossible age, no usable series, or a
            folder that cannot be written.
        AccessError, StoreError: the visitor may not, or the trail cannot be written.
    """
    require(Permission.IMPORT)
    if not arrival.is_usable:
        msg = "import: none of the series can be used as it is; see the verdicts, and export the study again"
        raise CaseError(msg)
    if _PSEUDONYM.fullmatch(new.case_id) is None:
        msg = "import: the pseudonym may hold up to 64 letters, digits, dots, dashes and underscores; change it"
        raise CaseError(msg)
    target = cases_dir / new.case_id
    if target.exists():
        msg = "import: there is a case of this pseudonym already; choose another"
        raise CaseError(msg)
    said = {"case_id": new.case_id, "age_years": new.age_years, "sex": new.sex}
    try:
        stated = CaseFile.model_validate(said | {"repair": RESAMPLE if arrival.is_repaired else None})
    except ValueError as error:
        msg = "import: the age is not possible; correct it or leave it open"
        raise CaseError(msg) from error
    try:
        (arrival.folder / "case.json").write_text(stated.model_dump_json(exclude_none=True), encoding="utf-8")
        if new.note.strip():
            (arrival.folder / "note.txt").write_text(new.note, encoding="utf-8")
        arrival.folder.rename(target)
    except OSError as error:
        msg = (
            f"import: the case cannot be taken in ({system_reason(error)}); make room, or discard what waits and read "
            "it again"
        )
        raise CaseError(msg) from error
    token = opaque_name(target.resolve())
    entry = find_case(cases_dir, token)
    if entry is not None:
        take_in_one(open_archive(), current_visitor().actor, entry)
    return token


def with_repair(arrival: Arrival, on_progress: Progress | None = None) -> Arrival:
    """The same images, judged with the tilt of a series repaired; the case that is made of them asks for it too.

    Raises:
        InputError: what waits is no longer there.
    """
    from diagnosis.ingest.dicom_volume import inspect_path

    reports = tuple(
        inspect_path(arrival.folder / "ct", repair=RESAMPLE, on_progress=_counting("Reading file", on_progress))
    )
    return replace(arrival, reports=reports, is_repaired=True)


def discard(arrival: Arrival) -> None:
    """Remove what arrived."""
    _remove(arrival.folder)


def suggested_pseudonym() -> str:
    """A pseudonym that tells nothing."""
    return f"case-{secrets.token_hex(4)}"


def _counting(words: str, tell: Progress | None) -> OnProgress | None:
    """For a reader that counts files."""
    if tell is None:
        return None
    return lambda done, total: tell(f"{words} {done} of {total}", done / max(total, 1))


def _new_folder(cases_dir: Path) -> Path:
    folder = incoming_folder(cases_dir) / secrets.token_hex(8)
    try:
        (folder / "ct").mkdir(parents=True)
    except OSError as error:
        msg = "import: the folder of cases cannot be written; check its permissions and the space on its disk"
        raise InputError(msg) from error
    return folder


def _judged(folder: Path, on_progress: Progress | None) -> Arrival:
    from diagnosis.ingest.dicom_volume import inspect_path

    try:
        reports = tuple(inspect_path(folder / "ct", on_progress=_counting("Reading file", on_progress)))
    except BaseException:
        _remove(folder)
        raise
    files = [path for path in (folder / "ct").rglob("*") if path.is_file()]
    return Arrival(folder, reports, len(files), sum(path.stat().st_size for path in files))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
