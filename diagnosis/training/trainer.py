"""One way to run a stage: Lightning's trainer, checkpoints that resume, and epochs that can be repeated exactly."""

import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, final

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import Sampler

from diagnosis.training.config import StageConfig, TrainConfig


@final
class EpochSampler(Sampler[tuple[int, int]]):
    """Yields (epoch, index) in an order drawn from (seed, epoch): a resumed run sees what it would have seen.

    With several processes each takes every n-th case of the same order.
    """

    def __init__(self, n_cases: int, seed: int, rank: int = 0, n_processes: int = 1) -> None:
        self.n_cases, self.seed, self.rank, self.n_processes = n_cases, seed, rank, n_processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.n_cases)
        usable = len(order) - len(order) % self.n_processes
        return iter([(self.epoch, int(i)) for i in order[self.rank : usable : self.n_processes]])

    def __len__(self) -> int:
        return self.n_cases // self.n_processes


class Stage(lightning.LightningModule):  # type: ignore[misc] # lightning is untyped here
    """A stage of training: AdamW on a one-cycle schedule, and dropout drawn from (seed, epoch)."""

    def __init__(self, network: nn.Module, schedule: StageConfig, seed: int) -> None:
        super().__init__()
        self.network = network
        self.schedule, self.seed = schedule, seed

    def on_train_epoch_start(self) -> None:
        """Dropout of a resumed epoch equals that of an epoch that was never stopped."""
        torch.manual_seed(self.seed * 100_003 + self.current_epoch)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's own signature
        """AdamW; weight decay does not touch biases, norms and learned vectors."""
        matrices = [p for p in self.network.parameters() if p.requires_grad and p.ndim > 1]
        vectors = [p for p in self.network.parameters() if p.requires_grad and p.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": self.schedule.weight_decay},
            {"params": vectors, "weight_decay": 0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.schedule.learning_rate)
        steps = int(self.trainer.estimated_stepping_batches)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.schedule.learning_rate, steps, pct_start=0.15)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


@final
class _Report(Callback):  # type: ignore[misc] # lightning is untyped here
    """Tells the progress bar of the command line where a stage is."""

    def __init__(self, on_progress: Callable[[int, int], None]) -> None:
        self.on_progress = on_progress

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """One more epoch is done."""
        self.on_progress(trainer.current_epoch + 1, trainer.max_epochs or 0)


def fit_stage(
    stage: Stage,
    batches: Any,  # noqa: ANN401 - any loader of batches
    config: TrainConfig,
    folder: Path,
    on_progress: Callable[[int, int], None],
) -> None:
    """Train a stage, resuming from its last checkpoint where one exists; its network then holds the final weights.

    With a moving average, the final weights are the averaged ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / "final.pt"
    if final.is_file():
        stage.network.load_state_dict(torch.load(final, weights_only=True))
        return
    callbacks: list[Callback] = [ModelCheckpoint(folder, save_last=True, save_top_k=0), _Report(on_progress)]
    if stage.schedule.ema_decay:
        callbacks.append(EMAWeightAveraging(decay=stage.schedule.ema_decay, use_buffers=True))
    torch.manual_seed(stage.seed)
    with _quiet_lightning():
        trainer = lightning.Trainer(
            max_epochs=stage.schedule.epochs,
            accelerator="cpu" if not torch.cuda.is_available() else "auto",
            devices=config.devices,
            precision=config.precision,
            accumulate_grad_batches=stage.schedule.accumulate,
            gradient_clip_val=2.0,
            callbacks=callbacks,
            logger=_tracker(folder),
            log_every_n_steps=10,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )
        last = folder / "last.ckpt"
        trainer.fit(stage, batches, ckpt_path=str(last) if last.is_file() else None, weights_only=False)
    if trainer.is_global_zero:
        partial = final.with_suffix(".partial")
        torch.save(_plain(stage.network.state_dict()), partial)
        partial.replace(final)
        last.unlink(missing_ok=True)


def _plain(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}


def _tracker(folder: Path) -> Any:  # noqa: ANN401 - Lightning's loggers share no public type
    """TensorBoard where it is installed, else CSV."""
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

    try:
        return TensorBoardLogger(folder, name="", version="log")
    except ModuleNotFoundError:
        return CSVLogger(folder, name="", version="log")


class _quiet_lightning(warnings.catch_warnings):  # noqa: N801 - a context manager, used as a verb
    """Lightning's advice on workers and hardware is not for the user of this command."""

    def __enter__(self) -> Any:  # noqa: ANN401
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        entered = super().__enter__()
        warnings.filterwarnings("ignore", module="lightning")
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        return entered
