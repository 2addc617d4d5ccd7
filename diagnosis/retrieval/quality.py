"""How well a search across kinds of evidence finds the same nodule again: recall at k, beside chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

KS = (1, 5, 10)


@final
@dataclass(frozen=True)
class Recall:
    """Recall of the one right item in a gallery.

    Attributes:
        at: k to the share of queries whose own item is among the k nearest; ties count by their mean rank.
        median_rank: of the own item, 1 is best.
        n_queries, n_gallery: how many of each.
    """

    at: Mapping[int, float]
    median_rank: float
    n_queries: int
    n_gallery: int

    def times_chance(self, k: int) -> float:
        """Recall at k over what guessing gives."""
        return self.at[k] * self.n_gallery / min(k, self.n_gallery)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, with chance."""
        return {
            "at": {str(k): round(v, 4) for k, v in self.at.items()},
            "chance": {str(k): round(k / self.n_gallery, 5) for k in self.at},
            "times_chance": {str(k): round(self.times_chance(k), 2) for k in self.at},
            "median_rank": self.median_rank,
            "n_queries": self.n_queries,
            "n_gallery": self.n_gallery,
        }


def recall_of(similarity: npt.NDArray[np.floating[Any]], own: npt.NDArray[np.integer[Any]]) -> Recall:
    """Recall of a (query,gallery) table of similarities, in which query i belongs to column `own[i]`."""
    target = similarity[np.arange(len(own)), own][:, None]
    ahead = (similarity > target).sum(axis=1)
    level = (similarity == target).sum(axis=1) - 1
    ranks = 1 + ahead + level / 2
    return Recall({k: float((ranks <= k).mean()) for k in KS}, float(np.median(ranks)), len(ranks), similarity.shape[1])


def pair_likelihood(
    queries: npt.NDArray[np.float64],
    gallery: npt.NDArray[np.float64],
    pairs: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
) -> npt.NDArray[np.float64]:
    """Log likelihood ratio that two descriptions are of one nodule, for normal variables fitted on known pairs.

    The best that can be done with means and covariances, for a reference of what descriptions themselves allow.

    Args:
        queries: (query,value).
        gallery: (item,value).
        pairs: (pair,value) twice: how first and second readers described the same nodules.
    """
    centers = tuple(side.mean(axis=0) for side in pairs)
    n = queries.shape[1]
    joined = np.concatenate([pairs[0] - centers[0], pairs[1] - centers[1]], axis=1)
    covariance = np.cov(joined.T) + 1e-3 * np.eye(2 * n)
    together = np.linalg.inv(covariance)
    left = np.linalg.inv(covariance[:n, :n]) - together[:n, :n]
    right = np.linalg.inv(covariance[n:, n:]) - together[n:, n:]
    x, y = queries - centers[0], gallery - centers[1]
    own = 0.5 * (np.einsum("qi,ij,qj->q", x, left, x)[:, None] + np.einsum("gi,ij,gj->g", y, right, y)[None])
    return np.asarray(own - x @ together[:n, n:] @ y.T)
