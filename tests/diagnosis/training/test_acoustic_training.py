from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from diagnosis.errors import ConfigurationError
from diagnosis.networks.acoustic_encoder import AcousticEncoderConfig
from diagnosis.training import run
from diagnosis.training.cohort import Cohort, TrainingCase
from diagnosis.training.config import TrainConfig
from diagnosis.training.folds import train_folds

N_CASES, N_MELS = 48, 8


def quietly(_title):
    return lambda _done, _total: None


def make_cohort(*, is_heard: bool) -> Cohort:
    """Dictations that say the same; a band of the sound is louder where the finding is."""
    rng = np.random.default_rng(0)
    cases = []
    for i in range(N_CASES):
        label = i // 3 % 2
        sound = rng.normal(size=(N_MELS, int(rng.integers(40, 80)))).astype(np.float32)
        sound[2] += 2.0 * label
        case = TrainingCase(
            f"c{i}", f"p{i}", f"fold{i % 3}", (label,), (float(label),), None, None, (), None, "Nodule."
        )
        cases.append(replace(case, sound=sound if is_heard else None))
    return Cohort("made up", ("malignancy",), tuple(cases))


@pytest.fixture
def config(tmp_path) -> TrainConfig:
    base = TrainConfig(work=str(tmp_path / "work"), synthetic_texts=64, workers=1, precision="32-true")
    network = replace(base.network, embed_dim=32, acoustic_encoder=AcousticEncoderConfig(n_mels=N_MELS, width=16))
    return replace(
        base,
        network=network,
        text=replace(base.text, epochs=1, batch_size=32),
        fusion=replace(base.fusion, epochs=12, batch_size=16, learning_rate=5e-3),
    )


def test_what_only_the_sound_tells_is_learned_by_training(config):
    cohort = make_cohort(is_heard=True)
    network, answers = train_folds(config, cohort, quietly)
    labels = [case.labels[0] for case in cohort.cases]
    assert roc_auc_score(labels, answers.logits["voice"][:, 0]) > 0.9
    assert all(member.acoustic_encoder is not None for member in network.classifiers())


def test_an_acoustic_branch_without_recordings_is_refused(config, monkeypatch):
    monkeypatch.setattr(run, "_read_cohort", lambda *_args, **_options: make_cohort(is_heard=False))
    with pytest.raises(ConfigurationError, match="no case of the cohort has a recording"):
        run.read_cohort(config, quietly)
