"""Scoring on this machine: the networks here, the readers beside them."""

from diagnosis import settings
from diagnosis.batch.cache import FileCache
from diagnosis.batch.choice import make_runtime
from diagnosis.batch.encoder import StudyEncoder
from diagnosis.batch.job import BatchOptions, ScoringJob
from diagnosis.batch.pipeline import Pipeline
from diagnosis.batch.reader_pool import ReaderPool, Start, start_reader
from diagnosis.batch.reading import ReaderSettings
from diagnosis.batch.runtime import TorchRuntime
from diagnosis.bundle.folder import Bundle
from diagnosis.engine import DiagnosisEngine
from diagnosis.progress import OnProgress


def reader_settings(bundle: Bundle, options: BatchOptions) -> ReaderSettings:
    """What the reading processes have to know."""
    trained = bundle.metadata.training_range
    return ReaderSettings(
        contract=bundle.metadata.inputs.contract(),
        text_encoder=bundle.network.config.text_encoder,
        diameter_mm=None if trained is None else trained.diameter_mm,
        slice_spacing_mm=None if trained is None else trained.slice_spacing_mm,
        ct_familiarity=None if bundle.familiarity is None else bundle.familiarity.ct,
        repair=options.repair,
        cache=options.cache_folder,
    )


def score_here(job: ScoringJob, on_progress: OnProgress | None = None, start: Start = start_reader) -> None:
    """Score what waits in the ledger until nothing does.

    Raises:
        MissingDependencyError: the reading processes do not start.
        StoreError: the ledger cannot be written.
    """
    import torch

    n_readers = job.options.workers or settings.thread_count()
    with ReaderPool(n_readers, reader_settings(job.bundle, job.options), job.options.limits, start) as pool:
        # One thread, whatever the machine: sums depend on how many threads share them, and results may not.
        torch.set_num_threads(1)
        # What is compiled, is compiled for the processor.
        is_graphics = torch.cuda.is_available() and job.runtime == TorchRuntime.name
        network = job.bundle.network.to("cuda" if is_graphics else "cpu")
        engine = DiagnosisEngine(job.bundle)
        runtime = make_runtime(job.runtime, network, engine.contract.view.shape)
        encoder = StudyEncoder(engine, runtime, FileCache(job.options.cache_folder))
        Pipeline(job.studies, job.ledger, job.owner, encoder).run(pool, on_progress)
