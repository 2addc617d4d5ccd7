"""Which library finds neighbors best: recall against exact search, time, memory, from a thousand vectors to a million.

Each library is built and searched on one thread in a process of its own, so that its memory is its own. The vectors are
drawn from a normal distribution with the mean and covariance of the real embeddings, and scaled to unit length: as many
as wanted, and as close to one another as real ones. Queries are drawn likewise and are none of the vectors. The knob of
a library is turned up on one set of queries until recall@10 reaches `WANTED_RECALL`, then everything is measured on
another.
"""

import ctypes
import gc
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import Any, final

import numpy as np
import numpy.typing as npt

from diagnosis.retrieval.libraries import Found, Searcher, Vectors, build

WANTED_RECALL = 0.95
N_NEIGHBORS = 10
N_TUNING, N_QUERIES = 200, 1000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
_PILOT, _CORRECTIONS = 20_000, 12
_CHUNK = 100_000


@final
@dataclass(frozen=True)
class Measured:
    """One library at one size.

    Attributes:
        library, detail: which, and how it was built.
        size: vectors.
        effort: setting of its knob.
        recall_at_10: share of the ten nearest by exact search that it finds.
        build_s: processor seconds to build the index.
        p50_ms, p95_ms: of a query.
        memory_mb: resident memory that the index added to its process, its copy of the vectors included.
    """

    library: str
    detail: str
    size: int
    effort: int
    recall_at_10: float
    build_s: float
    p50_ms: float
    p95_ms: float
    memory_mb: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def like_embeddings(embeddings: Vectors, count: int, seed: int) -> Vectors:
    """`count` unit vectors with the mean and covariance of some embeddings (row,dim).

    A normal draw that is brought to unit length is no longer spread as it was drawn; what to draw from is found by
    correcting it a few times on a pilot.
    """
    wanted_mean, wanted = embeddings.mean(axis=0), np.cov(embeddings.T)
    pilot = np.random.default_rng(seed + 1).standard_normal((_PILOT, embeddings.shape[1]))
    mean, spread = wanted_mean, _root_of(wanted)
    for _ in range(_CORRECTIONS):
        made = _unit(pilot @ spread.T + mean)
        spread = _root_of(wanted) @ np.linalg.inv(_root_of(np.cov(made.T))) @ spread
        mean = mean + wanted_mean - made.mean(axis=0)
    rng = np.random.default_rng(seed)
    drawn = np.empty((count, embeddings.shape[1]), np.float32)
    for start in range(0, count, _CHUNK):
        part = drawn[start : start + _CHUNK]
        part[:] = _unit(rng.standard_normal(part.shape, dtype=np.float32) @ spread.T + mean)
    return drawn


def _unit(vectors: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _root_of(covariance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The symmetric root of a covariance, a little widened where it is flat."""
    values, axes = np.linalg.eigh(covariance + 1e-6 * np.eye(len(covariance)))
    return np.asarray((axes * np.sqrt(np.maximum(values, 0))) @ axes.T)


def exact_neighbors(vectors: Vectors, queries: Vectors, count: int = N_NEIGHBORS) -> npt.NDArray[np.int64]:
    """(query,count) row numbers by all inner products, block by block."""
    best = np.full((len(queries), 0), -1, np.int64)
    scores = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(vectors), _CHUNK):
        similarity = queries @ vectors[start : start + _CHUNK].T
        kept = np.argpartition(-similarity, min(count, similarity.shape[1]) - 1, axis=1)[:, :count]
        best = np.concatenate([best, kept + start], axis=1)
        scores = np.concatenate([scores, np.take_along_axis(similarity, kept, axis=1)], axis=1)
    order = np.argsort(-scores, axis=1)[:, :count]
    return np.take_along_axis(best, order, axis=1)


def recall(found: list[Found], true: npt.NDArray[np.int64]) -> float:
    """Share of the true neighbors, (query,neighbor), that were found."""
    hits = [len(set(f.tolist()) & set(t.tolist())) for f, t in zip(found, true, strict=True)]
    return float(np.sum(hits) / true.size)


def measure(library: str, embeddings: Vectors, size: int, seed: int = 0) -> Measured:
    """Build and search one library at one size, in a process of its own.

    Raises:
        ConfigurationError: an unknown library.
        MissingDependencyError: its package is not installed.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure, library, embeddings, size, seed).result()


def _measure(library: str, embeddings: Vectors, size: int, seed: int) -> Measured:
    vectors = like_embeddings(embeddings, size, seed)
    build(library, vectors[:2000])  # its code is loaded before memory is counted
    before_mb = _resident_mb()
    start = time.process_time()
    searcher = build(library, vectors)
    build_s = time.process_time() - start
    own_mb = vectors.nbytes / 2**20 if library == "exact" else 0.0  # it searches the vectors that were handed in
    memory_mb = _resident_mb() - before_mb + own_mb
    queries = like_embeddings(embeddings, N_TUNING + N_QUERIES, seed + 1)
    true = exact_neighbors(vectors, queries)
    effort = _tuned(searcher, queries[:N_TUNING], true[:N_TUNING])
    found, seconds = [], []
    for query in queries[N_TUNING:]:
        start = time.perf_counter()
        found.append(searcher.search(query, N_NEIGHBORS, effort))
        seconds.append(time.perf_counter() - start)
    p50, p95 = np.percentile(np.array(seconds) * 1000, [50, 95])
    share = recall(found, true[N_TUNING:])
    return Measured(library, searcher.detail, size, effort, share, build_s, float(p50), float(p95), memory_mb)


def _tuned(searcher: Searcher, queries: Vectors, true: npt.NDArray[np.int64]) -> int:
    """The cheapest setting that reaches the wanted recall, or the dearest."""
    for effort in searcher.efforts:
        if recall([searcher.search(q, N_NEIGHBORS, effort) for q in queries], true) >= WANTED_RECALL:
            return effort
    return searcher.efforts[-1]


def _resident_mb() -> float:
    """Resident memory of this process, in MiB, after what was freed is given back to the system."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc; elsewhere freed memory may hide some of an index
    if trim is not None:
        trim(0)
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a file of the kernel
            return int(statm.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
