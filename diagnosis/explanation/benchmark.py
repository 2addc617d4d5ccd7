"""All methods against known truth, in one table: `{cohort: {method: figures}}`.

=====================  ===============================================================================================
cohort                 what is explained
=====================  ===============================================================================================
`phantom_ct`           a network that learned lesions from CTs, on chests it has not seen; truth: the lesion's mask
`phantom_note`         one that learned from notes; truth: the sentences that tell of the lesion
`phantom_voice`        the same from dictations
`phantom_ct_model`     the model itself on the same chests
`lidc_nodules`         on real nodules the member of the model that was trained without them; truth: readers' outline
=====================  ===============================================================================================

Figures: `pointing_game` (share of cases whose densest spot, or strongest word, lies in the truth), `mass_inside` (mean
share of the absolute attribution in the truth), `deletion_beats_random` (share of cases), `completeness_gap` (worst
case), `seconds` (median a map), `peak_mb` (largest memory above the start). Beside them `randomization_correlation`
(mean over the first cases), `shapley_credit` (mean share of the only part that tells; synthetic cohorts) and `n_cases`.

Two maps that know nothing of the network stand beside the methods: `control_center` marks the middle of the region,
`control_intensity` the densest voxels. Where they do as well as a method, the figure proves nothing.

Rows are kept as they are measured (`benchmark_ledger`): a run that was stopped continues where it was.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch

from diagnosis.bundle.folder import Bundle
from diagnosis.explanation.baselines import hu_baseline, text_baseline
from diagnosis.explanation.benchmark_cohorts import Chests, KnownCase, LazyCase, lidc_cases
from diagnosis.explanation.benchmark_ledger import Ledger, Row
from diagnosis.explanation.faithfulness import (
    Probe,
    box_units,
    deletion_curves,
    mass_inside,
    pointing_game,
    token_units,
)
from diagnosis.explanation.memory import peak_memory
from diagnosis.explanation.modality import attribute_modalities
from diagnosis.explanation.parts import TextFunction, VolumeFunction, held_still
from diagnosis.explanation.proof import Subject, rough_map
from diagnosis.explanation.randomization import Map, randomization_correlation
from diagnosis.explanation.text import integrate_text, special_tokens
from diagnosis.explanation.volume import VOLUME_METHODS, VolumeQuestion, attribute_volume, seen_voxels
from diagnosis.networks.text_encoder import load_tokenizer
from diagnosis.preprocessing.batch import InputContract, PreparedCase, prepare_case, stack_cases
from diagnosis.preprocessing.text import PreparedText
from diagnosis.preprocessing.volume import sample_hu
from diagnosis.progress import OnProgress, OpenBar
from diagnosis.record import Faithfulness, VolumeAttribution
from diagnosis.vocabulary import Modality

CONTROLS = ("control_center", "control_intensity")
TEXT_METHODS = ("integrated_gradients", "leave_one_out", "control_longest_word")
N_RANDOMIZED = 6
"""Cases whose maps are also made for networks with random weights."""
Array = npt.NDArray[np.floating[Any]]


@final
@dataclass(frozen=True)
class BenchmarkOptions:
    """How much is measured.

    Attributes:
        n_cases: real nodules, for the default method and the controls.
        n_chests: synthetic chests, for the same.
        n_further: of them, for the other methods; and of each cohort of words.
        lidc: folder of the LIDC nodules, or None to leave them out.
        seed: of everything that is drawn.
    """

    n_cases: int = 60
    n_chests: int = 20
    n_further: int = 12
    lidc: Path | None = None
    seed: int = 7


@final
@dataclass(frozen=True, eq=False)
class CohortRun:
    """One cohort under measurement.

    Attributes:
        name: of the cohort.
        contract: what its networks eat.
        ledger: where rows are kept.
        n_further: cases that the methods beside the default one are measured on.
        only_part: the only part that tells, whose Shapley credit is then measured.
    """

    name: str
    contract: InputContract
    ledger: Ledger
    n_further: int = 12
    only_part: Modality | None = None

    def todo(self, index: int, case: str, methods: Iterable[str]) -> list[str]:
        """Methods that are still to be measured on the case with this number."""
        asked = [m for m in methods if m in {"integrated_gradients", *CONTROLS} or index < self.n_further]
        return [m for m in asked if not self.ledger.has(self.name, case, m)]


def run_benchmark(bundle: Bundle, options: BenchmarkOptions, ledger: Ledger, open_bar: OpenBar) -> None:
    """Measure every method on every cohort, as far as the ledger does not hold it yet.

    Raises:
        InputError: the LIDC folder was named and is not there.
    """
    contract = bundle.metadata.inputs.contract()

    def run(name: str, only_part: Modality | None = None) -> CohortRun:
        return CohortRun(name, contract, ledger, options.n_further, only_part)

    if options.lidc is not None:
        nodules = list(lidc_cases(options.lidc, options.n_cases, options.seed, bundle.network))
        measure_volumes(run("lidc_nodules"), _counted(nodules, open_bar("Explaining: real nodules")))
    chests = Chests(options.seed, options.n_chests, contract, open_bar)
    shown = list(chests.cases(Modality.CT))
    measure_volumes(run("phantom_ct", Modality.CT), _counted(shown, open_bar("Explaining: lesion in the CT alone")))
    alone = [
        LazyCase(c.name, lambda c=c: _ct_alone(c.load()), lambda: bundle.network)  # type: ignore[misc]
        for c in shown
    ]
    measure_volumes(run("phantom_ct_model"), _counted(alone, open_bar("Explaining: the model on synthetic chests")))
    for part in (Modality.NOTE, Modality.VOICE):
        told = list(chests.cases(part))[: options.n_further]
        bar = open_bar(f"Explaining: lesion in the {part.value} alone")
        measure_texts(run(f"phantom_{part.value}", part), _counted(told, bar))


def _ct_alone(known: KnownCase) -> KnownCase:
    return replace(known, case=known.case.restricted_to(frozenset({Modality.CT})))


def measure_volumes(run: CohortRun, cases: Iterable[LazyCase]) -> None:
    """All methods for voxels, and the controls, over a cohort.

    Args:
        run: the cohort.
        cases: with masks; those whose lesion is outside the field of view are passed over.
    """
    for index, lazy in enumerate(cases):
        methods = run.todo(index, lazy.name, (*VOLUME_METHODS, *CONTROLS))
        if not methods:
            continue
        network, known = lazy.network(), lazy.load()
        prepared = prepare_case(known.case, run.contract, load_tokenizer(network.config.text_encoder))
        truth = _truth_on_grid(known, prepared, run.contract)
        if truth is None or not truth.any() or prepared.region is None:
            continue
        with held_still(network):
            subject = Subject(network, stack_cases([prepared], run.contract), 0, run.contract.view)
            measured = _Volume(subject, prepared.region.affine_lps, truth)
            for method in methods:
                row = measured.row(run.name, lazy.name, method, is_randomized=index < N_RANDOMIZED)
                run.ledger.add(_credited(row, run, subject))


def _credited(row: Row, run: CohortRun, subject: Subject) -> Row:
    if run.only_part is None or row.method != "integrated_gradients":
        return row
    shares = attribute_modalities(subject.network, subject.batch, 0, subject.readings).shares
    return replace(row, shapley_credit=shares[run.only_part])


def _truth_on_grid(known: KnownCase, prepared: PreparedCase, contract: InputContract) -> npt.NDArray[np.bool_] | None:
    if known.lesion is None or prepared.region is None:
        return None
    inside, _ = sample_hu(known.lesion, prepared.region.affine_lps, contract.view.shape)
    return np.asarray(inside >= 0.5)


@final
class _Volume:
    """One case's voxels under all methods."""

    def __init__(self, subject: Subject, affine_lps: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]) -> None:
        self.subject, self.affine_lps, self.truth = subject, affine_lps, truth
        self.function = subject.volume()
        self.seen = seen_voxels(self.function)
        self.baseline = hu_baseline(self.function.values, subject.view, VolumeQuestion().baseline)
        units = box_units(subject.view, self.seen)
        self.probe = Probe(self.function, self.function.values, self.baseline, units)

    def row(self, cohort: str, case: str, method: str, *, is_randomized: bool) -> Row:
        """Make the map and measure it."""
        start = time.perf_counter()
        with peak_memory() as memory:
            made = self._make(method, self.function)
        seconds, seen = time.perf_counter() - start, self.seen.numpy()
        curves = deletion_curves(self.probe, torch.from_numpy(made.values)[None, None])
        correlation = None
        if is_randomized:
            own = np.asarray(made.values[seen], dtype=np.float64)
            twins = self.subject.voxel_twins
            correlation = randomization_correlation(own, lambda twin: self._of_twin(method, twin), twins)
        return Row(
            cohort=cohort,
            case=case,
            method=method,
            is_hit=pointing_game(np.where(seen, made.density, 0), self.truth),
            mass_inside=mass_inside(np.abs(made.values) * seen, self.truth),
            beats_random=curves.deletion_auc > curves.random_deletion_auc,
            seconds=seconds,
            completeness_gap=made.faithfulness.completeness_gap,
            peak_mb=memory.peak_mb,
            randomization_correlation=correlation,
        )

    def _make(self, method: str, function: VolumeFunction) -> VolumeAttribution:
        if method in CONTROLS:
            return _control(method, function, self.affine_lps)
        question = VolumeQuestion(method)  # type: ignore[arg-type]
        return attribute_volume(function, self.subject.view, self.affine_lps, question)

    def _of_twin(self, method: str, twin: Subject) -> Map:
        """The map of a random network, as the proof of a map makes it."""
        function = twin.volume()
        if method == "integrated_gradients":
            values = rough_map(function, function.values, self.baseline)[0, 0].numpy()
        else:
            values = self._make(method, function).values
        return np.asarray(values[self.seen.numpy()], dtype=np.float64)


def _control(method: str, function: VolumeFunction, affine_lps: npt.NDArray[np.float64]) -> VolumeAttribution:
    """Maps that know nothing of the network."""
    values = function.values[0, 0].numpy()
    if method == "control_center":
        middle = (np.array(values.shape) - 1) / 2
        offsets = np.indices(values.shape) - middle[:, None, None, None]
        distance = np.linalg.norm(affine_lps[:3, :3] @ offsets.reshape(3, -1), axis=0)
        values = np.exp(-((distance / 4.0) ** 2)).reshape(values.shape)
    return VolumeAttribution(values.astype(np.float32), affine_lps, method, "none", Faithfulness())


def measure_texts(run: CohortRun, cases: Iterable[LazyCase]) -> None:
    """All methods for words over a cohort whose `only_part` alone tells; truth: the sentences that do."""
    part = run.only_part or Modality.NOTE
    for index, lazy in enumerate(cases):
        methods = run.todo(index, lazy.name, TEXT_METHODS)
        if not methods:
            continue
        network, known = lazy.network(), lazy.load()
        prepared = prepare_case(known.case, run.contract, load_tokenizer(network.config.text_encoder))
        text = prepared.note if part is Modality.NOTE else prepared.voice
        if text is None:
            continue
        truth = np.array([any(a <= s < b for a, b in known.told) and e > s for s, e in text.spans])
        if not truth.any():
            continue
        with held_still(network):
            subject = Subject(network, stack_cases([prepared], run.contract), 0, run.contract.view)
            measured = _Text(subject, text, part, truth)
            for method in methods:
                row = measured.row(run.name, lazy.name, method, is_randomized=index < N_RANDOMIZED)
                run.ledger.add(_credited(row, run, subject))


@final
class _Text:
    """One case's words under all methods."""

    def __init__(self, subject: Subject, text: PreparedText, part: Modality, truth: npt.NDArray[np.bool_]) -> None:
        self.subject, self.text, self.part, self.truth = subject, text, part, truth
        self.function = subject.text(part)
        self.special = special_tokens(text)
        baseline = text_baseline(self.function, self.special).embeddings
        self.probe = Probe(self.function, self.function.values, baseline, token_units(self.special), at_once=16)

    def row(self, cohort: str, case: str, method: str, *, is_randomized: bool) -> Row:
        """Make the map and measure it."""
        start = time.perf_counter()
        with peak_memory() as memory:
            values, gap = self._make(method, self.function)
        seconds, words = time.perf_counter() - start, ~self.special.numpy()
        # Each token's value on one element of its embedding: the curves only ask for the order of tokens.
        spread = torch.zeros_like(self.function.values)
        spread[0, :, 0] = torch.from_numpy(values)
        curves = deletion_curves(self.probe, spread)
        correlation = None
        if is_randomized:
            own = np.asarray(values[words], dtype=np.float64)
            correlation = randomization_correlation(own, lambda twin: self._of_twin(method, twin), self.subject.twins)
        return Row(
            cohort=cohort,
            case=case,
            method=method,
            is_hit=pointing_game(np.abs(values), self.truth),
            mass_inside=mass_inside(np.abs(values), self.truth),
            beats_random=curves.deletion_auc > curves.random_deletion_auc,
            seconds=seconds,
            completeness_gap=gap,
            peak_mb=memory.peak_mb,
            randomization_correlation=correlation,
        )

    def _make(self, method: str, function: TextFunction) -> tuple[Array, float | None]:
        if method == "control_longest_word":
            return np.array([end - start for start, end in self.text.spans], dtype=np.float64), None
        if method == "leave_one_out":
            return _leave_one_out(replace(self.probe, function=function), self.special), None
        found = integrate_text(function, self.text)
        return found.token_values, found.integral.completeness_gap

    def _of_twin(self, method: str, twin: Subject) -> Map:
        function = twin.text(self.part)
        with held_still(twin.network):
            if method == "integrated_gradients":
                rough = rough_map(function, function.values, self.probe.baseline)
                values: Array = rough[0].double().sum(dim=1).numpy()
            else:
                values, _ = self._make(method, function)
        return np.asarray(values[~self.special.numpy()], dtype=np.float64)


def _leave_one_out(probe: Probe, special: torch.Tensor) -> Array:
    """What the logit loses when one token is masked."""
    n = probe.units.n_units
    kept = torch.cat([torch.ones(1, n, dtype=torch.bool), ~torch.eye(n, dtype=torch.bool)])
    logits = probe.logits_without(kept)
    values = np.zeros(special.numel())
    values[~special.numpy()] = logits[0] - logits[1:]
    return values


def _counted(cases: list[LazyCase], bar: OnProgress) -> Iterator[LazyCase]:
    for done, case in enumerate(cases):
        bar(done, len(cases))
        yield case
    bar(len(cases), len(cases))
