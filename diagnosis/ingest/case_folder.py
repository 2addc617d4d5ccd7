"""A case folder, or loose files, to a `Case` and the identity behind it.

::

    case_001/
      case.json            {"case_id": "c-001", "age_years": 67, "sex": "F",
                            "region": {"center_mm": [-54.2, 31.0, -120.5], "diameter_mm": 14.0}}
                            and "repair": "resample" where a tilted CT is to be repaired
      ct/                  DICOM, or ct.zip (DICOM), or ct.nii.gz, ct.nii
      note.txt             or note.pdf, note.json
      voice.wav            or .flac .mp3 .m4a .ogg .webm

Any part may be missing, but not all evidence. Without case.json the case gets a pseudonym made from a hash of the
folder's path: a folder's name may be a patient's. Evidence that is there but cannot be read is an error, never left out
in silence; a dictation without words is a warning.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diagnosis.errors import CaseError
from diagnosis.field_errors import first_field_error
from diagnosis.ingest import limits
from diagnosis.ingest.nifti import nifti_at, read_ct_nifti
from diagnosis.progress import OnProgress
from diagnosis.record.case import OLDEST_AGE_YEARS, Case
from diagnosis.record.identity import StudyIdentity
from diagnosis.record.note import ClinicalNote, VoiceNote
from diagnosis.record.volume import RegionOfInterest, Volume
from diagnosis.vocabulary import Sex

if TYPE_CHECKING:
    from diagnosis.ingest.dicom_volume import Box


CT_NAMES = ("ct", "ct.zip", "ct.nii.gz", "ct.nii")
NOTE_NAMES = ("note.txt", "note.pdf", "note.json")
VOICE_NAMES = tuple(f"voice.{kind}" for kind in ("wav", "flac", "mp3", "m4a", "ogg", "webm"))
NO_WORDS = "the dictation holds no words (silence or noise) and is left out"
NO_REGION = "the CT is left out, for no region says where to look"
AGE_TOLERANCE_YEARS = 2.0

Finite = Annotated[float, Field(allow_inf_nan=False)]


class RegionFile(BaseModel):
    """`region` of case.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    center_mm: tuple[Finite, Finite, Finite]
    diameter_mm: Finite | None = None


class CaseFile(BaseModel):
    """case.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    case_id: Annotated[str, Field(min_length=1, max_length=128)]
    age_years: Annotated[float, Field(ge=0, le=OLDEST_AGE_YEARS)] | None = None
    sex: Literal["F", "M", "O"] | None = None
    region: RegionFile | None = None
    repair: Literal["resample"] | None = None


def read_case(
    folder: Path | str, *, repair: str | None = None, on_progress: OnProgress | None = None
) -> tuple[Case, StudyIdentity]:
    """Read a case folder.

    Args:
        folder: as described in this module.
        repair: "resample" to accept and repair a tilted CT, as its case.json may ask by itself.
        on_progress: called with (done, total) CT slices.

    Raises:
        CaseError: no folder, malformed case.json, the same part twice, no evidence.
        GeometryError, NoteError, AudioError, InputError, LimitExceededError: a part that cannot be used.
    """
    parts = case_folder_parts(Path(folder))
    if parts.ct is parts.note is parts.voice is None:
        _refuse_unnamed_files(Path(folder))
    return assemble_case(
        parts.case_id,
        ct=parts.ct,
        note=parts.note,
        voice=parts.voice,
        region=parts.region,
        age_years=parts.age_years,
        sex=parts.sex,
        repair=repair or parts.repair,
        on_progress=on_progress,
    )


def _refuse_unnamed_files(folder: Path) -> None:
    """A folder of DICOM, or a note by another name, is evidence that would be passed over."""
    n_others = sum(path.name != "case.json" and not path.name.startswith(".") for path in folder.iterdir())
    if n_others:
        msg = (
            f"case: it holds no CT, no note and no dictation: none of its {n_others} files and folders is named as a "
            "part of a case (ct, note.txt, voice.wav); name them so, or give each as such (a CT with --ct)"
        )
        raise CaseError(msg)


@final
@dataclass(frozen=True)
class CaseFolderParts:
    """What a case folder holds, before any of it is read but case.json."""

    case_id: str
    ct: Path | None
    note: Path | None
    voice: Path | None
    region: RegionOfInterest | None
    age_years: float | None
    sex: Sex | None
    repair: str | None = None


def case_folder_parts(folder: Path) -> CaseFolderParts:
    """Read case.json and name the other parts of a case folder.

    Raises:
        CaseError: no folder, malformed case.json, the same part twice.
        RegionError: an impossible region.
    """
    if folder.is_file():
        msg = "case: it is a file and not a case folder; unpack an archive, or give a CT, a note or a dictation as such"
        raise CaseError(msg)
    if not folder.is_dir():
        msg = "case: the folder does not exist; name a folder with case.json, ct/, note.txt, voice.wav"
        raise CaseError(msg)
    stated = read_case_file(folder / "case.json") or CaseFile(case_id=pseudonym_of(folder))
    region = None
    if stated.region is not None:
        region = RegionOfInterest(stated.region.center_mm, stated.region.diameter_mm)
    return CaseFolderParts(
        case_id=stated.case_id,
        ct=_only_one(folder, CT_NAMES),
        note=_only_one(folder, NOTE_NAMES),
        voice=_only_one(folder, VOICE_NAMES),
        region=region,
        age_years=stated.age_years,
        sex=Sex(stated.sex) if stated.sex else None,
        repair=stated.repair,
    )


def assemble_case(  # noqa: PLR0913 - one keyword for each part of a case
    case_id: str,
    *,
    ct: Path | None = None,
    note: Path | ClinicalNote | None = None,
    voice: Path | VoiceNote | None = None,
    region: RegionOfInterest | None = None,
    age_years: float | None = None,
    sex: Sex | None = None,
    repair: str | None = None,
    within: "Box | None" = None,
    series_uid: str | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[Case, StudyIdentity]:
    """Make a case of its parts; a note or dictation may have been read already.

    Age and sex are taken from the DICOM headers where they are not given, and compared with them where they are. Of a
    CT in DICOM only the slices that touch `within` are decoded, though the headers of all are judged.

    Raises:
        CaseError: no evidence, impossible age.
        GeometryError, RegionError, NoteError, AudioError, InputError, LimitExceededError: a part that cannot be used.
    """
    warnings: list[str] = []
    volume, identity = None, StudyIdentity(case_id)
    if ct is not None:
        read_options = {"repair": repair, "within": within, "series_uid": series_uid, "on_progress": on_progress}
        volume, identity, age_years, sex, found = _read_ct(ct, identity, (age_years, sex), read_options)
        warnings += found
    written = _read_note(note) if isinstance(note, Path) else note
    spoken = _transcribe(voice) if isinstance(voice, Path) else voice
    if spoken is not None and not spoken.words:
        warnings.append(NO_WORDS)
    if volume is not None and region is None:
        warnings.append(NO_REGION)
    case = Case(
        case_id=case_id,
        volume=volume,
        region=region,
        note=written,
        voice_note=spoken,
        age_years=age_years,
        sex=sex,
        warnings=tuple(warnings),
    )
    return case, identity


def _read_ct(
    path: Path,
    identity: StudyIdentity,
    stated: tuple[float | None, Sex | None],
    read_options: dict[str, Any],
) -> tuple[Volume, StudyIdentity, float | None, Sex | None, list[str]]:
    nifti = nifti_at(path) if path.exists() else None
    if nifti is not None:
        return read_ct_nifti(nifti), identity, *stated, []
    from diagnosis.ingest.dicom_volume import read_series

    series = read_series(path, **read_options)
    warnings = list(series.warnings)
    age_years, sex = stated
    if age_years is None:
        age_years = series.age_years
    elif series.age_years is not None and abs(series.age_years - age_years) > AGE_TOLERANCE_YEARS:
        warnings.append("CT: the age in its headers differs from the one given; check that it is the same patient")
    if sex is None:
        sex = Sex(series.sex) if series.sex in set(Sex) else None
    elif series.sex in {Sex.FEMALE, Sex.MALE} and series.sex != sex:
        warnings.append("CT: the sex in its headers differs from the one given; check that it is the same patient")
    return series.volume, replace(series.identity, case_id=identity.case_id), age_years, sex, warnings


def _read_note(path: Path) -> ClinicalNote:
    from diagnosis.ingest.notes import read_note

    return read_note(path)


def _transcribe(path: Path) -> VoiceNote:
    from diagnosis.ingest.transcription import transcribe

    return transcribe(path)


def read_case_file(path: Path) -> CaseFile | None:
    """What a case.json says, or None where there is none.

    Raises:
        CaseError: malformed.
        LimitExceededError: larger than the limit.
    """
    if not path.is_file():
        return None
    limits.check_file_size(path, limits.MAX_TEXT_BYTES, "case.json")
    try:
        return CaseFile.model_validate_json(path.read_bytes())
    except ValidationError as error:
        msg = f"case.json: {first_field_error(error, CaseFile.model_fields)}; correct it"
        raise CaseError(msg) from error


def pseudonym_of(folder: Path) -> str:
    """A pseudonym from a hash of the path: a folder's name may be a patient's."""
    return f"case-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]}"


def _only_one(folder: Path, names: tuple[str, ...]) -> Path | None:
    found = [folder / name for name in names if (folder / name).exists()]
    if len(found) > 1:
        msg = f"case: {found[0].name} and {found[1].name} are both there; keep the one that counts"
        raise CaseError(msg)
    return found[0] if found else None
