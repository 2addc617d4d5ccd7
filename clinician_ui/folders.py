"""Cases as folders on the disk: what can be known at a glance, and the store kept in step with it."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from clinician_ui.archive import collection_of, opaque_name
from diagnosis.errors import DiagnosisError, InputError
from diagnosis.ingest.case_folder import CT_NAMES, NOTE_NAMES, VOICE_NAMES, CaseFile, read_case
from diagnosis.store.actors import Actor
from diagnosis.store.cases import CaseFacts, has_cases, known_fingerprint, known_fingerprints, sync_cases
from diagnosis.store.database import Store
from diagnosis.vocabulary import MODALITIES, Modality, subset_name

_LISTED: dict[Path, tuple[int, dict[str, Path]]] = {}
"""Folders of cases with the time of their last change, in ns."""
FILE_NAMES: dict[Modality, tuple[str, ...]] = {
    Modality.CT: CT_NAMES,
    Modality.NOTE: NOTE_NAMES,
    Modality.VOICE: VOICE_NAMES,
}
UNREADABLE = "case: its folder or a file in it cannot be read; check the permissions"
CHUNK = 250
"""Cases that the store takes in at a time: the worklist grows while a large folder is read."""
AT_MOST_EVERY_S = 20.0
REST_AFTER = 200
REST_S = 0.01
"""A look at 10,000 folders takes seconds of the interpreter; resting in between leaves it to the pages."""
SETTLED_NS = 2_000_000_000
PAGE_FIRST_S = 1.5
"""Head start of the page over the disk, where the store already has something to show."""


@final
@dataclass(frozen=True)
class CaseEntry:
    """What can be known of a case without reading images or speech.

    Attributes:
        token: opaque name of the case in addresses and keys.
        folder: where it lies; never shown.
        fingerprint: changes when a file of the case does.
        case_id: pseudonym.
        age_years: or None.
        sex: F, M, O or None.
        parts: kinds of evidence whose files are there.
        has_region: whether case.json marks one.
        problem: why the case cannot be used, in a sentence; None as far as is known.
        collection: opaque name of the folder of cases that it was found in.
    """

    token: str
    folder: Path
    fingerprint: str
    case_id: str
    age_years: float | None = None
    sex: str | None = None
    parts: frozenset[Modality] = frozenset()
    has_region: bool = False
    problem: str | None = None
    collection: str = ""

    @property
    def facts(self) -> CaseFacts:
        """For the store: without the folder."""
        return CaseFacts(
            token=self.token,
            case_id=self.case_id,
            fingerprint=self.fingerprint,
            age_years=self.age_years,
            sex=self.sex,
            parts=subset_name(self.parts),
            has_region=self.has_region,
            problem=self.problem,
        )


def list_cases(cases_dir: Path) -> list[CaseEntry]:
    """Entries of all case folders in a folder, or of the one that it is, ordered by path.

    Raises:
        InputError: the folder does not exist, or cannot be read.
    """
    collection = collection_of(cases_dir)
    folders = sorted(_folders(cases_dir).items(), key=lambda item: item[1])
    return [replace(_entry(token, folder), collection=collection) for token, folder in folders]


def find_case(cases_dir: Path, token: str | None) -> CaseEntry | None:
    """The case with a token, as it is on the disk now; None where there is none.

    Raises:
        InputError: the folder of cases does not exist, or cannot be read.
    """
    folder = _folders(cases_dir).get(token or "")
    if token is None or folder is None:
        return None
    return replace(_entry(token, folder), collection=collection_of(cases_dir))


def _folders(cases_dir: Path) -> dict[str, Path]:
    """Token to folder, by names only."""
    if not cases_dir.is_dir():
        msg = "cases: the folder does not exist; start the dashboard with `diagnosis ui FOLDER`"
        raise InputError(msg)
    try:
        base = cases_dir.resolve()
        if (base / "case.json").is_file() or _parts(base):
            return {opaque_name(base): cases_dir}
        return _case_folders(base)
    except OSError as error:
        msg = "cases: the folder cannot be read; check its permissions"
        raise InputError(msg) from error


def _case_folders(base: Path) -> dict[str, Path]:
    """The folders in a folder; looked for again only where its time says that one came or went."""
    changed_ns = base.stat().st_mtime_ns
    known = _LISTED.get(base)
    if known is not None and known[0] == changed_ns:
        return known[1]
    begun_ns = time.time_ns()
    with os.scandir(base) as found:
        folders = {opaque_name(_place(item)): Path(item.path) for item in found if _is_case_folder(item)}
    # Of a folder that changed just now the time may stay the same for a change to come.
    if begun_ns - changed_ns > SETTLED_NS:
        _LISTED[base] = changed_ns, folders
    return folders


def _is_case_folder(item: os.DirEntry[str]) -> bool:
    return not item.name.startswith(".") and item.is_dir()


def _place(item: os.DirEntry[str]) -> Path:
    return Path(item.path).resolve() if item.is_symlink() else Path(item.path)


@final
class FolderWatch:
    """Keeps the store in step with one folder of cases, in a thread of its own; only what changed is read."""

    def __init__(self, cases_dir: Path, store: Store) -> None:
        self._cases_dir = cases_dir
        self._store = store
        self._collection = collection_of(cases_dir)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._finished_at = -AT_MOST_EVERY_S
        self.rounds = 0
        self.problem: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether the folder is being read now."""
        return self._thread is not None and self._thread.is_alive()

    def look(self, actor: Actor, *, patience_s: float = 1.0) -> None:
        """Start reading the folder unless that was done just now.

        Args:
            actor: who asks.
            patience_s: how long to wait for it where the store has nothing to show yet.
        """
        with self._lock:
            if self.is_running or time.monotonic() - self._finished_at < AT_MOST_EVERY_S:
                return
            is_first = not has_cases(self._store, self._collection)
            self._thread = threading.Thread(
                target=self._run, args=(actor, 0.0 if is_first else PAGE_FIRST_S), daemon=True
            )
            self._thread.start()
        if is_first:
            self._thread.join(patience_s)

    def _run(self, actor: Actor, head_start_s: float) -> None:
        time.sleep(head_start_s)
        try:
            self.take_in(actor)
            self.problem = None
        except DiagnosisError as error:
            self.problem = str(error)
        finally:
            self._finished_at = time.monotonic()
            self.rounds += 1

    def take_in(self, actor: Actor) -> None:
        """Read the folder, and tell the store of what is new, changed or gone.

        Raises:
            InputError: the folder cannot be read.
            StoreError: the database cannot be written.
        """
        folders = _folders(self._cases_dir)
        known = known_fingerprints(self._store, self._collection)
        chunk: list[CaseFacts] = []
        for facts in _changed(folders, known):
            chunk.append(facts)
            if len(chunk) == CHUNK:
                sync_cases(self._store, actor, self._collection, chunk)
                chunk = []
        sync_cases(self._store, actor, self._collection, chunk, gone=known.keys() - folders.keys())


def take_in_one(store: Store, actor: Actor, entry: CaseEntry) -> None:
    """Tell the store of one case, where it does not know it as it is now.

    Raises:
        StoreError: the database cannot be written.
    """
    if known_fingerprint(store, entry.collection, entry.token) != entry.fingerprint:
        sync_cases(store, actor, entry.collection, [entry.facts])


def _changed(folders: dict[str, Path], known: dict[str, str]) -> Iterator[CaseFacts]:
    for number, (token, folder) in enumerate(folders.items()):
        if known and number % REST_AFTER == 0:
            time.sleep(REST_S)
        try:
            fingerprint = _fingerprint(folder)
        except OSError:
            fingerprint = ""
        if known.get(token) != fingerprint:
            yield _entry(token, folder).facts


def _entry(token: str, folder: Path) -> CaseEntry:
    pseudonym = f"case-{token[:8]}"
    try:
        entry = CaseEntry(token, folder, _fingerprint(folder), case_id=pseudonym, parts=_parts(folder))
    except OSError:
        return CaseEntry(token, folder, "", pseudonym, problem=UNREADABLE)
    stated = _stated(folder, entry.case_id)
    if stated is None:
        return replace(entry, problem=_problem(folder))
    return replace(
        entry,
        case_id=stated.case_id,
        age_years=stated.age_years,
        sex=stated.sex,
        has_region=stated.region is not None,
        problem=_problem(folder) if _is_ambiguous_or_empty(folder) else None,
    )


def _stated(folder: Path, pseudonym: str) -> CaseFile | None:
    """What case.json says; a case without one has a pseudonym only; None where it cannot be used."""
    path = folder / "case.json"
    try:
        return CaseFile.model_validate_json(path.read_bytes()) if path.is_file() else CaseFile(case_id=pseudonym)
    except (OSError, ValueError):
        return None


def _problem(folder: Path) -> str | None:
    """The reader's own sentence on a case that is known to fail before any image is read."""
    try:
        read_case(folder)
    except DiagnosisError as error:
        return str(error)
    except OSError:
        return UNREADABLE
    return None


def _is_ambiguous_or_empty(folder: Path) -> bool:
    counts = [sum((folder / name).exists() for name in FILE_NAMES[m]) for m in MODALITIES]
    return max(counts) > 1 or sum(counts) == 0


def _parts(folder: Path) -> frozenset[Modality]:
    return frozenset(m for m in MODALITIES if any((folder / name).exists() for name in FILE_NAMES[m]))


def _fingerprint(folder: Path) -> str:
    """Hash over names, sizes and times of what lies in the folder: files and, for a CT folder, its own time."""
    digest = hashlib.sha256()
    with os.scandir(folder) as found:
        for item in sorted(found, key=lambda item: item.name):
            status = item.stat(follow_symlinks=False)
            digest.update(f"{item.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
