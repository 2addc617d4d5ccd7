"""Why: attributions on the patient's own voxels, words and seconds of speech, each measured before it is shown.

======================  ========================================================================================
`parts`                 the network as a function of one part of one case (voxels, words, sound), the rest held
`path`                  integrated gradients: streamed, in fixed steps (as Captum) or refined until complete
`baselines`             what "nothing there" means: air, lung parenchyma, the region blurred; a masked text
`volume`                integrated gradients, Grad-CAM, occlusion, gradient SHAP on the voxels
`words`                 word pieces to words and sentences as they stand in the original text
`text`, `speech`        integrated gradients over word embeddings; on the note, and on the seconds of a dictation
`modality`              exact Shapley values of CT, note and voice, attention weights beside them
`case_scorer`           probabilities of many versions of one case, each part encoded once
`counterfactual`        what the probability becomes without a sentence, with a word negated, the region blanked
`faithfulness`          the figures that say whether a map can be believed, and the verdict
`randomization`         the same network with new random weights, whose map must look different
`explain`               all of it for one case
`side_by_side`          the maps of several parts at once, each on a processor of its own
`packing`               the BERT's frozen layers in the layout that the processor multiplies fastest
`benchmark`             all methods against known truth, in the cohorts of `benchmark_cohorts`; `benchmark_ledger`
                        keeps what was measured, so that a stopped run continues
`proof`                 all figures of one map; `memory`: its peak memory
======================  ========================================================================================

**What comes in** is a `DiagnosisNetwork`, a `ModelInput` of one case and the index of a finding; **what goes out** are
the records of `diagnosis.record.attribution`. Attributions are signed and in logits: positive speaks for the finding.

**What is held.** Each map explains one part while all other present parts stay as they are; how much each part matters
is the Shapley value's business. The size of a region is an input of its own: where no diameter was given, the network
reads it from the image, and that reading is held along the path, since it stands for an input and not for a place.

**When a map is withheld.** Thresholds stand in `faithfulness.Thresholds`, with their reasons. A map that fails is not
returned by `explain`; the reason is. Parts often say the same thing twice: beside a telling note the voxels may move
the answer by nothing that could be explained. Then the part is explained alone, with the others left out, and the map
says so (`explains`); only where that fails too is there no map.

**How good the maps are.** `diagnosis explain-benchmark --lidc FOLDER`, seed 7, bundle 33cab6e1; n is how many cases a
row rests on, seconds are of one core beside other work (on a quiet one a map of a real nodule takes 0.08), MB above the
start; as JSON in `benchmark.json` beside this file. On `phantom_ct` and the cohorts of words a small network is
explained, on `phantom_ct_model` and `lidc_nodules` the shipped model::

    cohort           method               n pointing game     mass deletion worst gap random credit seconds MB
    lidc_nodules     integrated_gradients 60 0.95 [0.86, 0.98] 0.50     0.95    0.0094   0.04      -    0.21 31
    lidc_nodules     gradient_shap        12 1.00 [0.76, 1.00] 0.48     0.92    1.8322   0.04      -    0.43 28
    lidc_nodules     occlusion            12 0.58 [0.32, 0.81] 0.31     0.92         -   0.15      -    0.32  0
    lidc_nodules     grad_cam             12 0.25 [0.09, 0.53] 0.12     0.75         -   0.09      -    0.02  0
    lidc_nodules     control_center       60 0.45 [0.33, 0.58] 0.37     0.80         -   1.00      -    0.00  0
    lidc_nodules     control_intensity    60 0.58 [0.46, 0.70] 0.24     0.78         -   1.00      -    0.00  0
    phantom_ct       integrated_gradients 20 0.95 [0.76, 0.99] 0.73     0.95    0.0099   0.01   0.96    0.12  6
    phantom_ct       gradient_shap        12 0.92 [0.65, 0.99] 0.67     0.92    0.7371   0.01      -    0.19  1
    phantom_ct       occlusion            12 0.92 [0.65, 0.99] 0.56     1.00         -   0.09      -    0.13  0
    phantom_ct       grad_cam             12 0.08 [0.01, 0.35] 0.14     0.00         -   0.13      -    0.02  0
    phantom_ct       control_center       20 0.85 [0.64, 0.95] 0.60     0.95         -   1.00      -    0.00  0
    phantom_ct       control_intensity    20 0.45 [0.26, 0.66] 0.37     1.00         -   1.00      -    0.00  0
    phantom_ct_model integrated_gradients 20 0.90 [0.70, 0.97] 0.64     1.00    0.0096   0.03      -    0.62  1
    phantom_ct_model gradient_shap        12 0.92 [0.65, 0.99] 0.61     1.00    0.4990   0.02      -    1.08 41
    phantom_ct_model occlusion            12 0.92 [0.65, 0.99] 0.44     0.83         -   0.16      -    0.60  0
    phantom_ct_model grad_cam             12 0.08 [0.01, 0.35] 0.12     0.67         -   0.07      -    0.04  0
    phantom_ct_model control_center       20 0.85 [0.64, 0.95] 0.60     0.95         -   1.00      -    0.00  0
    phantom_ct_model control_intensity    20 0.45 [0.26, 0.66] 0.37     0.95         -   1.00      -    0.00  0
    phantom_note     integrated_gradients 12 0.83 [0.55, 0.95] 0.53     1.00    0.0042   0.06   0.98    1.93 126
    phantom_note     leave_one_out        12 0.42 [0.19, 0.68] 0.44     0.92         -   0.03      -    3.49 58
    phantom_note     control_longest_word 12 0.75 [0.47, 0.91] 0.55     0.92         -   1.00      -    0.00  0
    phantom_voice    integrated_gradients 12 0.92 [0.65, 0.99] 0.92     1.00    0.0094   0.07   1.00    0.98  0
    phantom_voice    leave_one_out        12 0.75 [0.47, 0.91] 0.93     0.67         -   0.07      -    0.67 21
    phantom_voice    control_longest_word 12 1.00 [0.76, 1.00] 0.96     1.00         -   1.00      -    0.00  0

Pointing game with Wilson's 95 % interval; `worst gap` is the largest completeness gap; `random` the mean |rank
correlation| with three networks of random weights, over six cases. Nodules are explained by the member that was trained
without them. On the synthetic chests the middle of the region hits too (0.85): what a map proves there is that it
follows the network, and the real nodules, where the middle hits 0.45, say more. Gradient SHAP is a mean over 36
samples and leaves large gaps where the logit hardly changes; occlusion and Grad-CAM promise no completeness.

`credit` is the part's share of the Shapley values where it alone can tell. The small networks are taught that without
it nothing is known; networks that were not taught so gave 22 and 38 % of the credit of words to the other parts, and
one that learned lesions from the CT for 320 steps instead of 480 gave 7 % away.

**Planted words** prove less than planted lesions: most of such a text tells, so that the longest word lies in a telling
sentence nearly as often as the strongest, and another training of the same small network points elsewhere (0.67 of the
notes after 480 steps, 0.08 after 640, 0.58 after 960). Tried and left: one telling sentence among those of a clear
chest. A small network answered it without a mistake, and neither integrated gradients nor leaving words out pointed at
the sentence: the network had most likely read it from the states of all words, over which the BERT spreads it.

**How long it takes.** The maps of CT, note and dictation of a sample case with their proofs and the counterfactuals
took 7.9 to 8.9 s on two quiet cores, 15 s of processor time, most of it the BERT; a map of the CT by the whole ensemble
half a second. Memory does not grow with the number of steps.

Attention weights are reported beside the Shapley values and are not called an explanation (Jain and Wallace 2019,
https://arxiv.org/abs/1902.10186).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diagnosis.networks.classifier import DiagnosisNetwork
    from diagnosis.preprocessing.batch import InputContract, PreparedCase
    from diagnosis.record import Case, Explanation

__all__ = ["explain_case"]


def explain_case(
    network: "DiagnosisNetwork",
    contract: "InputContract",
    case: "Case",
    prepared: "PreparedCase",
    names: Sequence[str],
    finding: str,
    **options: Any,  # noqa: ANN401
) -> "Explanation":
    """Explain one finding on one case; see `diagnosis.explanation.explain`, which is imported only here."""
    from diagnosis.explanation import explain

    return explain.explain_case(network, contract, case, prepared, names, finding, **options)
