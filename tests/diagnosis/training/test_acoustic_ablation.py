"""The acoustic branch on and off: it finds what is in the sound, and nothing where nothing is."""

import numpy as np
import pytest
import torch

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.metrics import auroc
from diagnosis.training.acoustic_ablation import Heard, _out_of_fold, measure_acoustic_branch
from diagnosis.training.config import DataConfig, TrainConfig


def make_heard(*, sound_tells: bool) -> Heard:
    """240 short recordings, three folds; words that tell a little; a hum in those of one class, if the sound tells."""
    rng = np.random.default_rng(3)
    labels = np.arange(240) % 2
    sounds = []
    for label in labels:
        sound = rng.normal(0, 1, (40, 32))
        if sound_tells and label:
            sound[5] += 4 * np.sin(np.arange(32))
        sounds.append(torch.from_numpy(sound).float())
    folds = np.array([f"fold{i}" for i in rng.permutation(240) % 3])
    return Heard(labels, folds, tuple(map(str, range(240))), labels + rng.normal(0, 1, 240), tuple(sounds))


@pytest.mark.parametrize("sound_tells", [True, False])
def test_the_branch_hears_what_there_is(sound_tells):
    heard = make_heard(sound_tells=sound_tells)
    words, both, sound = (auroc(_out_of_fold(heard, part, 0), heard.labels) for part in ("words", "both", "sound"))
    assert 0.65 < words < 0.85
    if sound_tells:
        assert sound > 0.9
        assert both > words + 0.1
    else:
        assert 0.35 < sound < 0.65
        assert both < words + 0.05


def test_without_sound_the_words_keep_their_order_within_a_fold():
    heard = make_heard(sound_tells=False)
    scores = _out_of_fold(heard, "words", 0)
    for fold in np.unique(heard.folds):
        own = heard.folds == fold
        assert (np.argsort(scores[own]) == np.argsort(heard.word_logits[own])).all()


def test_another_cohort_is_refused_with_what_to_do_instead():
    config = TrainConfig(data=DataConfig(kind="manifest", root="cohort.csv"))
    with pytest.raises(ConfigurationError, match=r"train with network\.acoustic_encoder and without it"):
        measure_acoustic_branch(config, lambda _title: lambda _done, _total: None)
