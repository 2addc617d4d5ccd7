"""The pipeline of one machine, from the ledger and back to it.

Studies are decoded, transcribed and prepared in processes of their own while the ones before them are encoded and fused
in a thread here; every step is written to the ledger before the next begins::

    ledger ─claim→ reader ┐
                   reader ┼─ prepared, kept in the ledger ─→ a batch of one shape ─→ encode ─→ fuse ─→ ledger: done
                   reader ┘                                     (a thread)
"""

import json
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import final

from diagnosis.batch.encoder import Scored, StudyEncoder
from diagnosis.batch.prepared import PreparedStudy
from diagnosis.batch.reader_messages import Prepared, Refused
from diagnosis.batch.reader_pool import Answer, Died, ReaderPool
from diagnosis.batch.studies import Study
from diagnosis.errors import DiagnosisError, unforeseen_reason
from diagnosis.progress import OnProgress
from diagnosis.store.ledger import Ledger

POLL_S = 0.05
MOST_BATCHES_WAITING = 3
"""Prepared studies wait for the network up to here; then the readers wait for it, so that memory stays flat."""


@final
@dataclass(frozen=True, eq=False)
class _Through:
    """What became of a batch in the network.

    Attributes:
        scored: the studies that have an answer.
        refused: by case_id why others have none.
        seconds: of each stage, a study's share.
    """

    scored: list[Scored]
    refused: dict[str, str]
    seconds: dict[str, float]


@final
@dataclass(frozen=True, eq=False)
class _Batch:
    """Studies on their way through the network."""

    studies: list[PreparedStudy]
    future: "Future[_Through]"


@final
class Pipeline:
    """Scores what waits in a ledger until nothing does."""

    def __init__(self, studies: Mapping[str, Study], ledger: Ledger, owner: str, encoder: StudyEncoder) -> None:
        """Take the studies by case_id, the ledger, the name under which to claim, and the networks."""
        self._studies, self._ledger, self._owner, self._encoder = studies, ledger, owner, encoder
        self._waiting: deque[PreparedStudy] = deque()
        self._batches: deque[_Batch] = deque()
        self._nothing_to_claim = False
        self._n_ended = 0

    def run(self, pool: ReaderPool, on_progress: OnProgress | None = None) -> None:
        """Score until the ledger has nothing to claim and nothing is on its way."""
        counts = self._ledger.counts()
        self._n_ended = counts["done"] + counts["failed"]
        thread = ThreadPoolExecutor(1)
        try:
            self._score_all(pool, thread, on_progress, sum(counts.values()))
        finally:
            # Whoever stops the run waits for the batch in the network; the one behind it is scored next time.
            thread.shutdown(cancel_futures=True)

    def _score_all(
        self, pool: ReaderPool, thread: ThreadPoolExecutor, on_progress: OnProgress | None, n_all: int
    ) -> None:
        told = -1
        while True:
            self._claim(pool)
            for answer in pool.answers(POLL_S):
                self._take(answer)
            self._encode(thread, is_last=self._nothing_to_claim and not pool.is_busy)
            self._finish()
            if on_progress is not None and self._n_ended != told:
                told = self._n_ended
                on_progress(told, n_all)
            is_idle = not (pool.is_busy or self._waiting or self._batches)
            if is_idle and self._nothing_to_claim:
                return

    def _claim(self, pool: ReaderPool) -> None:
        """Give every free reader a study, unless the network is behind."""
        self._nothing_to_claim = False
        while pool.n_free and len(self._waiting) < MOST_BATCHES_WAITING * self._encoder.n_rows:
            claim = self._ledger.claim(self._owner)
            if claim is None:
                self._nothing_to_claim = True
                return
            study = self._studies.get(claim.case_id)
            if study is None:
                self._ledger.fail(claim.case_id, self._owner, "the source does not name this study any more")
            elif claim.prepared is not None:
                self._waiting.append(PreparedStudy.from_bytes(claim.prepared))
            else:
                pool.give(study)

    def _take(self, answer: Answer) -> None:
        """Write down what became of a study in a reader's hands."""
        if isinstance(answer, Refused):
            self._n_ended += self._ledger.fail(answer.case_id, self._owner, answer.reason)
        elif isinstance(answer, Died):
            self._ledger.note_crash(answer.case_id, self._owner, answer.reason)
        elif isinstance(answer, Prepared):
            seconds = json.dumps(answer.seconds)
            if self._ledger.keep_prepared(answer.case_id, self._owner, answer.prepared, seconds):
                self._waiting.append(PreparedStudy.from_bytes(answer.prepared))

    def _encode(self, thread: ThreadPoolExecutor, *, is_last: bool) -> None:
        """Send prepared studies through the network, a whole batch at a time, or the rest at the end."""
        while self._waiting and len(self._batches) < 2:
            n_rows, part = 0, []
            for study in self._waiting:
                part.append(study)
                n_rows += study.n_rows
                if n_rows >= self._encoder.n_rows:
                    break
            if n_rows < self._encoder.n_rows and not is_last:
                return
            for _ in part:
                self._waiting.popleft()
            self._batches.append(_Batch(part, thread.submit(self._scored, part)))

    def _scored(self, studies: list[PreparedStudy]) -> _Through:
        """A batch through the network; where one of its studies fails there, each by itself, so that only it fails."""
        start = time.perf_counter()
        try:
            encoded = self._encoder.encode(studies)
            middle = time.perf_counter()
            scored = self._encoder.fuse(studies, encoded)
        except (DiagnosisError, OSError):  # the bundle's or a disk's fault, which is that of every study
            raise
        except Exception as error:  # noqa: BLE001 - one study must not end the scoring of the others
            if len(studies) == 1:
                return _Through([], {studies[0].case_id: unforeseen_reason(error)}, {})
            alone = [self._scored([study]) for study in studies]
            refused = {case_id: reason for one in alone for case_id, reason in one.refused.items()}
            seconds = next((one.seconds for one in alone if one.seconds), {})
            return _Through([done for one in alone for done in one.scored], refused, seconds)
        end = time.perf_counter()
        share = {"encode": (middle - start) / len(studies), "fuse": (end - middle) / len(studies)}
        return _Through(scored, {}, {stage: round(seconds, 6) for stage, seconds in share.items()})

    def _finish(self) -> None:
        """Write the results of batches that are through."""
        while self._batches and self._batches[0].future.done():
            through = self._batches.popleft().future.result()
            for case_id, reason in through.refused.items():
                self._n_ended += self._ledger.fail(case_id, self._owner, reason)
            for one in through.scored:
                before = json.loads(self._ledger.seconds_so_far(one.case_id) or "{}")
                seconds = json.dumps(before | through.seconds)
                self._n_ended += self._ledger.finish(one.case_id, self._owner, json.dumps(asdict(one)), seconds)
