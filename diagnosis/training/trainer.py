"""One way to run a stage: Lightning's trainer, checkpoints that resume, and epochs that can be repeated exactly."""

import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import Sampler

from diagnosis.errors import ConfigurationError
from diagnosis.progress import OnProgress
from diagnosis.settings import process_count, process_rank
from diagnosis.training.config import StageConfig, TrainConfig
from diagnosis.training.processes import is_first, own_rows, wait_for_all

VALIDATION_LOSS = "validation_loss"
VALIDATION_SHARE = 0.15
"""Share of the patients kept for early stopping, where `patience` asks for it."""


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


class EpochBatches(ABC):
    """Batches drawn from (seed, epoch): a resumed epoch equals that of a run that was never stopped.

    Every process draws the same batches and yields its own rows of them.
    """

    epoch = 0

    @property
    def sampler(self) -> "EpochBatches":
        """Lightning tells the sampler of a loader which epoch begins."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def draw(self, epoch: int) -> Iterator[tuple[Any, ...]]:
        """The batches of an epoch, whole."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for batch in self.draw(self.epoch):
            yield batch if process_count() == 1 else _rows_of(batch)


def _rows_of(batch: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """This process's rows; a named tuple stays one."""
    rows = own_rows(len(batch[0]))
    shares = [part[rows] for part in batch]
    make = getattr(type(batch), "_make", tuple)
    made: tuple[Tensor, ...] = make(shares)
    return made


@final
class FirstEpoch:
    """The same batches at every epoch, for validation."""

    def __init__(self, batches: EpochBatches) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self.batches.draw(0)


def validation_patients(patient_ids: list[str], seed: int) -> set[str]:
    """Patients kept for early stopping."""
    patients = sorted(set(patient_ids))
    order = np.random.default_rng((seed, len(patients))).permutation(len(patients))
    return {patients[i] for i in order[: max(1, round(VALIDATION_SHARE * len(patients)))]}


class Stage(lightning.LightningModule):  # type: ignore[misc] # lightning is untyped here
    """A stage of training: AdamW on a one-cycle schedule, and dropout drawn from (seed, epoch)."""

    def __init__(self, network: nn.Module, schedule: StageConfig, seed: int) -> None:
        super().__init__()
        self.network = network
        self.schedule, self.seed = schedule, seed

    def on_before_backward(self, loss: Tensor) -> None:
        """A loss that is no number would make every weight one, and the run would end with a network of those.

        Raises:
            ConfigurationError: it is not finite.
        """
        if not bool(torch.isfinite(loss)):
            msg = (
                f"training: the loss of {type(self.network).__name__} is not a number in epoch {self.current_epoch}; "
                "lower learning_rate, or set precision: 32-true"
            )
            raise ConfigurationError(msg)

    def on_train_batch_start(self, _batch: Any, batch_idx: int) -> None:  # noqa: ANN401 - each stage has its own
        """Dropout of a resumed epoch equals that of an epoch that was never stopped.

        Seeded at the first batch and not when the epoch begins: in between the loader draws a number of its own, but
        not as often in a resumed run.
        """
        if batch_idx == 0:
            torch.manual_seed(self.seed * 100_003 + self.current_epoch)

    def validation_step(self, batch: Any, index: int) -> None:  # noqa: ANN401 - each stage has its own batches
        """The training loss on patients kept aside, without dropout."""
        self.log(VALIDATION_LOSS, self.training_step(batch, index), on_epoch=True, sync_dist=True, batch_size=1)

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

    def __init__(self, on_progress: OnProgress) -> None:
        self.on_progress = on_progress

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """One more epoch is done."""
        self.on_progress(trainer.current_epoch + 1, trainer.max_epochs or 0)


def fit_stage(
    stage: Stage,
    batches: Any,  # noqa: ANN401 - any loader of batches
    config: TrainConfig,
    folder: Path,
    on_progress: OnProgress,
    validation: Any = None,  # noqa: ANN401
) -> None:
    """Train a stage, resuming from its last checkpoint where one exists; its network then holds the final weights.

    With a moving average, the final weights are the averaged ones; with `patience` and `validation`, those of the epoch
    that was best on the validation batches.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / "final.pt"
    if final.is_file():
        stage.network.load_state_dict(torch.load(final, weights_only=True))
        return
    stops_early = bool(stage.schedule.patience) and validation is not None
    torch.manual_seed(stage.seed)
    with _quiet_lightning():
        trainer = lightning.Trainer(
            max_epochs=stage.schedule.epochs,
            accelerator="cpu" if not torch.cuda.is_available() else "auto",
            devices=process_count(),
            # Stage 1 leaves the token layers to stage 3: not every weight has a gradient.
            strategy="auto" if process_count() == 1 else "ddp_find_unused_parameters_true",
            precision=config.precision,
            accumulate_grad_batches=stage.schedule.accumulate,
            gradient_clip_val=2.0,
            callbacks=[*_callbacks(stage.schedule, folder, stops_early=stops_early), _Report(on_progress)],
            logger=_tracker(folder),
            log_every_n_steps=10,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
        )
        last = folder / "last.ckpt"
        resumed = str(last) if last.is_file() else None
        watched = validation if stops_early else None
        trainer.fit(stage, batches, watched, ckpt_path=resumed, weights_only=False)
    if stops_early:
        stage.load_state_dict(torch.load(folder / "best.ckpt", weights_only=True)["state_dict"])
    wait_for_all()
    if is_first():
        save_tensors(_plain(stage.network.state_dict()), final)
        for done in (last, folder / "best.ckpt"):
            done.unlink(missing_ok=True)
    wait_for_all()


def _callbacks(schedule: StageConfig, folder: Path, *, stops_early: bool) -> list[Callback]:
    """A checkpoint after every epoch, and what the schedule asks for.

    Two callbacks write checkpoints: Lightning's `save_last` writes only when a best one is written in the same epoch.
    """
    always = {"dirpath": folder, "save_on_train_epoch_end": True, "enable_version_counter": False}
    callbacks: list[Callback] = [ModelCheckpoint(filename="last", **always)]
    if stops_early:
        callbacks.append(ModelCheckpoint(filename="best", monitor=VALIDATION_LOSS, **always))
        callbacks.append(EarlyStopping(VALIDATION_LOSS, patience=schedule.patience, check_on_train_epoch_end=True))
    if schedule.ema_decay:
        callbacks.append(EMAWeightAveraging(decay=schedule.ema_decay, use_buffers=True))
    return callbacks


def save_tensors(values: Any, path: Path) -> None:  # noqa: ANN401 - whatever torch.save takes
    """Write a file that is whole or not there, however the process ends."""
    partial = path.with_suffix(f".partial{process_rank()}")
    torch.save(values, partial)
    partial.replace(path)


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
