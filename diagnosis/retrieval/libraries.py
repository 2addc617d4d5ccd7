"""Libraries for nearest neighbors behind one shape: built from vectors, searched one query at a time, with one knob.

Vectors have unit length, so that the inner product is the cosine and the nearest has the highest.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from diagnosis.errors import ConfigurationError, MissingDependencyError

Vectors = npt.NDArray[np.float32]
Found = npt.NDArray[np.int64]

LINKS, BUILD_EFFORT = 16, 100
"""Of every graph index here: neighbors kept of a vector, and candidates looked at while building."""


@final
@dataclass(frozen=True)
class Searcher:
    """A built index.

    Attributes:
        search: (query (dim,), how many, effort) to row numbers, nearest first; `effort` is the library's own knob.
        efforts: settings of the knob, cheapest first; one entry where there is nothing to set.
        detail: how it was built, in words.
    """

    search: Callable[[Vectors, int, int], Found]
    efforts: tuple[int, ...]
    detail: str


GRAPH_EFFORTS = (16, 32, 64, 128, 256, 512)


def _require(package: str, module: str) -> Any:  # noqa: ANN401 - a module
    import importlib

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        msg = f"search: the package {package} is not installed; run pip install {package}, or choose `exact`"
        raise MissingDependencyError(msg) from error


def exact(vectors: Vectors) -> Searcher:
    """All inner products by NumPy: no error, no package, and fast up to some ten thousand vectors."""

    def search(query: Vectors, count: int, _effort: int) -> Found:
        similarity = vectors @ query
        count = min(count, len(vectors))
        best = np.argpartition(-similarity, count - 1)[:count]
        return np.asarray(best[np.argsort(-similarity[best], kind="stable")], dtype=np.int64)

    return Searcher(search, (0,), "every vector, float32")


def usearch(vectors: Vectors, dtype: str = "f16") -> Searcher:
    """USearch: a graph (HNSW) over half-precision vectors."""
    module = _require("usearch", "usearch.index")
    index = module.Index(
        ndim=vectors.shape[1], metric="ip", dtype=dtype, connectivity=LINKS, expansion_add=BUILD_EFFORT
    )
    index.add(np.arange(len(vectors), dtype=np.uint64), vectors, threads=1)

    def search(query: Vectors, count: int, effort: int) -> Found:
        index.expansion_search = effort
        return np.asarray(index.search(query, count, threads=1).keys, dtype=np.int64)

    return Searcher(search, GRAPH_EFFORTS, f"HNSW, {LINKS} links, {dtype}")


def hnswlib(vectors: Vectors) -> Searcher:
    """The HNSW authors' own library."""
    module = _require("hnswlib", "hnswlib")
    index = module.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=BUILD_EFFORT, M=LINKS)
    index.set_num_threads(1)
    index.add_items(vectors, num_threads=1)

    def search(query: Vectors, count: int, effort: int) -> Found:
        index.set_ef(max(effort, count))
        return np.asarray(index.knn_query(query, k=count, num_threads=1)[0][0], dtype=np.int64)

    return Searcher(search, GRAPH_EFFORTS, f"HNSW, {LINKS} links, float32")


def _faiss() -> Any:  # noqa: ANN401 - a module
    module = _require("faiss-cpu", "faiss")
    module.omp_set_num_threads(1)
    return module


def faiss_graph(vectors: Vectors) -> Searcher:
    """FAISS: a graph over the vectors as they are."""
    module = _faiss()
    index = module.IndexHNSWFlat(vectors.shape[1], LINKS, module.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = BUILD_EFFORT
    index.add(vectors)

    def search(query: Vectors, count: int, effort: int) -> Found:
        index.hnsw.efSearch = effort
        return np.asarray(index.search(query[None], count)[1][0], dtype=np.int64)

    return Searcher(search, GRAPH_EFFORTS, f"HNSW, {LINKS} links, float32")


def faiss_cells(vectors: Vectors) -> Searcher:
    """FAISS: vectors in cells, of which the nearest are searched whole."""
    module = _faiss()
    n_cells = max(1, int(np.sqrt(len(vectors))))
    quantizer = module.IndexFlatIP(vectors.shape[1])
    index = module.IndexIVFFlat(quantizer, vectors.shape[1], n_cells, module.METRIC_INNER_PRODUCT)
    index.train(vectors[:: max(1, len(vectors) // (64 * n_cells))])
    index.add(vectors)

    def search(query: Vectors, count: int, effort: int) -> Found:
        index.nprobe = effort
        return np.asarray(index.search(query[None], count)[1][0], dtype=np.int64)

    return Searcher(search, (1, 2, 4, 8, 16, 32, 64, 128, 256), f"IVF, {n_cells} cells, float32")


def lancedb(vectors: Vectors) -> Searcher:
    """LanceDB: a table on disk with an index of cells over graphs."""
    module = _require("lancedb", "lancedb")
    pyarrow = _require("pyarrow", "pyarrow")
    folder = tempfile.TemporaryDirectory()
    flat = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), vectors.shape[1])
    rows = pyarrow.table({"row": np.arange(len(vectors)), "vector": flat})
    table = module.connect(folder.name).create_table("nodules", rows)
    is_indexed = len(vectors) >= 10_000  # its own advice: below, it searches all
    if is_indexed:
        table.create_index(metric="dot", index_type="IVF_HNSW_SQ", num_partitions=max(1, len(vectors) // 100_000))

    def search(query: Vectors, count: int, effort: int) -> Found:
        asked = table.search(query).distance_type("dot")
        if is_indexed:
            asked = asked.nprobes(20).ef(effort)
        found = asked.limit(count).select(["row", "_distance"]).to_arrow()
        return np.asarray(found["row"].to_numpy(), dtype=np.int64)

    search.folder = folder  # type: ignore[attr-defined] # lives as long as the index
    return Searcher(search, GRAPH_EFFORTS, "table on disk, cells of HNSW, 8 bit" if is_indexed else "table on disk")


LIBRARIES: dict[str, Callable[[Vectors], Searcher]] = {
    "exact": exact,
    "usearch": usearch,
    "hnswlib": hnswlib,
    "faiss-hnsw": faiss_graph,
    "faiss-ivf": faiss_cells,
    "lancedb": lancedb,
}


def build(library: str, vectors: Vectors) -> Searcher:
    """Build one library's index.

    Raises:
        ConfigurationError: an unknown library.
        MissingDependencyError: its package is not installed.
    """
    if library not in LIBRARIES:
        msg = f"search: library {library!r} is not known; use one of {', '.join(LIBRARIES)}"
        raise ConfigurationError(msg)
    return LIBRARIES[library](np.ascontiguousarray(vectors, dtype=np.float32))
