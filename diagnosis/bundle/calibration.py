"""Calibration and conformal threshold for each finding and each subset of {CT, note, voice}.

A probability that is right on average when everything is present is wrong when the CT is missing: each subset has its
own. `fallback` serves a subset that was never calibrated, with a warning to the reader.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, final

from diagnosis.evaluation.calibration import Calibrator
from diagnosis.evaluation.conformal import ConformalThreshold


@final
@dataclass(frozen=True)
class SubsetCalibration:
    """What turns one finding's logit into a probability and a prediction set, for one subset of modalities."""

    calibrator: Calibrator
    conformal: ConformalThreshold | None = None


@final
@dataclass(frozen=True)
class SubsetCalibrations:
    """All of a bundle, by finding and by subset name (`ct+note`)."""

    by_finding: Mapping[str, Mapping[str, SubsetCalibration]]

    def of(self, finding: str, subset: str) -> SubsetCalibration | None:
        """The calibration of one finding on one subset, or None where it was never made."""
        return self.by_finding.get(finding, {}).get(subset)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            finding: {
                subset: {
                    "calibrator": entry.calibrator.to_json(),
                    "conformal": entry.conformal.to_json() if entry.conformal else None,
                }
                for subset, entry in subsets.items()
            }
            for finding, subsets in self.by_finding.items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The same from JSON.

        Raises:
            KeyError, ValueError: a field is missing or out of range.
        """
        return cls(
            {
                finding: {
                    subset: SubsetCalibration(
                        Calibrator.from_json(entry["calibrator"]),
                        ConformalThreshold.from_json(entry["conformal"]) if entry.get("conformal") else None,
                    )
                    for subset, entry in subsets.items()
                }
                for finding, subsets in data.items()
            }
        )
