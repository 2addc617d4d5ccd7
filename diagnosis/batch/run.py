"""A batch run from end to end: find the studies, take them into the ledger, score, write the files."""

import fcntl
import platform
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

from diagnosis import settings
from diagnosis.batch.full_disk import telling_which_disk
from diagnosis.batch.job import BatchOptions, ScoringJob
from diagnosis.batch.reader_pool import Start, start_reader
from diagnosis.batch.results import write_results
from diagnosis.batch.studies import Study, find_studies
from diagnosis.bundle.folder import Bundle, load_bundle
from diagnosis.errors import ConfigurationError
from diagnosis.progress import OnProgress
from diagnosis.store.database import Store
from diagnosis.store.ledger import Ledger
from diagnosis.version import __version__

PACKAGES = ("torch", "numpy", "pydicom", "scipy", "transformers", "faster-whisper", "pyarrow")


@final
@dataclass(frozen=True)
class Summary:
    """What became of a run."""

    n_done: int
    n_failed: int
    seconds: float
    reasons: Mapping[str, int]


def run_batch(
    options: BatchOptions,
    on_progress: OnProgress | None = None,
    start_reading: Start = start_reader,
    on_self_test: OnProgress | None = None,
) -> Summary:
    """Score all studies of a source on this machine and write the files; goes on where an earlier start ended.

    Args:
        options: what and how.
        on_progress: called with (done, all) studies.
        start_reading: begins a reading process.
        on_self_test: called with (done, all) steps where runtimes are tried first.

    Raises:
        InputError and its kinds: the source cannot be used as a whole.
        BundleError, MissingDependencyError: the bundle cannot be used.
        ConfigurationError: another run is writing to the folder.
        StoreError: the ledger cannot be used, or belongs to another bundle.
        OutputError: a disk is full, or the cache cannot be used.
    """
    start = time.perf_counter()
    studies = {study.case_id: study for study in find_studies(options.source, options.regions)}
    with telling_which_disk(options), locked(options.out), opened_ledger(options) as ledger:
        bundle = load_bundle(options.bundle)
        runtime = begin(ledger, studies, bundle, options, on_self_test)
        ledger.release()
        from diagnosis.batch.local import score_here

        if ledger.counts()["waiting"] == 0:
            return conclude(ledger, bundle, options, time.perf_counter() - start)
        owner = f"{platform.node()[:24]}-{uuid.uuid4().hex[:12]}"
        score_here(ScoringJob(studies, ledger, bundle, options, runtime, owner), on_progress, start_reading)
        return conclude(ledger, bundle, options, time.perf_counter() - start)


def begin(
    ledger: Ledger,
    studies: Mapping[str, Study],
    bundle: Bundle,
    options: BatchOptions,
    on_self_test: OnProgress | None = None,
) -> str:
    """Take the studies into the ledger; returns the runtime that the run was begun with, which it keeps."""
    from diagnosis.batch.choice import choose_runtime

    runtime = ledger.runtime() or choose_runtime(options.runtime, bundle, len(studies), on_self_test)
    runtime = ledger.begin(bundle.sha256, runtime)
    ledger.add([(study.case_id, study.sha256) for study in studies.values()])
    if options.retries_failed:
        ledger.retry_failed()
    return runtime


def conclude(ledger: Ledger, bundle: Bundle, options: BatchOptions, seconds: float) -> Summary:
    """Write results, manifest and summary of a run that has ended."""
    from diagnosis.batch.summary import write_summary

    findings = [declared.name for declared in bundle.metadata.findings]
    write_results(ledger, findings, options.out)
    summary = _summary(ledger, seconds)
    manifest = _manifest(ledger, bundle, options, summary)
    write_summary(ledger, manifest, options.out)
    return summary


def _summary(ledger: Ledger, seconds: float) -> Summary:
    counts = ledger.counts()
    reasons: dict[str, int] = {}
    for entry in ledger.entries():
        if entry.reason is not None:
            reason = entry.reason.removeprefix(f"case {entry.case_id}: ")  # the same for all of a kind
            reasons[reason] = reasons.get(reason, 0) + 1
    ordered = dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
    return Summary(counts["done"], counts["failed"], seconds, ordered)


def _manifest(ledger: Ledger, bundle: Bundle, options: BatchOptions, summary: Summary) -> dict[str, Any]:
    return {
        "run_id": ledger.run_id,
        "diagnosis": __version__,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "processors": settings.thread_count(),
        "bundle": {"name": bundle.metadata.name, "version": bundle.metadata.version, "sha256": bundle.sha256},
        "preprocessing_version": bundle.metadata.preprocessing_version,
        "runtime": ledger.runtime(),
        "runtime_asked": options.runtime,
        "runtime_trials": _trials(bundle, options),
        "options": {
            "workers": options.workers,
            "time_limit_s": options.limits.seconds,
            "memory_limit_mib": options.limits.memory_mib,
            "repair": options.repair,
            "cache": options.uses_cache,
        },
        "studies": asdict(summary),
    }


def _trials(bundle: Bundle, options: BatchOptions) -> list[dict[str, Any]] | None:
    """What the self-test found, where the choice was left to it."""
    from diagnosis.batch.choice import remembered_trials

    trials = remembered_trials(bundle) if options.runtime == "auto" else None
    return None if trials is None else [asdict(trial) for trial in trials]


@contextmanager
def opened_ledger(options: BatchOptions) -> Iterator[Ledger]:
    """The ledger of the run in `out`; a new run where there is none.

    Raises:
        StoreError, ConfigurationError: its database cannot be used.
    """
    options.out.mkdir(parents=True, exist_ok=True)
    store = Store.open(options.ledger or str(options.out / "ledger.sqlite3"))
    try:
        yield Ledger(store, _run_id(options.out))
    finally:
        store.close()


def _run_id(out: Path) -> str:
    """Name of the run in this folder, made once."""
    path = out / "run_id"
    if not path.is_file():
        unfinished = out / f".run_id-{uuid.uuid4().hex}"
        unfinished.write_text(uuid.uuid4().hex, encoding="ascii")
        unfinished.replace(path)
    return path.read_text(encoding="ascii")


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the folder of the results; the lock goes with the process, however it ends."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = "batch: another run is writing to this folder; wait for it, or name another --out"
            raise ConfigurationError(msg) from error
        yield
