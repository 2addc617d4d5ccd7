"""Where the truth is known: synthetic patients whose lesion one part alone shows or tells, and outlined nodules.

The region is never centered on its lesion: its center is moved at random, so that a map which always points at the
middle is found out (the benchmark measures such a map beside the others).

For the synthetic cohorts a small network is trained on the spot, for a minute, to answer whether there is a lesion,
where one part alone can tell. What a good explanation of that network must say is then known, and does not depend on
what the shipped model has learned.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch

from diagnosis.errors import InputError
from diagnosis.explanation.counterfactual import text_of
from diagnosis.explanation.words import sentence_spans
from diagnosis.networks.classifier import DiagnosisNetwork, NetworkConfig
from diagnosis.networks.fusion import FusionConfig
from diagnosis.networks.model_input import ModelInput
from diagnosis.networks.text_encoder import load_tokenizer
from diagnosis.networks.text_reader import TextReaderConfig
from diagnosis.networks.volume_encoder import VolumeEncoderConfig
from diagnosis.phantom.case import PhantomCase, make_phantom
from diagnosis.phantom.draw import draw_spec
from diagnosis.phantom.narrative import write_reading
from diagnosis.preprocessing.batch import InputContract, prepare_case, stack_cases
from diagnosis.progress import OnProgress, OpenBar
from diagnosis.record import (
    Case,
    ClinicalNote,
    RegionOfInterest,
    SpeechSegment,
    VoiceNote,
    Volume,
    Word,
)
from diagnosis.vocabulary import MODALITIES, Modality

SHIFT_MM = 5.0
"""Largest shift of a region's center from its lesion, in the plane; across it, one millimeter."""
N_TRAINING_PATIENTS = 12
N_VIEWS = 12
"""Regions with the lesion, and as many without, of each training patient."""
KEPT_MM = 60.0
"""Half a side of what is kept of a chest around its lesion: well beyond the field of view."""
FARTHEST_MM = 25.0
"""A region without the lesion lies at least this far from it."""
STEPS = {Modality.CT: 480, Modality.NOTE: 320, Modality.VOICE: 320}
"""Of training. Words are learned first; after 320 steps a lesion in the CT is still missed at times, and the other
parts have 7 % of the credit."""
BATCH = 32
PRESENT = 0.7
"""Share of the training steps in which a part is there."""
Span = tuple[int, int]


@final
@dataclass(frozen=True, eq=False)
class KnownCase:
    """A case with what an explanation of it must point at.

    Attributes:
        case: the evidence.
        lesion: mask of the lesion on the CT's grid, 0 or 1, or None.
        told: characters of note or transcript that tell of the lesion, where a text does.
    """

    case: Case
    lesion: Volume | None = None
    told: tuple[Span, ...] = ()


@final
@dataclass(frozen=True, eq=False)
class PlantedPatient:
    """A synthetic chest with its lesion, from which many regions and texts are taken."""

    phantom: PhantomCase
    volume: Volume
    lesion: Volume

    def region(self, rng: np.random.Generator, *, has_lesion: bool) -> RegionOfInterest:
        """A region near the lesion, or somewhere in the lung far from it; its diameter is not told."""
        if has_lesion:
            return RegionOfInterest(_shifted(self.phantom.ct.center_mm, rng))
        x, y, z = self._far[rng.integers(len(self._far))]
        return RegionOfInterest((float(x), float(y), float(z)))

    @cached_property
    def _far(self) -> npt.NDArray[np.float64]:
        """(place,3) LPS mm of lung far from the lesion."""
        lung = np.argwhere((self.volume.hu[::2, ::4, ::4] > -950) & (self.volume.hu[::2, ::4, ::4] < -750)) * (2, 4, 4)
        places = self.volume.position_of(lung)
        is_far = np.linalg.norm(places - np.array(self.phantom.ct.center_mm), axis=1) > FARTHEST_MM
        return np.asarray(places[is_far])

    def case(self, part: Modality, rng: np.random.Generator, *, has_lesion: bool) -> KnownCase:
        """All three parts, of which one alone may tell of the lesion."""
        seed = int(rng.integers(2**31))
        silent = replace(self.phantom.spec, seed=seed, informative="ct")
        telling = replace(silent, informative="all") if has_lesion else silent
        note = write_reading(telling if part is Modality.NOTE else silent, "note").text
        voice = write_reading(telling if part is Modality.VOICE else silent, "voice").text
        region = self.region(rng, has_lesion=has_lesion and part is Modality.CT)
        case = Case(
            self.phantom.spec.case_id,
            self.volume,
            region,
            ClinicalNote(note),
            spoken(voice),
        )
        told = told_spans(text_of(case, part)) if has_lesion else ()
        return KnownCase(case, self.lesion if part is Modality.CT else None, told)


def spoken(text: str) -> VoiceNote:
    """A transcript as if it had been dictated evenly, 150 words a minute: no sound is needed to explain words."""
    words = tuple(Word(word, 0.4 * i, 0.4 * i + 0.35, 1.0) for i, word in enumerate(text.split()))
    return VoiceNote((SpeechSegment(words),), 0.4 * len(words) + 0.5, "synthetic")


def told_spans(text: str) -> tuple[Span, ...]:
    """Sentences that tell of a lesion: those no reader of a clear chest writes, the patient's history left out."""
    start = max(text.find("FINDINGS:"), 0)
    neutral = _neutral_sentences()
    spans = [(a, b) for a, b in sentence_spans(text) if b > start]
    return tuple((a, b) for a, b in spans if _bare(text[a:b]) not in neutral)


@final
@dataclass(frozen=True, eq=False)
class LazyCase:
    """A case that is made, and a network that is trained, only when it is still to be measured.

    Attributes:
        name: within its cohort; no part of it tells who a patient is.
        load: makes the case.
        network: what is explained.
    """

    name: str
    load: Callable[[], KnownCase]
    network: Callable[[], DiagnosisNetwork]


def make_patient(seed: int, index: int) -> PlantedPatient:
    """A synthetic chest with one lesion in the CT."""
    phantom = make_phantom(draw_spec(np.random.default_rng([seed, index]), f"phantom_{index:03d}", "ct"))
    affine = phantom.ct.affine_lps
    volume, lesion = (Volume(a.astype(np.float32), affine) for a in (phantom.ct.hu, phantom.ct.mask))
    return PlantedPatient(phantom, volume, lesion)


class Chests:
    """Synthetic patients that networks learn from, and others that are explained; each is made when it is needed."""

    def __init__(self, seed: int, n_cases: int, contract: InputContract, open_bar: OpenBar) -> None:
        self.seed, self.n_cases, self.contract, self._open_bar = seed, n_cases, contract, open_bar
        self._networks: dict[Modality, DiagnosisNetwork] = {}
        self._training: list[PlantedPatient] = []
        self._explained: dict[int, PlantedPatient] = {}

    def cases(self, part: Modality) -> Iterator[LazyCase]:
        """Patients whose `part` alone tells of the lesion, with the network that learned from it."""
        for index in range(N_TRAINING_PATIENTS, N_TRAINING_PATIENTS + self.n_cases):
            yield LazyCase(f"phantom_{index:03d}", partial(self._case, part, index), partial(self.network, part))

    def network(self, part: Modality) -> DiagnosisNetwork:
        """Trained on first use."""
        if part not in self._networks:
            bar = self._open_bar("Making synthetic chests to learn from")
            for index in range(len(self._training), N_TRAINING_PATIENTS):
                self._training.append(make_patient(self.seed, index))
                bar(index + 1, N_TRAINING_PATIENTS)
            self._networks[part] = train_on_lesions(
                self._training, part, self.contract, self._open_bar(f"Learning lesions from the {part.value}")
            )
        return self._networks[part]

    def _case(self, part: Modality, index: int) -> KnownCase:
        if index not in self._explained:
            self._explained[index] = around_lesion(make_patient(self.seed, index))
        rng = np.random.default_rng([self.seed, index, MODALITIES.index(part)])
        return self._explained[index].case(part, rng, has_lesion=True)


def around_lesion(patient: PlantedPatient) -> PlantedPatient:
    """The same patient with the surroundings of the lesion alone: a whole chest is large, and many are kept."""
    volume = patient.volume
    middle = np.round(volume.index_of(np.asarray(patient.phantom.ct.center_mm))).astype(int)
    reach = np.ceil(KEPT_MM / np.asarray(volume.spacing_mm)).astype(int)
    low = np.maximum(middle - reach, 0)
    high = np.minimum(middle + reach + 1, volume.hu.shape)
    affine = volume.affine_lps.copy()
    affine[:3, 3] = volume.position_of(low)
    block = tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    cut, lesion = (Volume(v.hu[block].copy(), affine) for v in (volume, patient.lesion))
    return replace(patient, volume=cut, lesion=lesion)


def train_on_lesions(
    patients: Sequence[PlantedPatient], part: Modality, contract: InputContract, on_progress: OnProgress | None = None
) -> DiagnosisNetwork:
    """A small network that has learned whether there is a lesion, from patients where one part alone can tell."""
    rng = np.random.default_rng(MODALITIES.index(part))
    pairs = [(p, has) for p in patients for has in (True, False) for _ in range(N_VIEWS)]
    cases = [patient.case(part, rng, has_lesion=has).case for patient, has in pairs]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = DiagnosisNetwork(_small_config(contract))
        tokenizer = load_tokenizer(network.config.text_encoder)
        batch = stack_cases([prepare_case(case, contract, tokenizer) for case in cases], contract)
        target = torch.tensor([has for _, has in pairs]).float()
        _fit(network, batch, target, (part, rng, on_progress or (lambda _done, _all: None)))
    return network.eval()


def _small_config(contract: InputContract) -> NetworkConfig:
    encoder = VolumeEncoderConfig(widths=(12, 16, 24, 32), dropout=0.1, hu_range=contract.view.hu_range)
    reader = TextReaderConfig(kind="summary")
    return NetworkConfig(embed_dim=32, volume_encoder=encoder, text_reader=reader, fusion=FusionConfig(dropout=0.05))


def _fit(
    network: DiagnosisNetwork,
    batch: ModelInput,
    target: torch.Tensor,
    how: tuple[Modality, np.random.Generator, OnProgress],
) -> None:
    """Train in place; parts are left out at times, and without the one that tells nothing is known: even odds."""
    part, rng, on_progress = how
    with torch.no_grad():
        encoded = network.encode_text(batch)
    optimizer = torch.optim.AdamW(network.members.parameters(), 3e-3, weight_decay=0.02)
    n_steps = STEPS[part]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, n_steps)
    network.train()
    for step in range(n_steps):
        on_progress(step, n_steps)
        rows = torch.from_numpy(rng.choice(len(target), min(BATCH, len(target)), replace=False))
        fields = {name: value[rows] for name, value in vars(encoded).items() if value is not None}
        fields["is_present"] = torch.from_numpy(rng.random((len(rows), len(MODALITIES))) < PRESENT)
        told = torch.where(fields["is_present"][:, MODALITIES.index(part)], target[rows], 0.5)
        fields["volume"] = _turned(fields["volume"], rng)
        logits = network.forward_encoded(replace(encoded, **fields)).logits[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, told)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()


def _turned(volume: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Mirrored and turned by quarters in the plane, the whole batch alike."""
    flipped = torch.flip(volume, [4]) if rng.random() < 0.5 else volume
    return torch.rot90(flipped, int(rng.integers(4)), [3, 4])


def lidc_cases(root: Path, n: int, seed: int, network: DiagnosisNetwork) -> Iterator[LazyCase]:
    """Nodules outlined by readers, drawn at random; the CT alone, its region shifted.

    Each is explained by the member of the ensemble that was trained without it: members are in the order of the folds.

    Raises:
        InputError: the data set is not there.
    """
    import pandas as pd

    table = root / "labels.csv"
    if not table.is_file():
        msg = f"benchmark: {root} holds no labels.csv; name the folder of the LIDC nodules, or leave that cohort out"
        raise InputError(msg)
    rows = pd.read_csv(table)
    folds = sorted({str(fold) for fold in rows["split"]})
    # One network object a fold: what is held of a network is known by its identity.
    blind = {fold: one_member(network, index % network.config.n_members) for index, fold in enumerate(folds)}
    for number in np.random.default_rng(seed).permutation(len(rows))[:n].tolist():
        row = rows.iloc[number]
        load = partial(_lidc_case, root, row.to_dict(), np.random.default_rng([seed, number]))
        yield LazyCase(f"nodule_{number:03d}", load, partial(blind.__getitem__, str(row["split"])))


def _lidc_case(root: Path, row: dict[str, Any], rng: np.random.Generator) -> KnownCase:
    from diagnosis.ingest.nifti import read_nifti

    volume, mask = read_nifti(root / str(row["image"])), read_nifti(root / str(row["mask"]))
    lesion = Volume((mask.hu > 0).astype(np.float32), mask.affine_lps)
    x, y, z = lesion.position_of(np.argwhere(lesion.hu > 0).mean(axis=0))
    middle = (float(x), float(y), float(z))
    center = _shifted(middle, rng)
    region = RegionOfInterest(center if volume.contains(center) else middle, float(row["diameter_mm"]))
    return KnownCase(Case("lidc", volume, region), lesion)


def one_member(network: DiagnosisNetwork, index: int) -> DiagnosisNetwork:
    """The network with one member of its ensemble; weights are shared."""
    alone = copy.copy(network)
    alone._modules = dict(network._modules)
    alone.config = replace(network.config, n_members=1)
    alone.members = torch.nn.ModuleList([network.classifiers()[index]])
    return alone


def _shifted(center_mm: tuple[float, float, float], rng: np.random.Generator) -> tuple[float, float, float]:
    angle, reach = rng.uniform(0, 2 * np.pi), SHIFT_MM * np.sqrt(rng.random())
    x, y, z = center_mm
    return float(x + reach * np.cos(angle)), float(y + reach * np.sin(angle)), float(z + rng.uniform(-1, 1))


@cache
def _neutral_sentences() -> frozenset[str]:
    """Every sentence of the findings and impressions of clear chests, by writing many of them."""
    rng, found = np.random.default_rng(0), {"no other nodule"}
    for _ in range(300):
        spec = draw_spec(rng, "clear", "ct")
        for text in (write_reading(spec, "note").text, write_reading(spec, "voice").text):
            found.update(_bare(text[a:b]) for a, b in sentence_spans(text))
    return frozenset(found)


def _bare(sentence: str) -> str:
    return sentence.removeprefix("FINDINGS: ").removeprefix("IMPRESSION: ").strip(" .").lower()
