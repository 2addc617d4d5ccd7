"""The proof beside a map: all figures of `faithfulness` for one map of the voxels or of the words of one case."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np
import torch
from torch import Tensor

from diagnosis.explanation.baselines import hu_baseline
from diagnosis.explanation.faithfulness import (
    Probe,
    box_units,
    deletion_curves,
    infidelity_of,
    judge,
    sensitivity_of,
    token_units,
)
from diagnosis.explanation.parts import (
    SoundFunction,
    TextFunction,
    VolumeFunction,
    held_still,
    read_parts,
    reread_voxels,
)
from diagnosis.explanation.path import integrated_gradients
from diagnosis.explanation.randomization import (
    N_RANDOM_NETWORKS,
    N_RANDOM_VOXEL_NETWORKS,
    Map,
    randomization_correlation,
    randomized_members,
    randomized_network,
)
from diagnosis.explanation.side_by_side import GLOBAL_GENERATORS
from diagnosis.explanation.text import TextMap, special_tokens
from diagnosis.explanation.volume import VolumeQuestion, attribute_volume, seen_voxels
from diagnosis.networks.classifier import DiagnosisNetwork, Reading
from diagnosis.networks.model_input import EncodedInput, ModelInput
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.record import Faithfulness, TextAttribution, VolumeAttribution
from diagnosis.vocabulary import MODALITIES, Modality

FEW_STEPS = 2
"""Steps of the integrated gradients that are made again and again for a check: what matters there is the rank."""
NOISE_HU = 10.0
"""Noise under which a map should stay what it is: half of that of a routine chest CT."""
NOISE_EMBEDDING = 0.002
"""The same for word embeddings, whose elements have a standard deviation of about 0.05."""


@final
@dataclass(frozen=True, eq=False)
class Subject:
    """What maps are made of: one case in one network.

    Attributes:
        network: bundle's network.
        batch: the case.
        finding: which finding.
        view: grid and HU range of the voxels.
        known_readings: what the encoders made of the case, where that was done before.
        known_twins: the same case in random networks, where they were made before for the part that is left.
    """

    network: DiagnosisNetwork
    batch: ModelInput
    finding: int
    view: FieldOfView

    known_readings: tuple[Reading, ...] | None = None
    known_twins: tuple["Subject", ...] | None = None

    @cached_property
    def encoded(self) -> EncodedInput:
        """What the BERT made of the texts."""
        with torch.no_grad(), held_still(self.network):
            return self.network.encode_text(self.batch)

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """What each member's encoders made of the case; done once for all of its maps."""
        if self.known_readings is not None:
            return self.known_readings
        return read_parts(self.network, self.batch, self.encoded)

    @property
    def twins(self) -> tuple["Subject", ...]:
        """The same case in the same network with random weights, a few times; for the maps of words.

        Whoever comes first makes them, also where the maps of note and dictation are made side by side.
        """
        with GLOBAL_GENERATORS:
            return self._twins

    @cached_property
    def _twins(self) -> tuple["Subject", ...]:
        if self.known_twins is not None:
            return self.known_twins
        networks = [randomized_network(self.network, seed) for seed in range(N_RANDOM_NETWORKS)]
        return tuple(replace(self, network=network, known_readings=None) for network in networks)

    @cached_property
    def voxel_twins(self) -> tuple["Subject", ...]:
        """The same for the maps of voxels, in more networks: the BERT has no part in them and is shared."""
        if self.known_twins is not None:
            return self.known_twins
        networks = [randomized_members(self.network, seed) for seed in range(N_RANDOM_VOXEL_NETWORKS)]
        readings = [read_parts(network, self.batch, self.encoded) for network in networks]
        pairs = zip(networks, readings, strict=True)
        return tuple(replace(self, network=network, known_readings=reading) for network, reading in pairs)

    def with_only(self, part: Modality) -> "Subject":
        """The same part with the others left out and the diameter not told."""
        twins = self.voxel_twins if part is Modality.CT else self.twins
        return replace(self._only(part), known_twins=tuple(twin._only(part) for twin in twins))

    def _only(self, part: Modality) -> "Subject":
        only = self.batch.is_present & torch.tensor([[other is part for other in MODALITIES]])
        untold = torch.full_like(self.batch.diameter_mm, torch.nan)
        batch = replace(self.batch, is_present=only, diameter_mm=untold)
        return replace(self, batch=batch, known_readings=reread_voxels(self.network, batch, self.readings))

    def volume(self) -> VolumeFunction:
        """The network as a function of the voxels."""
        return VolumeFunction(self.network, self.batch, self.finding, self.readings)

    def text(self, part: Modality) -> TextFunction:
        """The network as a function of the word embeddings of the note or the dictation."""
        return TextFunction(self.network, self.batch, self.finding, part, self.readings)

    def sound(self) -> SoundFunction:
        """The network as a function of the sound of the dictation."""
        return SoundFunction(self.network, self.batch, self.finding, self.readings)


def prove_volume(
    subject: Subject, function: VolumeFunction, attribution: VolumeAttribution, question: VolumeQuestion
) -> VolumeAttribution:
    """The map of the voxels with its figures and the verdict.

    The curves come first: where a map loses them it is withheld, and the figures that cost more are not made.
    """
    baseline = hu_baseline(function.values, subject.view, question.baseline)
    seen = seen_voxels(function)
    probe = Probe(function, function.values, baseline, box_units(subject.view, seen))
    values = torch.from_numpy(attribution.values)[None, None]
    early, change = _judged_by_curves(attribution.faithfulness, probe, values)
    if not early.is_trustworthy:
        return replace(attribution, faithfulness=early)
    is_gradient = question.method == "integrated_gradients"
    is_in_logits = question.method in {"integrated_gradients", "gradient_shap"}

    def map_of(other: Subject) -> Map:
        twin = other.volume()
        if is_gradient:
            return _seen(rough_map(twin, twin.values, baseline), seen)
        made = attribute_volume(twin, subject.view, attribution.affine_lps, question)
        return _seen(torch.from_numpy(made.values)[None, None], seen)

    radius = NOISE_HU / (subject.view.hu_range[1] - subject.view.hu_range[0])
    figures = replace(
        early,
        randomization_correlation=randomization_correlation(_seen(values, seen), map_of, subject.voxel_twins),
        infidelity=infidelity_of(probe, values) if is_in_logits else None,
        sensitivity=_sensitivity(function, baseline, radius) if is_gradient else None,
    )
    return replace(attribution, faithfulness=judge(figures, change, probe.units.n_units))


def prove_text(
    subject: Subject, function: TextFunction, text_map: TextMap, attribution: TextAttribution
) -> TextAttribution:
    """The map of the words with its figures and the verdict; the curves first, as for the voxels."""
    integral = text_map.integral
    special = special_tokens(text_map.prepared)
    baseline = text_map.start.embeddings
    probe = Probe(function, function.values, baseline, token_units(special))
    gap = Faithfulness(completeness_gap=integral.completeness_gap)
    early, change = _judged_by_curves(gap, probe, integral.attributions)
    if not early.is_trustworthy:
        return replace(attribution, faithfulness=early)
    words = ~special.numpy()

    def map_of(other: Subject) -> Map:
        twin = other.text(function.part)
        with held_still(twin.network):
            made = rough_map(twin, twin.values, baseline)
        return np.asarray(made[0].double().sum(dim=1).numpy()[words])

    figures = replace(
        early,
        randomization_correlation=randomization_correlation(text_map.token_values[words], map_of, subject.twins),
        infidelity=infidelity_of(probe, integral.attributions),
        sensitivity=_sensitivity(function, baseline, NOISE_EMBEDDING),
    )
    return replace(attribution, faithfulness=judge(figures, change, probe.units.n_units))


def _judged_by_curves(known: Faithfulness, probe: Probe, attributions: Tensor) -> tuple[Faithfulness, float]:
    """What is known of a map with the figures of its deletion and insertion curves and the verdict so far.

    Beside it |f(x) - f(baseline)|, in logits.
    """
    curves = deletion_curves(probe, attributions)
    figures = replace(
        known,
        deletion_auc=curves.deletion_auc,
        random_deletion_auc=curves.random_deletion_auc,
        insertion_auc=curves.insertion_auc,
        random_insertion_auc=curves.random_insertion_auc,
    )
    return judge(figures, curves.change, probe.units.n_units), curves.change


def _sensitivity(function: VolumeFunction | TextFunction, baseline: Tensor, radius: float) -> float:
    return sensitivity_of(
        lambda values: rough_map(function, values, baseline),
        function.values,
        radius,
    )


def rough_map(function: VolumeFunction | TextFunction, values: Tensor, baseline: Tensor) -> Tensor:
    """Integrated gradients in a few steps, for checks that need the map again and again."""
    return integrated_gradients(function, values, baseline, FEW_STEPS, at_once=FEW_STEPS)


def _seen(attributions: Tensor, seen: Tensor) -> Map:
    return np.asarray(attributions[0, 0][seen].double().numpy())
