"""All methods against known truth, in one table: `{cohort: {method: figures}}`.

=====================  ===============================================================================================
cohort                 what is explained
=====================  ===============================================================================================
`phantom_ct`           a network that learned lesions from CTs, on chests it has not seen; truth: the lesion's mask
`phantom_note`         one that learned from notes; truth: the sentences that tell of the lesion
`phantom_voice`        the same from dictations
`phantom_ct_model`     the model itself on the same chests
`lidc_nodules`         the model itself on real nodules; truth: the readers' outline
=====================  ===============================================================================================

Figures: `pointing_game` (share of cases whose densest spot, or strongest word, lies in the truth), `mass_inside` (mean
share of the absolute attribution in the truth), `deletion_beats_random` (share of cases), `completeness_gap` (worst
case), `seconds` (median a map), `peak_mb` (largest memory above the start). Beside them `randomization_correlation`
(mean over the first cases), `shapley_credit` (mean share of the only part that tells; synthetic cohorts) and `n_cases`.

Two maps that know nothing of the network stand beside the methods: `control_center` marks the middle of the region,
`control_intensity` the densest voxels. Where they do as well as a method, the figure proves nothing.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch

from diagnosis.bundle.folder import Bundle
from diagnosis.explanation.baselines import hu_baseline, text_baseline
from diagnosis.explanation.benchmark_cohorts import (
    N_TRAINING_PATIENTS,
    KnownCase,
    lidc_cases,
    make_patients,
    train_on_lesions,
)
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
from diagnosis.explanation.parts import TextFunction, VolumeFunction
from diagnosis.explanation.proof import Subject
from diagnosis.explanation.randomization import Map, randomization_correlation
from diagnosis.explanation.text import integrate_text, special_tokens
from diagnosis.explanation.volume import VOLUME_METHODS, VolumeQuestion, attribute_volume, seen_voxels
from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.networks.text_encoder import load_tokenizer
from diagnosis.preprocessing.batch import InputContract, PreparedCase, prepare_case, stack_cases
from diagnosis.preprocessing.text import PreparedText
from diagnosis.preprocessing.volume import sample_hu
from diagnosis.record import Faithfulness, VolumeAttribution
from diagnosis.vocabulary import Modality

Table = dict[str, dict[str, dict[str, float | None]]]
OpenBar = Callable[[str], Callable[[int, int], None]]
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
        n_cases: of each cohort.
        lidc: folder of the LIDC nodules, or None to leave them out.
        seed: of everything that is drawn.
    """

    n_cases: int = 40
    lidc: Path | None = None
    seed: int = 7


@final
@dataclass
class _Rows:
    """Figures of one method over the cases of a cohort."""

    hits: list[bool] = field(default_factory=list)
    masses: list[float] = field(default_factory=list)
    wins: list[bool] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    peaks_mb: list[float] = field(default_factory=list)
    correlations: list[float] = field(default_factory=list)
    credits: list[float] = field(default_factory=list)

    def note(self, peak_mb: float | None, gap: float | None) -> None:
        self.peaks_mb += [] if peak_mb is None else [peak_mb]
        self.gaps += [] if gap is None else [gap]

    def figures(self) -> dict[str, float | None]:
        return {
            "pointing_game": _mean(self.hits),
            "mass_inside": _mean(self.masses),
            "deletion_beats_random": _mean(self.wins),
            "completeness_gap": max(self.gaps) if self.gaps else None,
            "seconds": float(np.median(self.seconds)) if self.seconds else None,
            "peak_mb": max(self.peaks_mb) if self.peaks_mb else None,
            "randomization_correlation": _mean(self.correlations),
            "shapley_credit": _mean(self.credits),
            "n_cases": float(len(self.hits)),
        }


def run_benchmark(bundle: Bundle, options: BenchmarkOptions, open_bar: OpenBar) -> Table:
    """Measure every method on every cohort.

    Raises:
        InputError: the LIDC folder was named and is not there.
    """
    contract, table = bundle.metadata.inputs.contract(), Table()
    n_all = N_TRAINING_PATIENTS + options.n_cases
    patients = make_patients(n_all, options.seed, open_bar("Making synthetic chests"))
    training, held_out = patients[:N_TRAINING_PATIENTS], patients[N_TRAINING_PATIENTS:]
    for part in Modality:
        network = train_on_lesions(training, part, contract)
        rng = np.random.default_rng(options.seed + 1)
        cases = [patient.case(part, rng, has_lesion=True) for patient in held_out]
        cohort, bar = f"phantom_{part.value}", open_bar(f"Explaining: lesion in the {part.value} alone")
        measure = measure_volumes if part is Modality.CT else measure_texts
        table[cohort] = measure(network, contract, _counted(cases, bar), part)
        if part is Modality.CT:
            bar = open_bar("Explaining: the model on synthetic chests")
            alone = [replace(c, case=c.case.restricted_to(frozenset({Modality.CT}))) for c in cases]
            table["phantom_ct_model"] = measure_volumes(bundle.network, contract, _counted(alone, bar), None)
    if options.lidc is not None:
        known = list(lidc_cases(options.lidc, options.n_cases, options.seed))
        bar = open_bar("Explaining: the model on real nodules")
        table["lidc_nodules"] = measure_volumes(bundle.network, contract, _counted(known, bar), None)
    return table


def measure_volumes(
    network: DiagnosisNetwork, contract: InputContract, cases: Iterable[KnownCase], only_part: Modality | None
) -> dict[str, dict[str, float | None]]:
    """All methods for voxels, and the controls, over a cohort.

    Args:
        network: what is explained.
        contract: what it eats.
        cases: with masks; those whose lesion is outside the field of view are passed over.
        only_part: the only part that tells, whose Shapley credit is then measured.
    """
    rows = {method: _Rows() for method in (*VOLUME_METHODS, *CONTROLS)}
    tokenizer = load_tokenizer(network.config.text_encoder)
    for index, known in enumerate(cases):
        prepared = prepare_case(known.case, contract, tokenizer)
        truth = _truth_on_grid(known, prepared, contract)
        if truth is None or not truth.any() or prepared.region is None:
            continue
        subject = Subject(network, stack_cases([prepared], contract), 0, contract.view)
        _measure_volume(subject, prepared.region.affine_lps, truth, rows, is_randomized=index < N_RANDOMIZED)
        if only_part is not None:
            shares = attribute_modalities(network, subject.batch, 0).shares
            rows["integrated_gradients"].credits.append(shares[only_part])
    return {method: row.figures() for method, row in rows.items()}


def _truth_on_grid(known: KnownCase, prepared: PreparedCase, contract: InputContract) -> npt.NDArray[np.bool_] | None:
    if known.lesion is None or prepared.region is None:
        return None
    inside, _ = sample_hu(known.lesion, prepared.region.affine_lps, contract.view.shape)
    return np.asarray(inside >= 0.5)


def _measure_volume(
    subject: Subject,
    affine_lps: npt.NDArray[np.float64],
    truth: npt.NDArray[np.bool_],
    rows: Mapping[str, _Rows],
    *,
    is_randomized: bool,
) -> None:
    function = VolumeFunction(subject.network, subject.batch, subject.finding)
    seen = seen_voxels(function)
    baseline = hu_baseline(function.values, subject.view, VolumeQuestion().baseline)
    probe = Probe(function, function.values, baseline, box_units(subject.view, seen))

    def make(method: str, of: VolumeFunction) -> VolumeAttribution:
        if method in CONTROLS:
            return _control(method, of, affine_lps)
        return attribute_volume(of, subject.view, affine_lps, VolumeQuestion(method))  # type: ignore[arg-type]

    for method, row in rows.items():
        start = time.perf_counter()
        with peak_memory() as memory:
            made = make(method, function)
        row.seconds.append(time.perf_counter() - start)
        row.hits.append(pointing_game(np.where(seen.numpy(), made.density, 0), truth))
        row.masses.append(mass_inside(np.abs(made.values) * seen.numpy(), truth))
        row.note(memory.peak_mb, made.faithfulness.completeness_gap)
        curves = deletion_curves(probe, torch.from_numpy(made.values)[None, None])
        row.wins.append(curves.deletion_auc > curves.random_deletion_auc)
        if is_randomized:

            def of_twin(twin: DiagnosisNetwork, method: str = method) -> Map:
                values = make(method, VolumeFunction(twin, subject.batch, subject.finding)).values
                return np.asarray(values[seen.numpy()], dtype=np.float64)

            own = np.asarray(made.values[seen.numpy()], dtype=np.float64)
            row.correlations.append(randomization_correlation(own, of_twin, subject.twins))


def _control(method: str, function: VolumeFunction, affine_lps: npt.NDArray[np.float64]) -> VolumeAttribution:
    """Maps that know nothing of the network."""
    values = function.values[0, 0].numpy()
    if method == "control_center":
        middle = (np.array(values.shape) - 1) / 2
        offsets = np.indices(values.shape) - middle[:, None, None, None]
        values = np.exp(-((np.linalg.norm(affine_lps[:3, :3] @ offsets.reshape(3, -1), axis=0) / 4.0) ** 2)).reshape(
            values.shape
        )
    return VolumeAttribution(values.astype(np.float32), affine_lps, method, "none", Faithfulness())


def measure_texts(
    network: DiagnosisNetwork, contract: InputContract, cases: Iterable[KnownCase], part: Modality
) -> dict[str, dict[str, float | None]]:
    """All methods for words over a cohort whose `part` alone tells; truth: the sentences that do."""
    rows = {method: _Rows() for method in TEXT_METHODS}
    tokenizer = load_tokenizer(network.config.text_encoder)
    for index, known in enumerate(cases):
        prepared = prepare_case(known.case, contract, tokenizer)
        subject = Subject(network, stack_cases([prepared], contract), 0, contract.view)
        text = prepared.note if part is Modality.NOTE else prepared.voice
        if text is None:
            continue
        truth = np.array([any(a <= s < b for a, b in known.told) and e > s for s, e in text.spans])
        if truth.any():
            _measure_text(subject, text, part, truth, rows, is_randomized=index < N_RANDOMIZED)
            shares = attribute_modalities(network, subject.batch, 0).shares
            rows["integrated_gradients"].credits.append(shares[part])
    return {method: row.figures() for method, row in rows.items()}


def _measure_text(
    subject: Subject,
    text: PreparedText,
    part: Modality,
    truth: npt.NDArray[np.bool_],
    rows: Mapping[str, _Rows],
    *,
    is_randomized: bool,
) -> None:
    function = TextFunction(subject.network, subject.batch, subject.finding, part)
    special = special_tokens(text)
    baseline = text_baseline(function, special).embeddings
    probe = Probe(function, function.values, baseline, token_units(special), at_once=16)
    words = ~special.numpy()

    def make(method: str, of: TextFunction) -> tuple[Array, float | None]:
        if method == "control_longest_word":
            return np.array([end - start for start, end in text.spans], dtype=np.float64), None
        if method == "leave_one_out":
            return _leave_one_out(replace(probe, function=of), special), None
        found = integrate_text(of, text)
        return found.token_values, found.integral.completeness_gap

    for method, row in rows.items():
        start = time.perf_counter()
        with peak_memory() as memory:
            values, gap = make(method, function)
        row.seconds.append(time.perf_counter() - start)
        row.hits.append(pointing_game(np.abs(values), truth))
        row.masses.append(mass_inside(np.abs(values), truth))
        row.note(memory.peak_mb, gap)
        # Each token's value on one element of its embedding: the curves only ask for the order of tokens.
        spread = torch.zeros_like(function.values)
        spread[0, :, 0] = torch.from_numpy(values)
        curves = deletion_curves(probe, spread)
        row.wins.append(curves.deletion_auc > curves.random_deletion_auc)
        if is_randomized:

            def of_twin(twin: DiagnosisNetwork, method: str = method) -> Map:
                other, _ = make(method, TextFunction(twin, subject.batch, subject.finding, part))
                return np.asarray(other[words], dtype=np.float64)

            row.correlations.append(randomization_correlation(np.asarray(values[words]), of_twin, subject.twins))


def _leave_one_out(probe: Probe, special: torch.Tensor) -> Array:
    """What the logit loses when one token is masked."""
    n = probe.units.n_units
    kept = torch.cat([torch.ones(1, n, dtype=torch.bool), ~torch.eye(n, dtype=torch.bool)])
    logits = probe.logits_without(kept)
    values = np.zeros(special.numel())
    values[~special.numpy()] = logits[0] - logits[1:]
    return values


def _counted(cases: Sequence[KnownCase], bar: Callable[[int, int], None]) -> Iterator[KnownCase]:
    for done, case in enumerate(cases):
        bar(done, len(cases))
        yield case
    bar(len(cases), len(cases))


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
