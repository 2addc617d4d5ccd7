"""The same scoring on many machines: one Ray actor a machine, all claiming from one ledger on PostgreSQL.

Ray places the actors and says when one is gone; the ledger alone says which study is whose. So no machine has to know
of another, a machine may join or leave at any time, and what a lost one held is claimed by those that remain. Source,
bundle and output lie on storage that all machines see under the same path.
"""

import os
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, final

from diagnosis.batch.local import score_here
from diagnosis.batch.run import BatchOptions, OnProgress, ScoringJob, Summary, begin, conclude, locked, opened_ledger
from diagnosis.batch.studies import Study, find_studies
from diagnosis.bundle.folder import load_bundle
from diagnosis.errors import ConfigurationError, DiagnosisError, MissingDependencyError
from diagnosis.store.database import Store
from diagnosis.store.ledger import Ledger

WAIT_S = 1.0
MOST_DEATHS = 5
"""A machine whose actor died this often is left out."""


@final
@dataclass(frozen=True)
class _Order:
    """What an actor is sent: all else it finds on the storage."""

    options: BatchOptions
    run_id: str
    runtime: str
    owner: str


@final
class Scorer:
    """One machine's share of the work; runs as a Ray actor."""

    def score(self, order: _Order) -> int:
        """Score what waits in the ledger until nothing does; returns the id of this process.

        Raises:
            DiagnosisError: the source, the bundle or the ledger cannot be used on this machine.
        """
        options = order.options
        studies = {study.case_id: study for study in find_studies(options.source, options.regions)}
        store = Store.open(options.ledger)
        try:
            ledger = Ledger(store, order.run_id)
            score_here(ScoringJob(studies, ledger, load_bundle(options.bundle), options, order.runtime, order.owner))
        finally:
            store.close()
        return os.getpid()


def run_batch_on_ray(options: BatchOptions, address: str | None, on_progress: OnProgress | None = None) -> Summary:
    """Score all studies of a source on a Ray cluster; otherwise as `run_batch`.

    Args:
        options: `ledger` is the URL of a PostgreSQL database that all machines reach.
        address: of the cluster; without it Ray is begun on this machine.
        on_progress: called with (done, all) studies.

    Raises:
        MissingDependencyError: Ray is not installed.
        ConfigurationError: the ledger is not on PostgreSQL, or no machine is left.
        InputError, BundleError, StoreError: as `run_batch`.
    """
    ray = _ray()
    if options.ledger is None or not options.ledger.startswith("postgres"):
        msg = "batch: the machines of a cluster share one ledger; name a PostgreSQL database with --ledger"
        raise ConfigurationError(msg)
    start = time.perf_counter()
    studies = {study.case_id: study for study in find_studies(options.source, options.regions)}
    with locked(options.out), opened_ledger(options) as ledger:
        bundle = load_bundle(options.bundle)
        runtime = begin(ledger, studies, bundle, options)
        ledger.release()
        if not ray.is_initialized():
            own = {"include_dashboard": False} if address is None else {}
            ray.init(address=address, log_to_driver=False, **own)
        _Driver(ray, options, ledger, runtime).run(studies, on_progress)
        return conclude(ledger, bundle, options, time.perf_counter() - start)


def _ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    try:
        import ray
    except ModuleNotFoundError as error:
        msg = "batch: Ray is not installed; run pip install 'diagnosis[ray]', or leave out --engine ray"
        raise MissingDependencyError(msg) from error
    module: ModuleType = ray
    return module


@final
class _Driver:
    """Keeps one actor on each machine while studies wait, and gives the claims of lost ones back."""

    def __init__(self, ray: Any, options: BatchOptions, ledger: Ledger, runtime: str) -> None:  # noqa: ANN401
        self._ray, self._options, self._ledger, self._runtime = ray, options, ledger, runtime
        self._at_work: dict[Any, tuple[str, str, Any]] = {}
        self._deaths: Counter[str] = Counter()

    def run(self, studies: Mapping[str, Study], on_progress: OnProgress | None) -> None:
        """Until every study is done or failed."""
        while True:
            counts = self._ledger.counts()
            if on_progress is not None:
                on_progress(counts["done"] + counts["failed"], len(studies))
            if counts["waiting"]:
                self._begin_on_free_machines()
            if not self._at_work and not self._ledger.release() and not counts["waiting"]:
                return
            finished, _ = self._ray.wait(list(self._at_work), timeout=WAIT_S) if self._at_work else ([], [])
            for reference in finished:
                self._end(reference)

    def _begin_on_free_machines(self) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        busy = {machine for machine, _, _ in self._at_work.values()}
        machines = {node["NodeID"]: node["Resources"] for node in self._ray.nodes() if node["Alive"]}
        usable = {m: has for m, has in machines.items() if has.get("CPU") and self._deaths[m] < MOST_DEATHS}
        if not usable:
            msg = "batch: no machine of the cluster is left that works; look at its logs, then start the run again"
            raise ConfigurationError(msg)
        for machine, has in usable.items():
            if machine in busy:
                continue
            owner = f"{machine[:24]}-{uuid.uuid4().hex[:12]}"
            actor = (
                self._ray.remote(Scorer)
                .options(
                    num_cpus=has["CPU"],
                    num_gpus=min(1, has.get("GPU", 0)),
                    scheduling_strategy=NodeAffinitySchedulingStrategy(machine, soft=False),
                )
                .remote()
            )
            order = _Order(self._options, self._ledger.run_id, self._runtime, owner)
            self._at_work[actor.score.remote(order)] = (machine, owner, actor)

    def _end(self, reference: Any) -> None:  # noqa: ANN401 - Ray's own type
        machine, owner, actor = self._at_work.pop(reference)
        try:
            self._ray.get(reference)
        except (self._ray.exceptions.RayActorError, self._ray.exceptions.ActorUnschedulableError):
            self._deaths[machine] += 1
            self._ledger.release(owner)
        except self._ray.exceptions.RayTaskError as error:
            # What the machine could not use is said in its own words, without those of Ray around them.
            if isinstance(error.cause, DiagnosisError):
                raise error.cause from error
            raise
        else:
            self._ray.kill(actor)
