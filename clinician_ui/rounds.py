"""Assessing all cases that wait, one after the other, in the background: pages stay as they are and can be used.

A round belongs to the server, not to a page: it goes on after a refresh and for whoever looks, until it is done or is
stopped. What was assessed is kept; a server that is killed leaves the rest waiting as it was.
"""

import atexit
import logging
import threading
import time
import traceback
from pathlib import Path
from typing import final

import streamlit as st

from clinician_ui.access import current_visitor, require
from clinician_ui.archive import collection_of, open_archive
from clinician_ui.folders import find_case
from clinician_ui.permissions import Permission
from clinician_ui.services import assess_quietly
from diagnosis import settings
from diagnosis.errors import DiagnosisError
from diagnosis.store.actors import Actor
from diagnosis.store.worklist import waiting_tokens

_LOG = logging.getLogger(__name__)
TELL_REST_FROM = 5
REST_S = 0.02
"""Between two cases, so that pages get their turn of the interpreter."""

MOST_IN_SUCCESSION = 3
"""Unforeseen faults of one case after the other, after which it is not the cases."""
MOST_NAMED = 3
LAST_CASE_S = 20.0
"""How long a server that ends waits for the case at hand."""


@final
class Round:
    """One pass over the cases that waited when it was begun.

    Attributes:
        total: how many they are.
        done: how many of them have been looked at.
        problem: why it ended before its time or left cases out, in a sentence; None where neither is so.
    """

    def __init__(self, cases_dir: Path, bundle_dir: Path, actor: Actor, tokens: list[str]) -> None:
        self.total = len(tokens)
        self.done = 0
        self.problem: str | None = None
        self._stopped = threading.Event()
        self._begun = time.monotonic()
        self._thread = threading.Thread(
            target=self._go, args=(cases_dir, bundle_dir, actor, tokens), name="assess-all", daemon=True
        )

    def begin(self) -> None:
        """Start; a server that ends meanwhile lets the case at hand be finished."""
        atexit.register(self._end)
        self._thread.start()

    def _end(self) -> None:
        self.stop()
        self.wait(LAST_CASE_S)

    @property
    def is_running(self) -> bool:
        """Whether cases are being assessed."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End after the case at hand."""
        self._stopped.set()

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stopped.is_set()

    def wait(self, timeout_s: float) -> None:
        """Until it has ended, or the time is over."""
        self._thread.join(timeout_s)

    @property
    def words(self) -> str:
        """How far it is, and about how long the rest takes once that can be told."""
        if self.is_stopping:
            return "Stopping after the case at hand"
        words = f"Assessing case {min(self.done + 1, self.total):,} of {self.total:,}"
        if self.done < TELL_REST_FROM:
            return words
        left_s = (time.monotonic() - self._begun) / self.done * (self.total - self.done)
        return f"{words}; about {f'{left_s:.0f} s' if left_s < 90 else f'{left_s / 60:.0f} min'} left"

    def _go(self, cases_dir: Path, bundle_dir: Path, actor: Actor, tokens: list[str]) -> None:
        failed: list[str] = []
        in_succession = 0
        for token in tokens:
            if self._stopped.is_set():
                return
            entry = None
            try:
                entry = find_case(cases_dir, token)
                if entry is not None:
                    assess_quietly(entry, bundle_dir, actor)
                in_succession = 0
            except DiagnosisError as error:  # the model or the store, not the case: the next one would fail as well
                self.problem = str(error)
                return
            except Exception as error:  # noqa: BLE001 - a fault of the program, with this case perhaps alone
                failed.append("a case" if entry is None else entry.case_id)
                in_succession += 1
                is_over = in_succession == MOST_IN_SUCCESSION
                self.problem = _fault_words(failed, type(error).__name__, is_over=is_over)
                _note_fault(error)
                if is_over:
                    return
            self.done += 1
            time.sleep(REST_S)


def _fault_words(failed: list[str], kind: str, *, is_over: bool) -> str:
    """What the page says of cases that the program could not cope with."""
    named = ", ".join(failed[:MOST_NAMED]) + (" …" if len(failed) > MOST_NAMED else "")
    ending = "the round was ended, and the rest waits as it was" if is_over else "the other cases are not affected"
    return (
        f"{len(failed)} of the cases could not be assessed, for an error that the program did not foresee ({kind}): "
        f"{named}; {ending}. The server's log says where it happened."
    )


def _note_fault(error: Exception) -> None:
    """The place of the fault for the log, without the words of the exception: they may quote a file's name."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error("assess all: %s\n%s", type(error).__name__, frames)


_BEGINNING = threading.Lock()


@st.cache_resource(show_spinner=False)
def _rounds() -> dict[tuple[str, str], Round]:
    return {}


def begin_round(cases_dir: Path, bundle_dir: Path) -> Round:
    """Assess all that waits; a round that runs already goes on instead.

    Raises:
        AccessError: the visitor may not assess.
        StoreError: the worklist cannot be read.
    """
    require(Permission.ASSESS)
    with _BEGINNING:
        known = latest_round(cases_dir)
        if known is not None and known.is_running:
            return known
        tokens = waiting_tokens(open_archive(), collection_of(cases_dir))
        begun = Round(cases_dir, bundle_dir, current_visitor().actor, tokens)
        _rounds()[_key(cases_dir)] = begun
        begun.begin()
    return begun


def latest_round(cases_dir: Path) -> Round | None:
    """The round over a folder of cases that was begun last, running or not; None where the server has seen none."""
    return _rounds().get(_key(cases_dir))


def forget_round(cases_dir: Path) -> None:
    """Its outcome was read."""
    _rounds().pop(_key(cases_dir), None)


def _key(cases_dir: Path) -> tuple[str, str]:
    return str(cases_dir.resolve()), settings.store_url()
