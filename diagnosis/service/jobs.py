"""Jobs as folders: `job.json`, the input, and what came of it. What is on disk is all there is: a restart goes on."""

import fcntl
import os
import re
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import final

from diagnosis.errors import ConfigurationError, InputError, OutputError, system_reason
from diagnosis.service.schemas import Job, JobStatus, Wishes

_ID = re.compile(r"[0-9a-f]{32}")
CLAIM = "service.lock"
JOB = "job.json"
ASSESSMENT = "assessment.json"
EXPLANATION = "explanation.json"
EXPORTS = "exports"
INPUT = "input"
REFERENCE = "reference.txt"
NO_ROOM = "study: the service cannot keep it ({why}); tell who runs the service"


@final
class JobFolder:
    """All jobs below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root / "jobs"
        self.root.mkdir(mode=0o700, exist_ok=True)
        self._lock = Lock()
        self._claim: int | None = None

    def claim(self) -> None:
        """Keep the folder from other services, which would take its studies up as interrupted ones.

        Raises:
            ConfigurationError: another service has it.
        """
        self._claim = os.open(self.root.with_name(CLAIM), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            msg = "service: another service works in this folder; stop it, or name another folder"
            raise ConfigurationError(msg) from error

    def release(self) -> None:
        """Leave the folder to others; the system does so too where the process ends."""
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def create(self, wishes: Wishes) -> Job:
        """A new job with a random identifier, not yet waiting: its input is still to be put in place.

        Raises:
            OutputError: there is no room for it.
        """
        job = Job(
            id=secrets.token_hex(16),
            status=JobStatus.WAITING,
            wishes=Wishes(explain=wishes.explain, formats=wishes.formats),
            created_at=datetime.now(UTC).isoformat(timespec="microseconds"),  # their order, after a restart too
        )
        try:
            self.folder(job.id).mkdir(mode=0o700)
        except OSError as error:
            raise OutputError(NO_ROOM.format(why=system_reason(error))) from error
        return job

    def folder(self, job_id: str) -> Path:
        """Folder of a job; only identifiers of our own making become paths.

        Raises:
            InputError: not an identifier.
        """
        if not _ID.fullmatch(job_id):
            msg = "study: there is none with this identifier"
            raise InputError(msg)
        return self.root / job_id

    def get(self, job_id: str) -> Job | None:
        """A job, or None where there is none."""
        try:
            return Job.model_validate_json((self.folder(job_id) / JOB).read_bytes())
        except (OSError, ValueError, InputError):
            return None

    def save(self, job: Job) -> bool:
        """Write the state whole or not at all; False where the job was deleted meanwhile."""
        with self._lock:
            folder = self.folder(job.id)
            if not folder.is_dir():
                return False
            scratch = folder / f".{JOB}"
            scratch.write_text(job.model_dump_json(), encoding="utf-8")
            os.replace(scratch, folder / JOB)  # noqa: PTH105 - atomic
            return True

    def set_status(self, job_id: str, status: JobStatus, problem: str | None = None, code: int | None = None) -> bool:
        """Change the state; False where the job was deleted meanwhile."""
        job = self.get(job_id)
        if job is None:
            return False
        n_starts = job.n_starts + (status is JobStatus.RUNNING)
        changed = {"status": status, "problem": problem, "problem_code": code, "n_starts": n_starts}
        return self.save(job.model_copy(update=changed))

    def delete(self, job_id: str) -> bool:
        """Remove a job and all that belongs to it; False where there is none."""
        with self._lock:
            folder = self.folder(job_id)
            if not folder.is_dir():
                return False
            shutil.rmtree(folder, ignore_errors=True)
            return True

    def all(self) -> list[Job]:
        """All jobs, oldest first."""
        found = [self.get(path.name) for path in self.root.iterdir() if _ID.fullmatch(path.name)]
        return sorted((job for job in found if job is not None), key=lambda job: (job.created_at, job.id))

    def unfinished(self) -> list[Job]:
        """Jobs that a stop of the service interrupted; folders without a state are removed."""
        for path in self.root.iterdir():
            if self.get(path.name) is None:
                shutil.rmtree(path, ignore_errors=True)
        return [job for job in self.all() if job.status in {JobStatus.WAITING, JobStatus.RUNNING}]
