"""The nearest nodules of a case."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from diagnosis.errors import CaseError
from diagnosis.retrieval.index import IndexedNodule, NoduleIndex
from diagnosis.retrieval.libraries import Searcher, build
from diagnosis.vocabulary import MODALITIES, Modality

EXACT_UP_TO = 20_000
"""Vectors that NumPy compares with a query in well under a millisecond; above, they are put into cells."""
LIBRARY = "faiss-ivf"
"""Chosen by measurement: a million vectors are ready in seconds, where graphs take minutes; see the room's README."""
EFFORT = 16
"""Cells that are searched whole; at a million vectors recall@10 is above 0.95 with half of them."""
Parts = frozenset[Modality]
ALL: Parts = frozenset(MODALITIES)


@final
@dataclass(frozen=True)
class SimilarNodule:
    """A nodule of the index and its similarity to the case: a cosine, 1 for the same direction."""

    nodule: IndexedNodule
    similarity: float


def joined(embeddings: npt.NDArray[np.float32], parts: Parts) -> npt.NDArray[np.float32]:
    """(row,embed) unit vectors: mean direction of some parts of (row,modality,embed); zero where none is there."""
    kept = np.array([m in parts for m in MODALITIES])
    total = embeddings[:, kept].sum(axis=1)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.where(length > 0, length, 1), dtype=np.float32)


@final
class NoduleSearch:
    """Searches one index by and in any kinds of evidence; what it built is kept for the next query."""

    def __init__(self, index: NoduleIndex) -> None:
        self.index = index
        self._built: dict[Parts, tuple[Searcher, npt.NDArray[np.int64]]] = {}

    def similar(
        self, case: npt.NDArray[np.float32], by: Parts = ALL, among: Parts = ALL, count: int = 5
    ) -> tuple[SimilarNodule, ...]:
        """The nearest nodules, nearest first.

        Args:
            case: (modality,embed) of the case, zeros where a part is absent.
            by: parts of the case to search by; those that are absent are left out.
            among: parts of the index's nodules to search in; nodules without any are left out.
            count: how many.

        Raises:
            CaseError: the case has none of the parts to search by, or the index none of those to search in.
        """
        query = joined(case[None], by)[0]
        if not query.any():
            msg = f"similar: the case has no {_named(by)} to search by; name another part with --by"
            raise CaseError(msg)
        searcher, rows = self._searcher(among)
        if len(rows) == 0:
            msg = f"similar: the index has no {_named(among)} to search in; name another part with --in"
            raise CaseError(msg)
        vectors = joined(self.index.embeddings, among)
        nearest = searcher.search(query, min(count, len(rows)), EFFORT)
        found = rows[nearest[nearest >= 0]]  # the cells that are searched may hold fewer than are wanted
        return tuple(SimilarNodule(self.index.nodules[i], float(vectors[i] @ query)) for i in found)

    def _searcher(self, among: Parts) -> tuple[Searcher, npt.NDArray[np.int64]]:
        if among not in self._built:
            vectors = joined(self.index.embeddings, among)
            rows = np.flatnonzero(vectors.any(axis=1))
            library = "exact" if len(rows) <= EXACT_UP_TO else LIBRARY
            self._built[among] = (build(library, vectors[rows]), rows)
        return self._built[among]


def _named(parts: Parts) -> str:
    return " or ".join(m.value for m in MODALITIES if m in parts)
