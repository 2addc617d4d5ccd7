"""What is asked of a run, and what one machine needs to do its part of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from diagnosis.batch.reader_pool import Limits
from diagnosis.batch.studies import Study
from diagnosis.bundle.folder import Bundle
from diagnosis.store.ledger import Ledger


@final
@dataclass(frozen=True)
class BatchOptions:
    """How a run is made.

    Attributes:
        source, regions: see `find_studies`.
        bundle: folder.
        out: folder of the results.
        workers: reading processes; by default as many as there are processors.
        limits: what one study may cost.
        ledger: URL of its database; by default `ledger.sqlite3` in `out`.
        cache: folder of transcripts and embeddings; by default `cache` in `out`.
        uses_cache: False to keep and look up nothing.
        repair: "resample" to accept tilted CT.
        retries_failed: score again what failed in an earlier start of this run.
        runtime: `float32`, or `auto` for what measures best on this machine.
    """

    source: Path
    bundle: Path
    out: Path
    regions: Path | None = None
    workers: int | None = None
    limits: Limits = field(default_factory=Limits)
    ledger: str | None = None
    cache: Path | None = None
    uses_cache: bool = True
    repair: str | None = None
    retries_failed: bool = False
    runtime: str = "float32"

    @property
    def cache_folder(self) -> Path | None:
        """Folder of the cache, or None."""
        return (self.cache or self.out / "cache") if self.uses_cache else None


@final
@dataclass(frozen=True, eq=False)
class ScoringJob:
    """What one machine needs to score the studies of a run.

    Attributes:
        owner: the name under which it claims studies.
    """

    studies: Mapping[str, Study]
    ledger: Ledger
    bundle: Bundle
    options: BatchOptions
    runtime: str
    owner: str
