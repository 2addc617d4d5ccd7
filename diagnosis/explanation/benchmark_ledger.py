"""What a benchmark of explanations has measured: one line a map, kept as it goes, so that a stopped run continues."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, final

import numpy as np

from diagnosis.errors import InputError

Table = dict[str, dict[str, dict[str, float | None]]]
FIGURES = ("pointing_game", "mass_inside", "deletion_beats_random", "completeness_gap", "seconds", "peak_mb")
"""Figures of the published form; the others stand beside them in what is printed."""


@final
@dataclass(frozen=True)
class Row:
    """Figures of one map.

    Attributes:
        cohort: of the case.
        case: its name within the cohort.
        method: how the map was made.
        is_hit: whether the densest spot, or the strongest word, lies in the truth.
        mass_inside: share of the absolute attribution in the truth.
        beats_random: whether deleting in the map's order lowers the logit faster than in random orders.
        seconds: wall time of the map.
        completeness_gap: None where the method promises none.
        peak_mb: largest memory of the process above the start; None where the system does not say.
        randomization_correlation: with maps of random networks; None where it was not made.
        shapley_credit: share of the only part that tells; None where there is no such part.
    """

    cohort: str
    case: str
    method: str
    is_hit: bool
    mass_inside: float
    beats_random: bool
    seconds: float
    completeness_gap: float | None = None
    peak_mb: float | None = None
    randomization_correlation: float | None = None
    shapley_credit: float | None = None


@final
class Ledger:
    """Rows in the order in which they were measured, and the file that they are appended to."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.rows: list[Row] = []

    @classmethod
    def open(cls, path: Path, made_with: dict[str, Any]) -> Self:
        """Start a file, or go on with the one that is there; a line that was cut off by a stop is measured again.

        Args:
            path: JSON lines; the first says what the rows were made with.
            made_with: bundle, seed and all else on which a row depends.

        Raises:
            InputError: the file was made with something else, or is none of this kind.
        """
        ledger = cls(path)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(made_with) + "\n", encoding="utf-8")
            return ledger
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        try:
            first, *lines = [json.loads(line) for line in whole.splitlines()]
            ledger.rows = [Row(**line) for line in lines]
        except (ValueError, TypeError) as error:
            msg = f"benchmark: {path} does not hold rows of this benchmark; name another file with --out"
            raise InputError(msg) from error
        if first != made_with:
            msg = (
                f"benchmark: the rows in {path} were measured with another bundle or seed; name another file with "
                "--out, or delete it"
            )
            raise InputError(msg)
        if whole != text:
            path.write_text(whole, encoding="utf-8")
        return ledger

    def add(self, row: Row) -> None:
        """Keep a row, on the disk too."""
        self.rows.append(row)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row)) + "\n")

    def has(self, cohort: str, case: str, method: str) -> bool:
        """Whether this map was measured before."""
        return any((r.cohort, r.case, r.method) == (cohort, case, method) for r in self.rows)

    def table(self) -> Table:
        """All figures: those of `FIGURES`, `randomization_correlation`, `shapley_credit` and `n_cases`."""
        groups: dict[str, dict[str, list[Row]]] = {}
        for row in self.rows:
            groups.setdefault(row.cohort, {}).setdefault(row.method, []).append(row)
        return {
            cohort: {method: _figures(rows) for method, rows in methods.items()} for cohort, methods in groups.items()
        }


def published(table: Table) -> Table:
    """The table in the published form: `FIGURES` and nothing else."""
    return {
        cohort: {method: {name: figures[name] for name in FIGURES} for method, figures in methods.items()}
        for cohort, methods in table.items()
    }


def _figures(rows: list[Row]) -> dict[str, float | None]:
    gaps = [row.completeness_gap for row in rows if row.completeness_gap is not None]
    peaks = [row.peak_mb for row in rows if row.peak_mb is not None]
    return {
        "pointing_game": float(np.mean([row.is_hit for row in rows])),
        "mass_inside": float(np.mean([row.mass_inside for row in rows])),
        "deletion_beats_random": float(np.mean([row.beats_random for row in rows])),
        "completeness_gap": max(gaps) if gaps else None,
        "seconds": float(np.median([row.seconds for row in rows])),
        "peak_mb": max(peaks) if peaks else None,
        "randomization_correlation": _mean([row.randomization_correlation for row in rows]),
        "shapley_credit": _mean([row.shapley_credit for row in rows]),
        "n_cases": float(len(rows)),
    }


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
