"""A program for torchrun: fits a line by the project's trainer, in as many processes as were started.

With a second argument it ends itself without warning (SIGKILL) in that epoch.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

from diagnosis.training.config import StageConfig, TrainConfig
from diagnosis.training.processes import start_processes
from diagnosis.training.trainer import EpochBatches, Stage, fit_stage


class Line(EpochBatches):
    """Four batches of eight points on a line."""

    def __len__(self):
        return 4

    def draw(self, epoch):
        x = torch.linspace(-1, 1, 32)[:, None]
        order = np.random.default_rng((5, epoch)).permutation(32)
        for chosen in order.reshape(4, 8):
            yield x[chosen], 2 * x[chosen]


class LineStage(Stage):
    """Least squares."""

    killed_in = None

    def training_step(self, batch, _index):
        if self.current_epoch == self.killed_in:
            os.kill(os.getpid(), signal.SIGKILL)
        return ((self.network(batch[0]) - batch[1]) ** 2).mean()


def main(folder, killed_in=None):
    """Fit, twice in a row as a run with several stages does."""
    start_processes(1)
    for name in ("first", "second"):
        torch.manual_seed(1)
        schedule = StageConfig(epochs=2, batch_size=8, learning_rate=0.05, weight_decay=0.0, ema_decay=0.5)
        stage = LineStage(torch.nn.Linear(1, 1), schedule, 3)
        stage.killed_in = killed_in
        fit_stage(stage, Line(), TrainConfig(precision="32-true"), Path(folder) / name, lambda _done, _all: None)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
