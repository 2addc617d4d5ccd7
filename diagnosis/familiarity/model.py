"""The frozen alarm of a bundle: fitted once, saved as JSON, asked for each case."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, final

import numpy as np
import numpy.typing as npt
import torch

from diagnosis.familiarity.ct import CtFamiliarity, appearance, fit_ct, lung_share
from diagnosis.familiarity.text import (
    TextFamiliarity,
    fit_text,
    mean_state,
    says_nothing_of_a_nodule,
    states_of,
)
from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.networks.text_encoder import load_tokenizer
from diagnosis.networks.text_reader import TextReader
from diagnosis.preprocessing.batch import PreparedCase
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.record import Case

FEWEST_REGIONS = 40
"""With fewer regions a covariance and a 99th percentile mean nothing: no CT alarm is fitted."""


class ReferenceRegion(Protocol):
    """A region as training keeps it: HU around the field of view, and which voxels were scanned."""

    @property
    def hu(self) -> npt.NDArray[np.float16 | np.float32]:
        """HU (depth,height,width)."""

    @property
    def is_scanned(self) -> npt.NDArray[np.bool_]:
        """Which voxels were scanned, in the shape of `hu`."""


@final
@dataclass(frozen=True)
class FamiliarityModel:
    """How familiar a case is; a part that was not fitted never warns."""

    ct: CtFamiliarity | None
    text: TextFamiliarity | None

    def warnings(self, case: Case, prepared: PreparedCase, network: DiagnosisNetwork) -> tuple[str, ...]:
        """Sentences on what is unlike the training cases; they never stop an assessment."""
        found: list[str] = []
        if self.ct is not None and case.volume is not None and prepared.region is not None:
            found += self.ct.warnings(case.volume, prepared.region, case.region.diameter_mm if case.region else None)
        for name, text in (("note", prepared.note), ("transcript of the dictation", prepared.voice)):
            if text is None or self.text is None:
                continue
            found += self.text_warnings(name, states_of(text.ids, network.bert), network)
        return tuple(found)

    def text_warnings(self, name: str, states: torch.Tensor, network: DiagnosisNetwork) -> tuple[str, ...]:
        """Sentences on a text by the BERT's states of it, (1,token,bert)."""
        if self.text is None:
            return ()
        if self.text.is_unfamiliar(mean_state(states)):
            return (f"The {name} does not read like a clinical text in English; check that it is the right one.",)
        reader = network.classifiers()[0].text_reader
        if isinstance(reader, TextReader) and says_nothing_of_a_nodule(states, reader):
            return (f"Nothing about a nodule was read in the {name}; it can tell the model little.",)
        return ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "format": 1,
            "ct": self.ct.to_json() if self.ct else None,
            "text": self.text.to_json() if self.text else None,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The same from JSON.

        Raises:
            KeyError, TypeError, ValueError: another format, a field missing or of the wrong shape.
        """
        if data["format"] != 1:
            msg = "familiarity: the format is not 1"
            raise ValueError(msg)
        return cls(
            CtFamiliarity.from_json(data["ct"]) if data["ct"] else None,
            TextFamiliarity.from_json(data["text"]) if data["text"] else None,
        )


def fit_familiarity(
    regions: Sequence[tuple[str, ReferenceRegion]], network: DiagnosisNetwork, texts: Sequence[str], view: FieldOfView
) -> FamiliarityModel:
    """Fit on training regions and generated texts.

    Args:
        regions: (fold, region) of each training case with a CT.
        network: its frozen BERT reads the texts.
        texts: generated clinical texts; at most 300 of them are used.
        view: the network's field of view, on the regions' own grid.
    """
    ct = None
    if len(regions) >= FEWEST_REGIONS:
        statistics = np.stack([appearance(middle_of(r.hu.astype(np.float32), view.shape)) for _, r in regions])
        shares = np.array([share_around(r, view.spacing_mm[1]) for _, r in regions])
        ct = fit_ct(statistics, shares, [fold for fold, _ in regions])
    chosen = random.Random(3).sample(list(texts), min(300, len(texts)))  # noqa: S311 - not a secret
    text = fit_text(chosen, network.bert, load_tokenizer(network.config.text_encoder))
    return FamiliarityModel(ct, text)


def middle_of(hu: npt.NDArray[np.float32], shape: tuple[int, int, int]) -> npt.NDArray[np.float32]:
    """The block of a shape in the middle of a larger one, (depth,height,width)."""
    starts = [(n - m) // 2 for n, m in zip(hu.shape, shape, strict=True)]
    return hu[tuple(slice(s, s + m) for s, m in zip(starts, shape, strict=True))]


def share_around(region: ReferenceRegion, spacing_mm: float) -> float:
    """Lung around a training region, on a grid near that of `ct.SURROUNDINGS`."""
    step = max(1, round(2.8 / spacing_mm))
    hu = region.hu.astype(np.float32)[:, step // 2 :: step, step // 2 :: step]
    scanned = region.is_scanned[:, step // 2 :: step, step // 2 :: step]
    return lung_share(hu, scanned, step * spacing_mm)
