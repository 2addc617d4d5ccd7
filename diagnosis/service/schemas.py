"""What the service accepts and answers."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from diagnosis.vocabulary import ExportFormat

Finite = Annotated[float, Field(allow_inf_nan=False, ge=-10_000, le=10_000)]


class JobStatus(StrEnum):
    """Where a study stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Wishes(BaseModel):
    """What is to be made of a study, beside its assessment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    explain: bool = False
    formats: tuple[ExportFormat, ...] = Field(default=(), max_length=6)


class Reference(Wishes):
    """A case folder, by its path below the folder of studies."""

    path: str = Field(min_length=1, max_length=1024)


class Problem(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class Job(BaseModel):
    """A study and its state; nothing in here names the patient.

    `n_unused` counts the files of an upload that are no part of a case, `n_starts` how often the work was begun.
    """

    id: str
    status: JobStatus
    wishes: Wishes
    created_at: str
    problem: str | None = None
    problem_code: int | None = None
    n_unused: int = 0
    n_starts: int = 0


class Exported(BaseModel):
    """Files that were written, and what was refused with its reason."""

    files: list[str]
    refused: dict[str, str]
