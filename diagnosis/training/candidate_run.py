"""From a folder of outlined nodules to the network that ranks candidates, in one call that can be repeated."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from diagnosis.candidates.finder import propose
from diagnosis.candidates.ranking import RoundnessRanking
from diagnosis.errors import ConfigurationError
from diagnosis.phantom.kinds import KINDS, draw_kind_spec
from diagnosis.phantom.patient import make_ct
from diagnosis.progress import OnProgress
from diagnosis.record import Volume
from diagnosis.training.candidate_stage import BlobExamples, Floats, fit_ranking, join_examples, label_proposals
from diagnosis.training.implants import Cutout, implant, read_cutouts

N_FOLDS = 4


@final
@dataclass(frozen=True)
class CandidateTraining:
    """What the network is trained on.

    Attributes:
        n_chests: synthetic patients without a lesion.
        n_repeats: times that other nodules are set into each.
        n_nodules: real nodules set into a chest; one of the large ones is set in magnified as well.
        chest_seed, implant_seed, fit_seed: of the patients, of nodules and places, of the network.
        held_out_fold: of LIDC, whose patients' nodules are left out.
    """

    n_chests: int = 11
    n_repeats: int = 2
    n_nodules: int = 14
    chest_seed: int = 11
    implant_seed: int = 5
    fit_seed: int = 0
    held_out_fold: str = "fold4"

    def __post_init__(self) -> None:
        if self.n_chests < N_FOLDS or self.n_repeats < 1 or self.n_nodules < 1:
            msg = f"candidate training: at least {N_FOLDS} chests, one repeat and one nodule are needed"
            raise ConfigurationError(msg)


def train_candidates(lidc: Path, folder: Path, config: CandidateTraining, advance: OnProgress) -> dict[str, Any]:
    """Make the chests, train, and write the model folder.

    Args:
        lidc: folder of the LIDC nodules.
        folder: where the model is written.
        config: what it is trained on.
        advance: called with (done, all) chests.

    Returns:
        The facts that are written to `metadata.json`, with cross-validated figures beside those of the rule.

    Raises:
        InputError: the nodules cannot be read.
    """
    cutouts = [c for c in read_cutouts(lidc) if c.fold != config.held_out_fold]
    chests = []
    for number in range(config.n_chests):
        chests.append(_examples_of(number, cutouts, config))
        advance(number + 1, config.n_chests)
    facts = asdict(config) | fit_facts(chests, config.fit_seed)
    fit_ranking(join_examples(chests), config.fit_seed).save(folder, facts)
    return facts


def _examples_of(number: int, cutouts: list[Cutout], config: CandidateTraining) -> BlobExamples:
    """Blobs of one synthetic patient, with other nodules each time."""
    kind = KINDS[number % len(KINDS)]
    rng = np.random.default_rng([config.chest_seed, number])
    ct = make_ct(draw_kind_spec(kind, rng, f"chest_{number:03d}", has_lesion=False))
    chest = Volume(ct.hu.astype(np.float32), ct.affine_lps)
    found = []
    for repeat in range(config.n_repeats):
        place = np.random.default_rng([config.implant_seed, number, repeat])
        chosen = [cutouts[i] for i in place.choice(len(cutouts), config.n_nodules, replace=False)]
        with_lesions, lesions = implant(chest, chosen, 1, place)
        proposals = propose(with_lesions)
        if proposals is not None:
            found.append(label_proposals(proposals, lesions))
    return join_examples(found)


def fit_facts(chests: Sequence[BlobExamples], seed: int) -> dict[str, Any]:
    """How many blobs there are, and how well network and rule tell lesions from the rest in chests held out."""
    folds = [list(range(k, len(chests), N_FOLDS)) for k in range(N_FOLDS)]
    truth, network, rule = [], [], []
    for fold in folds:
        rest = join_examples([c for i, c in enumerate(chests) if i not in fold])
        held_out = join_examples([chests[i] for i in fold])
        truth.append(held_out.is_lesion)
        network.append(fit_ranking(rest, seed).strength(held_out.traits))
        rule.append(RoundnessRanking().strength(held_out.traits))
    labels = np.concatenate(truth)
    return {
        "n_blobs": len(labels),
        "n_lesion_blobs": int(labels.sum()),
        "cross_validated": {
            "network": _areas(labels, np.concatenate(network)),
            "rule": _areas(labels, np.concatenate(rule)),
        },
    }


def _areas(labels: Floats, strengths: Floats) -> dict[str, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "auroc": round(float(roc_auc_score(labels, strengths)), 4),
        "average_precision": round(float(average_precision_score(labels, strengths)), 4),
    }
