"""The trainer on a network of one layer: what each field of a stage's schedule does to the weights."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from diagnosis.errors import ConfigurationError
from diagnosis.training.config import StageConfig, TrainConfig
from diagnosis.training.processes import own_rows, start_processes
from diagnosis.training.trainer import EpochBatches, FirstEpoch, Stage, fit_stage, validation_patients

SCHEDULE = StageConfig(epochs=4, batch_size=8, learning_rate=0.05, weight_decay=0.0)


class Line(EpochBatches):
    """Batches of points on a line, in an order drawn from the epoch."""

    def __init__(self, batch_size, slope=2.0, n_points=32):
        self.x = torch.linspace(-1, 1, n_points)[:, None]
        self.y, self.batch_size = slope * self.x, batch_size

    def __len__(self):
        return len(self.x) // self.batch_size

    def draw(self, epoch):
        order = np.random.default_rng((5, epoch)).permutation(len(self.x))
        for chosen in order.reshape(-1, self.batch_size):
            yield self.x[chosen], self.y[chosen]


class LineStage(Stage):
    """Least squares; notes what it has seen."""

    def __init__(self, schedule, seed=3):
        torch.manual_seed(seed)
        super().__init__(torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Dropout(0.2)), schedule, seed)
        self.dtypes, self.first_points, self.stop_after = set(), [], None

    def training_step(self, batch, index):
        if self.trainer.training and self.stop_after is not None and self.current_epoch >= self.stop_after:
            raise KeyboardInterrupt
        predicted = self.network(batch[0])
        if self.trainer.training:
            self.dtypes.add(predicted.dtype)
            if index == 0:
                self.first_points.append(float(batch[0][0]))
        loss = ((predicted.float() - batch[1]) ** 2).mean()
        self.log("loss", loss, batch_size=len(batch[0]))
        return loss

    @property
    def weights(self):
        return torch.cat([p.detach().flatten() for p in self.network.parameters()])


def silent(_done, _total):
    pass


def fit(folder, stage, batches=None, precision="32-true", validation=None):
    batches = batches or Line(stage.schedule.batch_size)
    fit_stage(stage, batches, TrainConfig(precision=precision), folder, silent, validation)
    return stage


def test_accumulated_batches_are_one_large_batch(tmp_path):
    class NoDropout(LineStage):
        def on_train_epoch_start(self):
            self.network.eval()

    large = fit(tmp_path / "large", NoDropout(replace(SCHEDULE, batch_size=16)))
    # The same order, cut in halves: two halves added are one whole.
    halves = fit(tmp_path / "halves", NoDropout(replace(SCHEDULE, batch_size=8, accumulate=2)))
    alone = fit(tmp_path / "alone", NoDropout(SCHEDULE))
    assert torch.allclose(large.weights, halves.weights, atol=1e-6)
    assert not torch.allclose(large.weights, alone.weights, atol=1e-3)


@pytest.mark.parametrize(("precision", "dtype"), [("bf16-mixed", torch.bfloat16), ("32-true", torch.float32)])
def test_precision_is_that_of_the_forward_pass_and_weights_stay_float32(tmp_path, precision, dtype):
    stage = fit(tmp_path, LineStage(replace(SCHEDULE, epochs=1)), precision=precision)
    assert stage.dtypes == {dtype}
    assert stage.weights.dtype == torch.float32


def test_training_stops_when_validation_no_longer_improves_and_keeps_the_best_epoch(tmp_path):
    # What is learned (slope 2) and what is watched (slope 0.3) agree only for a while.
    schedule = replace(SCHEDULE, epochs=40, patience=3, learning_rate=0.1)
    watched = FirstEpoch(Line(8, slope=0.3))
    stage = fit(tmp_path / "stopped", LineStage(schedule), validation=watched)
    whole = fit(tmp_path / "whole", LineStage(replace(schedule, patience=0)), validation=watched)
    assert len(stage.first_points) < len(whole.first_points) == 40
    assert abs(float(stage.weights[0]) - 0.3) < abs(float(whole.weights[0]) - 0.3)
    best_epoch = len(stage.first_points) - 1 - schedule.patience
    assert best_epoch >= 0


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_a_stopped_stage_resumes_with_the_same_batches_dropout_and_weights(tmp_path, ema_decay):
    schedule = replace(SCHEDULE, ema_decay=ema_decay)
    whole = fit(tmp_path / "whole", LineStage(schedule))
    stopped = LineStage(schedule)
    stopped.stop_after = 2
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        fit(tmp_path / "stopped", stopped)
    resumed = fit(tmp_path / "stopped", LineStage(schedule))
    assert stopped.first_points[:2] + resumed.first_points == whole.first_points
    assert torch.equal(resumed.weights, whole.weights)
    assert not (tmp_path / "stopped" / "last.ckpt").exists()


def test_a_loss_that_is_no_number_ends_the_training_and_says_where(tmp_path):
    with pytest.raises(ConfigurationError, match=r"loss of Sequential is not a number in epoch 0; lower learning_rate"):
        fit(tmp_path, LineStage(SCHEDULE), Line(8, slope=float("nan")))
    assert not (tmp_path / "final.pt").exists()


def test_the_loss_can_be_watched_in_tensorboard(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    fit(tmp_path, LineStage(replace(SCHEDULE, epochs=20)))  # 80 steps, every tenth is written
    written = events.EventAccumulator(str(tmp_path / "log")).Reload().Scalars("loss")
    assert [point.step for point in written] == list(range(9, 80, 10))
    assert written[-1].value < written[0].value / 2


def test_each_epoch_draws_other_batches(tmp_path):
    assert len(set(fit(tmp_path, LineStage(SCHEDULE)).first_points)) > 1


def test_validation_keeps_whole_patients_aside_and_always_the_same():
    patients = [f"p{i // 3}" for i in range(60)]
    kept = validation_patients(patients, seed=4)
    assert len(kept) == 3
    assert kept == validation_patients(patients[::-1], seed=4)
    assert kept != validation_patients(patients, seed=5)


def test_processes_share_a_batch_evenly(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    rows = []
    for rank in (0, 1):
        monkeypatch.setenv("RANK", str(rank))
        rows.append(list(range(7))[own_rows(7)])
    assert rows == [[0, 2, 4], [1, 3, 5]]


TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")


def run_line_program(start, *arguments):
    program = str(Path(__file__).with_name("line_program.py"))
    threads = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [*start, program, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, env=threads, check=False)


def final_weights(folder, stage):
    return torch.load(folder / stage / "final.pt", weights_only=True)


@pytest.fixture(scope="module")
def one_process(tmp_path_factory):
    folder = tmp_path_factory.mktemp("line") / "one"
    done = run_line_program([sys.executable], folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_two_processes_learn_what_one_learns_from_the_same_batches(one_process, tmp_path):
    done = run_line_program(TORCHRUN, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    for stage in ("first", "second"):
        assert float(final_weights(one_process, stage)["weight"]) != 0
        torch.testing.assert_close(
            final_weights(tmp_path, stage), final_weights(one_process, stage), atol=1e-6, rtol=1e-6
        )
        assert not (tmp_path / stage / "last.ckpt").exists()


def test_a_killed_process_resumes_to_the_same_weights(one_process, tmp_path):
    killed = run_line_program([sys.executable], tmp_path, 1)
    assert killed.returncode == -9
    assert (tmp_path / "first" / "last.ckpt").is_file()
    assert not (tmp_path / "first" / "final.pt").exists()
    done = run_line_program([sys.executable], tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    for stage in ("first", "second"):
        torch.testing.assert_close(final_weights(tmp_path, stage), final_weights(one_process, stage), atol=0, rtol=0)


def test_processes_that_were_not_started_are_missed(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(ConfigurationError, match=r"`devices` is 4, but 1 process was started; start it with `torchrun"):
        start_processes(4)
