"""Every error a user can meet, each with the exit code of the command line.

::

    DiagnosisError                     1
    ├── InputError                     3   a path that is missing, or cannot be read as what it claims to be
    │   ├── GeometryError              4   a CT series refused by the geometry gate
    │   ├── RegionError                5   a region outside the volume, or none where one is needed
    │   ├── NoteError                  6   an empty or unreadable note
    │   ├── AudioError                 7   an undecodable or empty recording
    │   ├── CaseError                  8   no evidence at all, an impossible age, a bad case.json
    │   ├── ManifestError              9   a bad row, named
    │   └── LimitExceededError        10   larger than the stated limits: refused before it costs memory or time
    ├── BundleError                   11   a checksum or an input contract that does not fit
    ├── ConfigurationError            12   a training or service setting that cannot be used
    ├── MissingDependencyError        13   a package, weight or program that is not installed
    ├── ExplanationError              14   an explanation that cannot be made for this case
    ├── PacsError                     15   an archive that is out of reach, refuses, or answers wrongly
    │   └── IncompleteStudyError      16   fewer images arrived than the archive has of a series
    ├── StoreError                    17   a database that cannot be reached, written or understood
    ├── AuditError                    18   an audit trail, or a record it vouches for, that was changed
    ├── AccessError                   19   something that this visitor is not allowed
    ├── StudiesFailedError            20   a batch run or an evaluation that was finished, though some studies failed
    └── OutputError                   21   results that cannot be written, or files that the system keeps closed

Exit code 2 is the command line's own: wrong usage. A message has a subject, what is wrong with the value, and what to
do. It never holds patient data: no name, id, UID, date, note text.
"""

import errno
import traceback
from pathlib import Path
from typing import ClassVar


class DiagnosisError(Exception):
    """Root of all errors that this product raises on purpose."""

    exit_code: ClassVar[int] = 1


class InputError(DiagnosisError):
    """A file or folder is missing, or cannot be read as what it claims to be."""

    exit_code: ClassVar[int] = 3


class GeometryError(InputError):
    """A CT series was refused by the geometry gate."""

    exit_code: ClassVar[int] = 4


class RegionError(InputError):
    """A region of interest lies outside the volume, or is missing where one is needed."""

    exit_code: ClassVar[int] = 5


class NoteError(InputError):
    """A clinical note is empty or unreadable."""

    exit_code: ClassVar[int] = 6


class AudioError(InputError):
    """A recording is empty or cannot be decoded."""

    exit_code: ClassVar[int] = 7


class CaseError(InputError):
    """A case holds no evidence, an impossible value, or a malformed case.json."""

    exit_code: ClassVar[int] = 8


class ManifestError(InputError):
    """A manifest row cannot be used; the message names the row."""

    exit_code: ClassVar[int] = 9


class LimitExceededError(InputError):
    """An input is larger than the stated limits and was refused before it cost memory or time."""

    exit_code: ClassVar[int] = 10


class BundleError(DiagnosisError):
    """A bundle's checksum, layout or input contract does not fit."""

    exit_code: ClassVar[int] = 11


class ConfigurationError(DiagnosisError):
    """A setting cannot be used."""

    exit_code: ClassVar[int] = 12


class MissingDependencyError(DiagnosisError):
    """A package, weight file or program is not installed."""

    exit_code: ClassVar[int] = 13


class ExplanationError(DiagnosisError):
    """An explanation cannot be made for this case."""

    exit_code: ClassVar[int] = 14


class PacsError(DiagnosisError):
    """An archive is out of reach, refuses, runs out of time, or answers wrongly."""

    exit_code: ClassVar[int] = 15


class IncompleteStudyError(PacsError):
    """Fewer images arrived than the archive says a series has."""

    exit_code: ClassVar[int] = 16


class StoreError(DiagnosisError):
    """The database cannot be reached, written or understood."""

    exit_code: ClassVar[int] = 17


class AuditError(DiagnosisError):
    """The audit trail, or a record that it vouches for, was changed."""

    exit_code: ClassVar[int] = 18


class AccessError(DiagnosisError):
    """A visitor asks for what none of their roles allows."""

    exit_code: ClassVar[int] = 19


class StudiesFailedError(DiagnosisError):
    """A batch run or an evaluation was finished and its files are written, but some of its studies failed."""

    exit_code: ClassVar[int] = 20


class OutputError(DiagnosisError):
    """Results cannot be written where they are asked for, or the system keeps a file closed."""

    exit_code: ClassVar[int] = 21


def is_disk_full(error: BaseException) -> bool:
    """Whether the system refuses a write for want of room, or because a quota is used up."""
    refusal = refusal_of_system(error)
    return refusal is not None and refusal.errno in {errno.ENOSPC, errno.EDQUOT}


def refusal_of_system(error: BaseException) -> OSError | None:
    """What the system itself said, where a library hides it behind an error of its own; None where it said nothing."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.strerror:
            return found
        found = found.__cause__ or found.__context__
    return None


def system_reason(error: OSError) -> str:
    """Why the system refuses, in its own words and without a path."""
    refusal = refusal_of_system(error)
    return "the system refuses it" if refusal is None or not refusal.strerror else refusal.strerror


def unforeseen_reason(error: Exception) -> str:
    """Kind and place of an error that nobody foresaw; never its own text, which may quote the patient's data."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" at {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    return f"an unforeseen {type(error).__name__}{place}; report it together with the kind of study"
