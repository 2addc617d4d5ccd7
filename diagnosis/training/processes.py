"""Several processes by torchrun: who is first, and how the others wait for what the first writes.

`torchrun --nproc_per_node 2 -m diagnosis train CONFIG` starts every process with the same configuration. Each draws the
same batches and learns from its own rows of them; Lightning averages the gradients. What is made once (tables, caches,
checkpoints, the bundle) is made by the first process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed

from diagnosis.errors import ConfigurationError
from diagnosis.settings import process_count, process_rank

PATIENCE = timedelta(days=1)
"""Longest wait for the first process, which may transcribe hundreds of dictations."""


def start_processes(expected: int) -> None:
    """Join the processes that torchrun started; does nothing for one alone.

    Raises:
        ConfigurationError: the configuration asks for several processes and torchrun started another number.
    """
    if expected not in {1, process_count()}:
        msg = (
            f"training: `devices` is {expected}, but {process_count()} process was started; start it with "
            f"`torchrun --nproc_per_node {expected} -m diagnosis train CONFIG`"
        )
        raise ConfigurationError(msg)
    if process_count() > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)


def is_first() -> bool:
    """Whether this process writes what is written once."""
    return process_rank() == 0


def wait_for_all() -> None:
    """Go on when every process has come here."""
    if process_count() > 1 and distributed.is_initialized():
        distributed.barrier()


@contextmanager
def first_process_first() -> Iterator[None]:
    """The first process runs the block alone; the others then run it, and find on disk what the first has made."""
    if not is_first():
        wait_for_all()
    yield
    if is_first():
        wait_for_all()


def own_rows(n_rows: int) -> slice:
    """Rows of a batch that this process learns from; all processes get the same number of them."""
    usable = n_rows - n_rows % process_count()
    return slice(process_rank(), usable, process_count())
