"""One study from its files to tensors: decode, transcribe, prepare. Runs in a process of its own; no network is loaded.

Of a CT with a marked region only the slices are decoded that the region, and the alarm for unfamiliar CT, look at; the
geometry gate judges the headers of all. Without a marked region the whole CT is searched for candidates.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from diagnosis.batch.cache import FileCache, key_of
from diagnosis.batch.prepared import PreparedStudy
from diagnosis.batch.studies import Study
from diagnosis.errors import RegionError
from diagnosis.familiarity.ct import SURROUNDINGS, CtFamiliarity
from diagnosis.familiarity.limits import Range, language_warnings, range_warnings, speech_warnings
from diagnosis.ingest.case_folder import assemble_case
from diagnosis.ingest.dicom_volume import Box
from diagnosis.networks.text_encoder import TextEncoderConfig, load_tokenizer
from diagnosis.preprocessing.batch import (
    InputContract,
    PreparedCase,
    preparation_warnings,
    prepare_case,
    require_evidence,
)
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.reading import contradiction_warnings
from diagnosis.record import Audio, Case, SpeechSegment, VoiceNote, Word
from diagnosis.record.volume import RegionOfInterest
from diagnosis.version import __version__
from diagnosis.vocabulary import subset_name

if TYPE_CHECKING:
    from diagnosis.record.note import ClinicalNote

Seconds = dict[str, float]
"""Seconds of each stage."""


@final
@dataclass(frozen=True, eq=False)
class ReaderSettings:
    """What a reading process has to know of the bundle and the run.

    Attributes:
        contract: what the network eats.
        text_encoder: whose tokenizer prepares the texts.
        diameter_mm, slice_spacing_mm: range of the training cases, or None.
        ct_familiarity: the alarm for unfamiliar CT, or None.
        repair: "resample" to accept tilted CT of every study, also where a case folder does not ask for it.
        cache: folder of transcripts, or None.
    """

    contract: InputContract
    text_encoder: TextEncoderConfig
    diameter_mm: Range | None
    slice_spacing_mm: Range | None
    ct_familiarity: CtFamiliarity | None
    repair: str | None
    cache: Path | None


@final
class StudyReader:
    """Reads studies one after the other."""

    def __init__(self, settings: ReaderSettings) -> None:
        self._settings = settings
        self._cache = FileCache(settings.cache)
        self._tokenizer: Any = load_tokenizer(settings.text_encoder)

    def read(self, study: Study) -> tuple[PreparedStudy, Seconds]:
        """Read and prepare one study.

        Raises:
            InputError and its kinds: a part that cannot be used, or nothing that can be assessed.
        """
        seconds: Seconds = {}
        with _timed(seconds, "transcribe"):
            study = study.parts()
            voice = self._voice_note(study)
        with _timed(seconds, "read"):
            case = self._case(study, voice)
        with _timed(seconds, "prepare"):
            prepared = self._prepared(case)
        return prepared, seconds

    def _voice_note(self, study: Study) -> VoiceNote | None:
        if study.voice_text is not None:
            from diagnosis.ingest.manifest import voice_note_from_text

            return voice_note_from_text(study.voice_text)
        return None if study.voice is None else self._transcribed(study.voice)

    def _transcribed(self, path: Path) -> VoiceNote:
        """The transcript of a recording, from the cache where these very bytes were heard by this very model before."""
        from diagnosis.ingest.audio import read_audio
        from diagnosis.ingest.speech_models import find_speech_model
        from diagnosis.ingest.transcription import transcribe_audio

        audio = read_audio(path)
        sound = hashlib.sha256(audio.samples.tobytes()).digest()
        key = key_of("transcript", sound, find_speech_model().sha256, version("faster-whisper"), __version__)
        known = self._cache.get(key)
        if known is not None:
            return _voice_note_from_json(known, audio)
        voice = transcribe_audio(audio)
        self._cache.put(key, _voice_note_to_json(voice))
        return voice

    def _case(self, study: Study, voice: VoiceNote | None) -> Case:
        region = study.region()
        if region is None or study.ct is None:
            return self._assembled(study, voice, region, None)
        try:
            return self._assembled(study, voice, region, self._box_around(region))
        except RegionError:
            # The message has to speak of the whole CT, and not of the slices that were read of it.
            return self._assembled(study, voice, region, None)

    def _assembled(
        self, study: Study, voice: VoiceNote | None, region: RegionOfInterest | None, within: Box | None
    ) -> Case:
        note: Path | ClinicalNote | None = study.note
        if study.note_text is not None:
            from diagnosis.ingest.notes import note_from_text

            note = note_from_text(study.note_text)
        case, _ = assemble_case(
            study.case_id,
            ct=study.ct,
            note=note,
            voice=voice,
            region=region,
            age_years=study.age_years,
            sex=study.sex,
            repair=self._settings.repair or study.repair,
            within=within,
            series_uid=study.series_uid,
        )
        return case

    def _box_around(self, region: RegionOfInterest) -> Box:
        views = [self._settings.contract.view]
        if self._settings.ct_familiarity is not None:
            views.append(SURROUNDINGS)
        depth, height, width = np.max([_half_size_mm(view) for view in views], axis=0)
        return Box(region.center_mm, (float(width), float(height), float(depth)))

    def _prepared(self, case: Case) -> PreparedStudy:
        cases = [case] if case.volume is None or case.region is not None else _with_candidates(case)
        found = [prepare_case(one, self._settings.contract, self._tokenizer) for one in cases]
        require_evidence(found[0])
        first = found[0]
        shape = (0, *self._settings.contract.view.shape)
        regions = [one.region.values for one in found if one.region is not None]
        return PreparedStudy(
            case_id=case.case_id,
            modalities=subset_name(first.present),
            regions=np.stack(regions) if regions else np.zeros(shape, np.float32),
            diameters_mm=np.array([one.diameter_mm or np.nan for one in found][: len(regions)], dtype=np.float32),
            note_ids=None if first.note is None else first.note.ids,
            voice_ids=None if first.voice is None else first.voice.ids,
            mel=first.mel,
            warnings=tuple(self._warnings(c, p) for c, p in zip(cases, found, strict=True)),
        )

    def _warnings(self, case: Case, prepared: PreparedCase) -> tuple[str, ...]:
        settings = self._settings
        found = case.warnings + preparation_warnings(case, prepared, settings.contract)
        found += contradiction_warnings(case) + speech_warnings(case) + language_warnings(case)
        if settings.diameter_mm is not None and settings.slice_spacing_mm is not None:
            found += range_warnings(case, settings.diameter_mm, settings.slice_spacing_mm)
        if settings.ct_familiarity is not None and case.volume is not None and prepared.region is not None:
            found += settings.ct_familiarity.warnings(case.volume, prepared.region)
        return found


def _half_size_mm(view: FieldOfView) -> tuple[float, float, float]:
    depth, height, width = (n * spacing / 2 for n, spacing in zip(view.shape, view.spacing_mm, strict=True))
    return depth, height, width


def _with_candidates(case: Case) -> list[Case]:
    """The case once for each candidate region; as it is where none is proposed but other parts can be assessed."""
    from diagnosis.answer import without_region
    from diagnosis.candidates import search_candidates
    from diagnosis.engine import cases_of_candidates

    if case.volume is None:
        return [case]
    search = search_candidates(case.volume)
    if search.candidates:
        return cases_of_candidates(case, search.candidates)
    return [without_region(case, search.reason)]


def _voice_note_to_json(voice: VoiceNote) -> bytes:
    segments = [[[w.text, w.start_s, w.end_s, w.probability] for w in segment.words] for segment in voice.segments]
    document = {"segments": segments, "duration_s": voice.duration_s, "transcriber": voice.transcriber}
    return json.dumps(document).encode()


def _voice_note_from_json(raw: bytes, audio: Audio) -> VoiceNote:
    document = json.loads(raw)
    segments = tuple(SpeechSegment(tuple(Word(*word) for word in words)) for words in document["segments"])
    return VoiceNote(segments, document["duration_s"], document["transcriber"], audio=audio)


@contextmanager
def _timed(seconds: Seconds, stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    # To the microsecond: a study of words alone is assembled in less than a tenth of a millisecond.
    seconds[stage] = round(time.perf_counter() - start, 6)
