"""Maps on the voxels of the region: which voxels speak for a finding, and which against it.

=========================  ==========================================================================================
`integrated_gradients`     complete: the map sums to the change of the logit from the baseline (`path`)
`gradient_shap`            expected gradients over the three baselines and noisy copies (Captum)
`occlusion`                change of the logit while a box is set to the baseline, averaged over the boxes (Captum)
`grad_cam`                 Grad-CAM on the last feature map (Captum); coarse, relative, without a baseline
=========================  ==========================================================================================

All methods explain the same function (`parts.VolumeFunction`) and return a `VolumeAttribution` with the affine of the
region's own grid. Voxels that the network does not look at, the corners of the grid, get exactly zero from the methods
that follow the gradient to the voxels.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import torch
from torch import Tensor

from diagnosis.errors import ExplanationError
from diagnosis.explanation.baselines import HU_BASELINES, HuBaseline, baseline_words, hu_baseline
from diagnosis.explanation.parts import VolumeFunction, held_still
from diagnosis.explanation.path import Refinement, completeness_gap, integrate_adaptively, points_at_once
from diagnosis.explanation.side_by_side import GLOBAL_GENERATORS
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.record import Faithfulness, VolumeAttribution

VolumeMethod = Literal["integrated_gradients", "gradient_shap", "occlusion", "grad_cam"]
VOLUME_METHODS: tuple[VolumeMethod, ...] = ("integrated_gradients", "gradient_shap", "occlusion", "grad_cam")

OCCLUSION_MM = 6.0
"""Side of the box that is blanked: the smallest nodule that guidelines follow up (Fleischner 2017)."""
SHAP_SAMPLES = 36
SHAP_NOISE_HU = 40.0
"""Standard deviation of the noise on the copies: about the noise of a low-dose chest CT."""


@final
@dataclass(frozen=True)
class VolumeQuestion:
    """What a map is asked to answer with.

    Attributes:
        method: one of `VOLUME_METHODS`.
        baseline: what "nothing there" means, for the methods that need it.
        refinement: when integrated gradients are complete enough.
    """

    method: VolumeMethod = "integrated_gradients"
    baseline: HuBaseline = "parenchyma"
    refinement: Refinement = Refinement()  # noqa: RUF009 - frozen


def attribute_volume(
    function: VolumeFunction, view: FieldOfView, affine_lps: np.ndarray, question: VolumeQuestion | None = None
) -> VolumeAttribution:
    """The map of one region.

    Args:
        function: the network as a function of the region's voxels.
        view: the grid and HU range of the bundle.
        affine_lps: (4,4) of the region's grid.
        question: method and baseline.

    Raises:
        ExplanationError: unknown method or baseline.
    """
    asked = question or VolumeQuestion()
    makers = {
        "integrated_gradients": _integrated_gradients,
        "gradient_shap": _gradient_shap,
        "occlusion": _occlusion,
        "grad_cam": _grad_cam,
    }
    if asked.method not in makers:
        msg = f"explanation: {asked.method!r} is not a method for voxels; use one of {', '.join(VOLUME_METHODS)}"
        raise ExplanationError(msg)
    values, gap = makers[asked.method](function, view, asked)
    baselines = {"grad_cam": "none", "gradient_shap": "air, lung parenchyma and the blurred region"}
    return VolumeAttribution(
        values=values[0, 0].detach().numpy().astype(np.float32),
        affine_lps=affine_lps,
        method=asked.method,
        baseline=baselines.get(asked.method, baseline_words(asked.baseline)),
        faithfulness=Faithfulness(completeness_gap=gap),
    )


def seen_voxels(function: VolumeFunction) -> Tensor:
    """Where the network looks at all, (depth,height,width) bool: inside the field of view's cylinder."""
    bright = torch.ones_like(function.values)
    with torch.no_grad():
        return (function.members[0].volume_encoder.windowed(bright) != 0).any(dim=1)[0]


def _integrated_gradients(
    function: VolumeFunction, view: FieldOfView, question: VolumeQuestion
) -> tuple[Tensor, float | None]:
    baseline = hu_baseline(function.values, view, question.baseline)
    result = integrate_adaptively(function, function.values, baseline, question.refinement)
    return result.attributions, result.completeness_gap


def _gradient_shap(
    function: VolumeFunction, view: FieldOfView, question: VolumeQuestion
) -> tuple[Tensor, float | None]:
    """A few samples at a time, for Captum would stack them all; seeded, so that a map can be made again."""
    from captum.attr import GradientShap

    del question  # expected gradients have a distribution of baselines
    baselines = torch.cat([hu_baseline(function.values, view, name) for name in HU_BASELINES])
    noise = SHAP_NOISE_HU / (view.hu_range[1] - view.hu_range[0])
    shap, total = GradientShap(function), torch.zeros_like(function.values)
    at_once, per_baseline = points_at_once(function.values), SHAP_SAMPLES // len(baselines)
    with _seeded(), held_still(function.network):
        for one in torch.split(baselines, 1):
            for first in range(0, per_baseline, at_once):
                n = min(at_once, per_baseline - first)
                # Captum draws noise, and the place on the path, of each sample.
                mean = shap.attribute(function.values, baselines=one, n_samples=n, stdevs=noise)
                total += mean.detach() * n / SHAP_SAMPLES
    with torch.no_grad():
        logit, expected = float(function(function.values)), float(function(baselines).mean())
    return total, completeness_gap(float(total.double().sum()), logit, expected)


@contextmanager
def _seeded() -> Iterator[None]:
    """Torch's and numpy's global generators at a fixed start, and as they were afterwards: Captum draws from both."""
    state = np.random.get_state()  # noqa: NPY002 - Captum uses the global generator
    with GLOBAL_GENERATORS, torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002


def _occlusion(function: VolumeFunction, view: FieldOfView, question: VolumeQuestion) -> tuple[Tensor, float | None]:
    from captum.attr import Occlusion

    window = tuple(
        min(size, max(1, round(OCCLUSION_MM / spacing)))
        for size, spacing in zip(view.shape, view.spacing_mm, strict=True)
    )
    strides = tuple(max(1, side // 2) for side in window)
    with torch.no_grad():
        result = Occlusion(function).attribute(
            function.values,
            sliding_window_shapes=(1, *window),
            strides=(1, *strides),
            baselines=hu_baseline(function.values, view, question.baseline),
            perturbations_per_eval=8,
        )
    return result, None


def _grad_cam(function: VolumeFunction, view: FieldOfView, question: VolumeQuestion) -> tuple[Tensor, float | None]:
    """Mean over the members; signed: regions that speak against the finding are kept."""
    from captum.attr import LayerAttribution, LayerGradCam

    del question  # Grad-CAM has no baseline
    total = torch.zeros_like(function.values)
    for member, term in zip(function.members, function.terms, strict=True):
        backbone = member.volume_encoder.backbone
        # The last map is the output of `late`; a hook there needs a graph, hence the input's gradient.
        cam = LayerGradCam(term, backbone.get_submodule("late"))
        coarse = cam.attribute(function.values.detach().requires_grad_(), relu_attributions=False)
        fine = LayerAttribution.interpolate(coarse.detach(), view.shape, interpolate_mode="trilinear")
        total += fine / len(function.members)
    return total, None
