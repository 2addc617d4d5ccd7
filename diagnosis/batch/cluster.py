"""The same scoring on many machines: Ray actors that all claim from one ledger on PostgreSQL.

Ray places the actors and says when one is gone; the ledger alone says which study is whose. No machine has to know of
another, one may join or leave at any time, and what a lost one held is claimed by those that remain::

    driver ──order──> actor (a machine, or one of its graphics processors) ┐   claim, finish
       │              actor ...                                            ┼────────────────> ledger
       └── is an actor gone? its claims wait again ────────────────────────┘

Source, bundle and output lie on storage that all machines see under the same path; the program is installed on each.
"""

import os
import socket
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, final

from diagnosis import settings
from diagnosis.batch.full_disk import telling_which_disk
from diagnosis.batch.job import BatchOptions, ScoringJob
from diagnosis.batch.local import score_here
from diagnosis.batch.run import Summary, begin, conclude, locked, opened_ledger
from diagnosis.batch.studies import Study, find_studies
from diagnosis.bundle.folder import Bundle, load_bundle
from diagnosis.errors import ConfigurationError, DiagnosisError, MissingDependencyError
from diagnosis.progress import OnProgress
from diagnosis.store.database import Store
from diagnosis.store.ledger import Ledger

WAIT_S = 1.0
ANSWER_S = 10.0
MOST_DEATHS = 5
"""A machine whose actors died this often is left out."""
OBJECT_STORE_BYTES = 256 * 2**20
"""Of a Ray begun here: hardly anything goes through its store, studies are read where they are scored."""


@final
@dataclass(frozen=True)
class Order:
    """What an actor is sent: all else it finds on the storage.

    Attributes:
        options: of the run, with the reading processes of this actor.
        run_id, runtime: as the run was begun.
        owner: the name under which it claims studies.
    """

    options: BatchOptions
    run_id: str
    runtime: str
    owner: str


@final
class Scorer:
    """One machine's share of the work, or that of one of its graphics processors; runs as a Ray actor."""

    def __init__(self) -> None:
        self._bundle: Bundle | None = None
        self._studies: Mapping[str, Study] = {}

    def score(self, order: Order) -> None:
        """Score what waits in the ledger until nothing does; the bundle and the list of studies are read once.

        Raises:
            DiagnosisError: the source, the bundle or the ledger cannot be used on this machine.
        """
        options = order.options
        if self._bundle is None:
            self._studies = {study.case_id: study for study in find_studies(options.source, options.regions)}
            self._bundle = load_bundle(options.bundle)
        store = Store.open(options.ledger)
        try:
            ledger = Ledger(store, order.run_id)
            score_here(ScoringJob(self._studies, ledger, self._bundle, options, order.runtime, order.owner))
        finally:
            store.close()


def run_batch_on_ray(
    options: BatchOptions,
    address: str | None,
    on_progress: OnProgress | None = None,
    on_self_test: OnProgress | None = None,
) -> Summary:
    """Score all studies of a source on a Ray cluster; otherwise as `run_batch`.

    Args:
        options: `ledger` is the URL of a PostgreSQL database that all machines reach.
        address: of the cluster, `HOST:PORT` or `auto`; without it Ray is begun on this machine, and ended with the run.
        on_progress: called with (done, all) studies.
        on_self_test: called with (done, all) steps where runtimes are tried first, on this machine.

    Raises:
        MissingDependencyError: Ray is not installed.
        ConfigurationError: the ledger is not on PostgreSQL; the cluster does not answer, or no machine of it is left.
        InputError, BundleError, StoreError, OutputError: as `run_batch`.
    """
    if options.ledger is None or not options.ledger.startswith("postgres"):
        msg = (
            "batch: the machines of a cluster share one ledger; name a PostgreSQL database with --ledger or "
            "DIAGNOSIS_LEDGER"
        )
        raise ConfigurationError(msg)
    ray = _ray()
    start = time.perf_counter()
    options = _with_whole_paths(options)
    studies = {study.case_id: study for study in find_studies(options.source, options.regions)}
    with telling_which_disk(options), locked(options.out), opened_ledger(options) as ledger:
        bundle = load_bundle(options.bundle)
        runtime = begin(ledger, studies, bundle, options, on_self_test)
        ledger.release()
        if ledger.counts()["waiting"]:
            is_ours = _connect(ray, address)
            try:
                _Driver(ray, options, ledger, runtime).run(on_progress)
            finally:
                if is_ours:
                    ray.shutdown()
        return conclude(ledger, bundle, options, time.perf_counter() - start)


def _with_whole_paths(options: BatchOptions) -> BatchOptions:
    """Actors work in another folder than this process."""
    return replace(
        options,
        source=options.source.resolve(),
        bundle=options.bundle.resolve(),
        out=options.out.resolve(),
        regions=None if options.regions is None else options.regions.resolve(),
        cache=None if options.cache is None else options.cache.resolve(),
    )


def _ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    try:
        import ray
    except ModuleNotFoundError as error:
        msg = 'batch: Ray is not installed; run pip install ".[ray]", or leave out --engine ray'
        raise MissingDependencyError(msg) from error
    module: ModuleType = ray
    return module


def _connect(ray: Any, address: str | None) -> bool:  # noqa: ANN401 - Ray states no types
    """Join the cluster, or begin one here; whether this process has to end the connection."""
    if ray.is_initialized():
        return False
    if address is not None and address != "auto":
        _require_answer(address)
    here = {"num_cpus": settings.thread_count(), "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **({} if address else here))
    except (ConnectionError, ValueError, RuntimeError) as error:
        msg = (
            f"batch: no Ray cluster begins or answers at {address or 'this machine'}; begin one with `ray start --head`"
        )
        raise ConfigurationError(msg) from error
    return True


def _require_answer(address: str) -> None:
    """Ray itself would wait for minutes at an address where nobody is."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        msg = f"batch: the address {address!r} of the cluster is not HOST:PORT or auto; correct --address"
        raise ConfigurationError(msg)
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_S).close()
    except (OSError, OverflowError) as error:
        msg = f"batch: no Ray cluster answers at {address}; begin one with `ray start --head`, or correct --address"
        raise ConfigurationError(msg) from error


@final
@dataclass(frozen=True, eq=False)
class _Seat:
    """A place where an actor works."""

    machine: str
    actor: Any
    order: Order


@final
class _Driver:
    """Keeps actors on all machines while studies wait, and gives the claims of lost ones back."""

    def __init__(self, ray: Any, options: BatchOptions, ledger: Ledger, runtime: str) -> None:  # noqa: ANN401
        self._ray, self._options, self._ledger, self._runtime = ray, options, ledger, runtime
        self._at_work: dict[Any, _Seat] = {}
        self._idle: list[_Seat] = []
        self._deaths: Counter[str] = Counter()

    def run(self, on_progress: OnProgress | None) -> None:
        """Until every study is done or failed."""
        try:
            while True:
                counts = self._ledger.counts()
                if on_progress is not None:
                    on_progress(counts["done"] + counts["failed"], sum(counts.values()))
                if counts["waiting"]:
                    self._seat_all()
                elif not self._at_work and not self._ledger.release():
                    return
                if self._at_work:
                    finished, _ = self._ray.wait(list(self._at_work), timeout=WAIT_S)
                    for reference in finished:
                        self._end(reference)
        finally:
            for seat in [*self._at_work.values(), *self._idle]:
                self._ray.kill(seat.actor)

    def _seat_all(self) -> None:
        """Let idle actors go on, and begin one on each machine, or graphics processor, that has none."""
        for seat in self._idle:
            self._let_score(seat)
        self._idle.clear()
        machines = {node["NodeID"]: node["Resources"] for node in self._ray.nodes() if node["Alive"]}
        usable = {m: has for m, has in machines.items() if has.get("CPU") and self._deaths[m] < MOST_DEATHS}
        if not usable:
            msg = "batch: no machine of the cluster is left that works; look at its logs, then start the run again"
            raise ConfigurationError(msg)
        taken = Counter(seat.machine for seat in self._at_work.values())
        for machine, has in usable.items():
            n_graphics = int(has.get("GPU", 0))
            n_seats = max(1, n_graphics)
            for _ in range(n_seats - taken[machine]):
                self._let_score(self._begin(machine, max(1, int(has["CPU"] / n_seats)), min(1, n_graphics)))

    def _let_score(self, seat: _Seat) -> None:
        self._at_work[seat.actor.score.remote(seat.order)] = seat

    def _begin(self, machine: str, n_processors: int, n_graphics: int) -> _Seat:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        where = NodeAffinitySchedulingStrategy(machine, soft=False)
        made: Any = self._ray.remote(Scorer)
        actor = made.options(num_cpus=n_processors, num_gpus=n_graphics, scheduling_strategy=where).remote()
        owner = f"{machine[:24]}-{uuid.uuid4().hex[:12]}"
        options = replace(self._options, workers=self._options.workers or n_processors)
        return _Seat(machine, actor, Order(options, self._ledger.run_id, self._runtime, owner))

    def _end(self, reference: Any) -> None:  # noqa: ANN401 - Ray states no types
        seat = self._at_work.pop(reference)
        errors = self._ray.exceptions
        try:
            self._ray.get(reference)
        except (errors.RayActorError, errors.ActorUnschedulableError):
            # Gone, or out of reach: should it come back, the ledger takes nothing from it any more.
            self._deaths[seat.machine] += 1
            self._ray.kill(seat.actor)
            self._ledger.release(seat.order.owner)
        except errors.RayTaskError as error:
            # What the machine could not use is said in its own words, without those of Ray around them.
            if isinstance(error.cause, DiagnosisError):
                raise error.cause from error
            raise
        else:
            self._idle.append(seat)
