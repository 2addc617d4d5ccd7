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
`benchmark`             all methods against known truth, in the cohorts of `benchmark_cohorts`
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
