"""What a reading process answers; in a module of its own, since a process's main module has another name."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Ready:
    """The process has loaded what it needs."""


@final
@dataclass(frozen=True)
class Prepared:
    """A study has been read: `PreparedStudy.to_bytes`, and the seconds of each stage."""

    case_id: str
    prepared: bytes
    seconds: dict[str, float]


@final
@dataclass(frozen=True)
class Halted:
    """Nothing can be read here, whatever the study: why, and whether a full disk is the cause."""

    reason: str
    is_disk_full: bool


@final
@dataclass(frozen=True)
class Refused:
    """A study cannot be used, and why; `is_designed` is False for an error that nobody foresaw."""

    case_id: str
    reason: str
    is_designed: bool = True
