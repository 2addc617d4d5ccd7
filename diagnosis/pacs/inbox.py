"""Studies that are coming in, and when one counts as complete.

A study is complete once every series that has begun to arrive is as large as the archive says, and no CT series of the
study is still to come. The archive is asked after `settle_s` without news: it may itself still be receiving. Where a
series never begins, or the archive cannot be asked or gives no count, `quiet_s` without news decide, but only where
every association that brought images of the study has come to its end: a sender that dies, or whose connection breaks,
has not sent what it wanted to, and what came may well look like a whole series. A later association that ends as it
should makes up for it. Nor does time complete a study of which an image was refused here (no room, a limit, damaged)
and has not come since. A study that stays short of its count, or broken off, for `give_up_s` is lost: it is handed out
as such and never assessed.
"""

import math
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, final

from pynetdicom import evt
from pynetdicom.association import Association

from diagnosis.errors import DiagnosisError
from diagnosis.pacs.archive import SeriesListing
from diagnosis.pacs.associations import CT_CLASSES
from diagnosis.pacs.config import CompletenessConfig, ReceiveLimits
from diagnosis.pacs.instance_folder import InstanceFolder, pseudonym
from diagnosis.pacs.outgoing import PARSE_FAILURES
from diagnosis.pacs.receiver import ACCEPTED, CANNOT_UNDERSTAND, OUT_OF_RESOURCES, keep_image

CT: Final = "CT"
MOST_TURNED_AWAY: Final = 1000
"""Studies whose refused images are remembered before the study has begun."""
ENDED: Final = "ended"
"""File beside the images of a study while no association is open or broken off, for a restart cannot see them."""
ListSeries = Callable[[str], Sequence[SeriesListing]]
Clock = Callable[[], float]


class Ending(StrEnum):
    """Why a study was handed out."""

    COUNTED = "counted"
    QUIET = "quiet"
    LOST = "lost"


@final
@dataclass(frozen=True)
class Arrival:
    """A study that has come to its end.

    Attributes:
        study_uid: who it is.
        folder: where its images lie.
        ending: complete by count, complete by quiet time, or lost.
        n_images: that have come.
        n_expected: that the archive has of the series that have begun to come, or None where it does not say.
        n_refused: images that could not be taken.
    """

    study_uid: str = field(repr=False)
    folder: Path
    ending: Ending
    n_images: int
    n_expected: int | None
    n_refused: int = 0


@final
@dataclass
class _Link:
    """An association that brings images of a study."""

    begun: float
    last_news: float


@final
@dataclass
class _Open:
    """A study that is coming in.

    Attributes:
        broken: when associations broke off that nothing has made up for.
        refused: SOP Instance UIDs of images that were refused and have not come since.
    """

    folder: InstanceFolder
    last_news: float
    is_asked: bool = False
    listed: tuple[SeriesListing, ...] | None = None
    links: dict[Association, _Link] = field(default_factory=dict)
    broken: dict[Association | None, float] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def mark(self) -> None:
        """Keep on disk whether all associations have come to their end, with nothing refused."""
        place = self.folder.folder.with_name(ENDED)
        if self.links or self.broken or self.refused:
            place.unlink(missing_ok=True)
        else:
            place.touch()


@final
class Inbox:
    """Takes images from many connections at once, and hands out studies one at a time.

    Args:
        folder: for the images, one folder a study.
        completeness: how long to wait.
        limits: what a study may cost.
        list_series: asks the archive what a study has; None where there is none to ask.
        clock: seconds, as `time.monotonic`.
    """

    def __init__(
        self,
        folder: Path,
        completeness: CompletenessConfig,
        limits: ReceiveLimits,
        list_series: ListSeries | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._folder, self._limits, self._completeness = folder, limits, completeness
        self._list_series, self._clock = list_series, clock
        self._open: dict[str, _Open] = {}
        self._turned_away: dict[str, set[str]] = {}
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._take_up()

    @property
    def n_open(self) -> int:
        """Studies that are coming in."""
        return len(self._open)

    def take(self, event: evt.Event) -> int:
        """Keep the image of a C-STORE request; its DIMSE status.

        What is no CT is taken and let go. Some archives send a study as a whole and break off at the first object that
        is refused, so that a report that lies in the study would keep its images from coming.
        """
        if event.request.AffectedSOPClassUID not in CT_CLASSES:
            return ACCEPTED
        try:
            study_uid = str(event.dataset.StudyInstanceUID)
        except PARSE_FAILURES:
            return CANNOT_UNDERSTAND
        if not study_uid:  # images of different patients would come to lie together
            return CANNOT_UNDERSTAND
        with self._lock:
            image_uid = str(getattr(event.request, "AffectedSOPInstanceUID", ""))
            if not self._may_take(study_uid):
                self._turn_away(study_uid, image_uid)
                return OUT_OF_RESOURCES
            try:
                study = self._open.get(study_uid) or self._begin(study_uid)
            except OSError:  # no room for so much as a folder
                self._turn_away(study_uid, image_uid)
                return OUT_OF_RESOURCES
            study.last_news, study.is_asked = self._clock(), False
            self._watch(event.assoc, study)
            status = keep_image(event, study.folder, study_uid)
            if status == ACCEPTED:
                study.refused.discard(image_uid)
            else:
                study.refused.add(image_uid)
            return status

    def next_arrival(self) -> Arrival | None:
        """A study that is complete or lost, or None; it is no longer open then."""
        with self._lock:
            now = self._clock()
            settle_s = self._completeness.settle_s
            settled = [uid for uid, one in self._open.items() if now - one.last_news >= settle_s and not one.is_asked]
        for uid in settled:
            self._ask(uid)
        with self._lock:
            for uid, study in self._open.items():
                ending = self._ending(study, self._clock() - study.last_news)
                if ending is not None:
                    del self._open[uid]
                    n_images, n_refused = study.folder.n_images, len(study.refused)
                    return Arrival(uid, study.folder.folder, ending, n_images, _expected(study), n_refused)
        return None

    def _watch(self, association: Association, study: _Open) -> None:
        link = study.links.get(association)
        if link is None:
            association.bind(evt.EVT_RELEASED, self._on_release)
            association.bind(evt.EVT_CONN_CLOSE, self._on_close)
            link = study.links[association] = _Link(study.last_news, study.last_news)
            study.mark()
        link.last_news = study.last_news

    def _on_release(self, event: evt.Event) -> None:
        """The sender is through, and makes up for what broke off before it began."""
        with self._lock:
            for study in self._open.values():
                link = study.links.pop(event.assoc, None)
                was_closed_before = study.broken.pop(event.assoc, None) is not None  # told by another thread
                if link is not None:
                    study.broken = {who: when for who, when in study.broken.items() if when >= link.begun}
                if link is not None or was_closed_before:
                    study.mark()

    def _on_close(self, event: evt.Event) -> None:
        """The connection is gone. That of a sender who was silent until our patience ended did not break off."""
        with self._lock:
            for study in self._open.values():
                link = study.links.pop(event.assoc, None)
                if link is None:
                    continue
                patience = event.assoc.network_timeout
                if patience is None or self._clock() - link.last_news < patience:
                    study.broken[event.assoc] = self._clock()
                study.mark()

    def _may_take(self, study_uid: str) -> bool:
        study = self._open.get(study_uid)
        if study is None:
            return len(self._open) < self._limits.open_studies
        is_small = study.folder.n_bytes < self._limits.gib_per_study * 2**30
        return is_small and study.folder.n_images < self._limits.images_per_study

    def _turn_away(self, study_uid: str, image_uid: str) -> None:
        """Remember what was refused: should room come while the sender goes on, the study has lost its beginning."""
        study = self._open.get(study_uid)
        if study is not None:
            study.refused.add(image_uid)
            return
        self._turned_away.setdefault(study_uid, set()).add(image_uid)
        if len(self._turned_away) > MOST_TURNED_AWAY:
            del self._turned_away[next(iter(self._turned_away))]

    def _begin(self, study_uid: str) -> _Open:
        # A name of its own: an earlier delivery of the same study may be read at this moment.
        folder = self._folder / f"{pseudonym(study_uid)}-{secrets.token_hex(4)}" / "ct"
        folder.parent.mkdir(parents=True, mode=0o700)
        kept = InstanceFolder(folder)
        study = self._open[study_uid] = _Open(kept, self._clock(), refused=self._turned_away.pop(study_uid, set()))
        return study

    def _take_up(self) -> None:
        """Go on with what was coming in when the program was stopped."""
        for place in sorted(self._folder.glob("study-*/ct")):
            folder = InstanceFolder(place)
            study_uid = folder.take_up()
            if study_uid is None or study_uid in self._open:
                shutil.rmtree(place.parent, ignore_errors=True)
            else:
                study = self._open[study_uid] = _Open(folder, self._clock())
                if not place.with_name(ENDED).exists():
                    study.broken[None] = -math.inf

    def _ask(self, study_uid: str) -> None:
        """Outside the lock: the archive may take its time while further images come in."""
        listed: tuple[SeriesListing, ...] | None = None
        if self._list_series is not None:
            try:
                listed = tuple(self._list_series(study_uid)) or None
            except DiagnosisError:  # then quiet time decides; it is asked again after further news
                listed = None
        with self._lock:
            if study_uid in self._open:
                self._open[study_uid].listed = listed
                self._open[study_uid].is_asked = True

    def _ending(self, study: _Open, silence: float) -> Ending | None:
        if not study.is_asked:
            return None
        if study.listed is None:
            return self._ending_by_time(study, silence)
        counts = {one.series_uid: one.n_images for one in study.listed}
        received = {uid: len(images) for uid, images in study.folder.received.items()}
        if any(n < (counts.get(uid) or 0) for uid, n in received.items()):
            return Ending.LOST if silence >= self._completeness.give_up_s else None
        is_unsure = any(counts.get(uid) is None for uid in received)
        is_awaited = any(one.modality == CT and one.series_uid not in received for one in study.listed)
        if not is_unsure and not is_awaited:
            return Ending.COUNTED
        return self._ending_by_time(study, silence)

    def _ending_by_time(self, study: _Open, silence: float) -> Ending | None:
        if study.links:
            return None
        if study.broken or study.refused:
            return Ending.LOST if silence >= self._completeness.give_up_s else None
        return Ending.QUIET if silence >= self._completeness.quiet_s else None


def _expected(study: _Open) -> int | None:
    """Images that the archive has of the series that have begun to come; None where it does not know one of them."""
    counts = {one.series_uid: one.n_images for one in study.listed or ()}
    known = [counts.get(uid) for uid in study.folder.received]
    return None if None in known else sum(count or 0 for count in known)
