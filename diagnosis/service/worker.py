"""One thread that works through the queue: read, assess, explain and export as wished, write the results."""

import json
import logging
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING, final

from diagnosis.answer import answer_case, answer_json
from diagnosis.errors import ConfigurationError, DiagnosisError, unforeseen_reason
from diagnosis.ingest.case_folder import read_case
from diagnosis.service import jobs as names
from diagnosis.service.jobs import JobFolder
from diagnosis.service.metrics import Metrics
from diagnosis.service.schemas import JobStatus, Wishes
from diagnosis.service.uploads import resolve_reference

if TYPE_CHECKING:
    from diagnosis.engine import DiagnosisEngine

LOG = logging.getLogger(__name__)
POLL_S = 0.2
MAX_STARTS = 3
GIVEN_UP = f"study: the service ended {MAX_STARTS} times while it worked on it; see whether it is too large for it"
UNEXPECTED = "study: it could not be worked on for a reason that is not foreseen; the service's log names its kind"


@final
class Worker:
    """The queue, the thread and the engine; the engine is loaded in the thread, once."""

    def __init__(
        self,
        folder: JobFolder,
        load_engine: "Callable[[], DiagnosisEngine]",
        studies_root: Path | None,
        max_waiting: int,
        metrics: Metrics,
    ) -> None:
        self._is_loaded = False
        self.failure: str | None = None
        self._folder, self._load_engine, self._root, self._metrics = folder, load_engine, studies_root, metrics
        self._queue: Queue[str] = Queue(max_waiting)
        self._stop = Event()
        self._thread = Thread(target=self._run, name="diagnosis-worker", daemon=True)

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded and studies are worked on."""
        return self._is_loaded and self._thread.is_alive()

    @property
    def n_waiting(self) -> int:
        """Jobs in the queue."""
        return self._queue.qsize()

    def start(self) -> None:
        """Take up what was interrupted, and begin; a study that ended the service time and again is given up."""
        for job in self._folder.unfinished():
            if job.n_starts >= MAX_STARTS:
                self._folder.set_status(job.id, JobStatus.FAILED, GIVEN_UP, DiagnosisError.exit_code)
                continue
            self._folder.set_status(job.id, JobStatus.WAITING)
            if not self.submit(job.id):
                self._folder.set_status(
                    job.id, JobStatus.FAILED, "study: the queue was full after a restart; send it again"
                )
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Finish the job at hand and end."""
        self._stop.set()
        self._thread.join(timeout_s)

    def submit(self, job_id: str) -> bool:
        """Queue a job; False where too many wait."""
        try:
            self._queue.put_nowait(job_id)
        except Full:
            return False
        return True

    def _run(self) -> None:
        try:
            engine = self._load_engine()
        except Exception as error:  # noqa: BLE001 - whatever it is, callers must not be told for ever that it starts
            self.failure = str(error) if isinstance(error, DiagnosisError) else unforeseen_reason(error)
            LOG.error("the model cannot be loaded (%s)", type(error).__name__)  # noqa: TRY400 - no traceback: it may quote paths
            return
        self._is_loaded = True
        while not self._stop.is_set():
            try:
                job_id = self._queue.get(timeout=POLL_S)
            except Empty:
                continue
            try:
                self._one(engine, job_id)
            except OSError as error:  # the state cannot be written: the study is taken up again after a restart
                LOG.error("the state of a study cannot be kept (%s)", type(error).__name__)  # noqa: TRY400 - paths

    def _one(self, engine: "DiagnosisEngine", job_id: str) -> None:
        job = self._folder.get(job_id)
        if job is None or not self._folder.set_status(job_id, JobStatus.RUNNING):
            return  # deleted while it waited
        started = perf_counter()
        try:
            _work(engine, self._folder.folder(job_id), job.wishes, self._root)
            status, problem, code = JobStatus.DONE, None, None
        except DiagnosisError as error:
            status, problem, code = JobStatus.FAILED, str(error), error.exit_code
        except Exception as error:  # noqa: BLE001 - one study must not end the service; nothing of the error is shown
            LOG.error("a study failed unexpectedly (%s)", type(error).__name__)  # noqa: TRY400 - a traceback quotes values
            status, problem, code = JobStatus.FAILED, UNEXPECTED, DiagnosisError.exit_code
        if not self._folder.set_status(job_id, status, problem, code):
            self._folder.delete(job_id)  # deleted while it was worked on: what was written since then goes too
        self._metrics.job_finished(status.value, perf_counter() - started)


def _work(engine: "DiagnosisEngine", folder: Path, wishes: Wishes, root: Path | None) -> None:
    reference = folder / names.REFERENCE
    source = folder / names.INPUT
    if reference.is_file():
        source = resolve_reference(root, reference.read_text(encoding="utf-8"))
    from diagnosis.reporting.export import NEED_EXPLANATION, require_packages, write_exports
    from diagnosis.reporting.result import Result

    formats = wishes.formats
    if formats:
        require_packages()
    case, identity = read_case(source)
    answer = answer_case(engine, case)
    assessment, case = answer.main, answer.case
    _write_json(folder / names.ASSESSMENT, answer_json(answer))
    explanation = None
    if wishes.explain or NEED_EXPLANATION.intersection(formats):
        explanation = engine.explain(case)
        from diagnosis.reporting.explanation_files import explanation_json

        _write_json(folder / names.EXPLANATION, explanation_json(explanation))
    if formats:
        result = Result(case, identity, assessment, explanation, datetime.now(UTC))
        shutil.rmtree(folder / names.EXPORTS, ignore_errors=True)
        write_exports(result, formats, folder / names.EXPORTS)


def _write_json(path: Path, content: object) -> None:
    scratch = path.with_name(f".{path.name}")
    try:
        scratch.write_text(json.dumps(content), encoding="utf-8")
        scratch.replace(path)
    except FileNotFoundError as error:  # the study was deleted while it was worked on
        msg = "study: it was deleted while it was worked on"
        raise ConfigurationError(msg) from error
