"""Prepared studies to findings: encode, fuse, calibrate; studies of one shape go through the network together.

Why batches of regions have a fixed number of rows, filled with zeros where there are fewer: the libraries below sum in
another order for another number of rows, and the last bits of a probability would then depend on which studies happened
to be ready at the same time. With a fixed shape they do not, a run that was killed and went on gives the very bytes of
one that was not; `rows_are_independent` asks the machine whether this holds, and where it does not each goes alone.
Texts differ in length: one at a time they need no padding, and on a processor they gain nothing from company.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from diagnosis.batch.cache import FileCache, key_of
from diagnosis.batch.prepared import Ids, PreparedStudy
from diagnosis.batch.runtime import Maps, Runtime
from diagnosis.engine import DiagnosisEngine
from diagnosis.networks.classifier import mean_output
from diagnosis.networks.model_input import ModalityTokens, NetworkOutput
from diagnosis.preprocessing.batch import SILENT_FRAMES
from diagnosis.record import FindingAssessment
from diagnosis.version import __version__

BATCH_ROWS = 8
Tokens = npt.NDArray[np.float32]
"""(member,token,embed) of one part of one study."""
_PLACE = "\x00name\x00"


@final
@dataclass(frozen=True)
class Scored:
    """What a run says of one study."""

    case_id: str
    modalities: str
    findings: tuple[FindingAssessment, ...]
    warnings: tuple[str, ...]


@final
@dataclass(frozen=True, eq=False)
class _Row:
    """One row of the fusion: tokens of each modality, None where it is absent."""

    tokens: tuple[Tokens | None, Tokens | None, Tokens | None]
    text_warnings: tuple[str, ...]


@final
class StudyEncoder:
    """Scores prepared studies with one bundle. Used from one thread."""

    def __init__(self, engine: DiagnosisEngine, runtime: Runtime, cache: FileCache) -> None:
        self._engine, self._runtime, self._cache = engine, runtime, cache
        self._network = engine.bundle.network
        self._device = next(self._network.parameters()).device
        version = str(engine.bundle.metadata.preprocessing_version)
        self._made_by = (engine.bundle.sha256, version, runtime.name, __version__)
        self.n_rows = BATCH_ROWS
        self._shapes = self._token_shapes()
        if not rows_are_independent(self._encoded_regions, self._view_shape, BATCH_ROWS):
            self.n_rows = 1

    @property
    def _view_shape(self) -> tuple[int, int, int]:
        return self._engine.contract.view.shape

    @torch.inference_mode()
    def encode(self, studies: Sequence[PreparedStudy]) -> list[list[_Row]]:
        """Tokens of each row of each study, from the cache where these very inputs were encoded before."""
        regions = self._region_tokens(studies)
        rows = []
        for study in studies:
            note, note_warnings = self._text_tokens(study.note_ids, "note")
            voice, voice_warnings = self._text_tokens(study.voice_ids, "transcript of the dictation")
            if voice is not None:
                voice = self._with_sound(voice, study.mel)
            own = regions[study.case_id] or [None]
            rows.append([_Row((ct, note, voice), note_warnings + voice_warnings) for ct in own])
        return rows

    @torch.inference_mode()
    def fuse(self, studies: Sequence[PreparedStudy], encoded: Sequence[Sequence[_Row]]) -> list[Scored]:
        """Findings of each study; of several candidate regions the one with the highest main finding."""
        scored = []
        for study, own in zip(studies, encoded, strict=True):
            findings = [self._findings(study.modalities, self._fused(row)) for row in own]
            best = int(np.argmax([found[0].probability for found in findings]))
            warnings = study.warnings[best] + self._engine.calibration_warnings(study.modalities)
            scored.append(Scored(study.case_id, study.modalities, findings[best], warnings + own[best].text_warnings))
        return scored

    def _findings(self, subset: str, output: NetworkOutput) -> tuple[FindingAssessment, ...]:
        n_findings = len(self._engine.bundle.metadata.findings)
        return tuple(self._engine.finding_of(i, subset, output, 0) for i in range(n_findings))

    def _region_tokens(self, studies: Sequence[PreparedStudy]) -> dict[str, list[Tokens | None]]:
        """Tokens of each region of each study; what is not in the cache is encoded together."""
        found: dict[str, list[Tokens | None]] = {}
        missing: list[tuple[str, int, str]] = []
        for study in studies:
            keys = [
                key_of("region", region.tobytes(), diameter.tobytes(), *self._made_by)
                for region, diameter in zip(study.regions, study.diameters_mm, strict=True)
            ]
            known = [self._cache.get(key) for key in keys]
            found[study.case_id] = [None if raw is None else self._array(raw, 0) for raw in known]
            missing += [(study.case_id, i, keys[i]) for i, raw in enumerate(known) if raw is None]
        of = {study.case_id: study for study in studies}
        for start in range(0, len(missing), self.n_rows):
            part = missing[start : start + self.n_rows]
            volumes = np.stack([of[case_id].regions[i] for case_id, i, _ in part])
            diameters = np.array([of[case_id].diameters_mm[i] for case_id, i, _ in part], dtype=np.float32)
            for (case_id, i, key), tokens in zip(part, self._encoded_regions(volumes, diameters), strict=False):
                self._cache.put(key, tokens.tobytes())
                found[case_id][i] = tokens
        return found

    def _encoded_regions(self, volumes: npt.NDArray[np.float32], diameters: npt.NDArray[np.float32]) -> list[Tokens]:
        """Tokens of up to `n_rows` regions; the batch is filled with empty ones."""
        n_missing = self.n_rows - len(volumes)
        filled = np.concatenate([volumes, np.zeros((n_missing, *self._view_shape), np.float32)])
        sizes = np.concatenate([diameters, np.full(n_missing, np.nan, np.float32)])
        volume, diameter = self._tensor(filled)[:, None], self._tensor(sizes)
        maps = self._runtime.maps(volume)
        return [self._read(volume, maps, diameter, row) for row in range(len(volumes))]

    def _read(self, volume: Tensor, maps: Maps, diameter: Tensor, row: int) -> Tokens:
        """Tokens of one row of a batch; reading the maps costs little, and alone it depends on nothing else."""
        only = slice(row, row + 1)
        tokens = [
            member.volume_encoder.read(volume[only], middle[only].float(), last[only].float(), diameter[only]).tokens
            for member, (middle, last) in zip(self._network.classifiers(), maps, strict=True)
        ]
        read: Tokens = torch.cat(tokens).cpu().numpy()
        return read

    def _text_tokens(self, ids: Ids | None, name: str) -> tuple[Tokens | None, tuple[str, ...]]:
        """Tokens of a text, and sentences on what is unfamiliar in it."""
        if ids is None:
            return None, ()
        key = key_of("text", ids.tobytes(), *self._made_by)
        entry = self._cache.get(key)
        if entry is None:
            entry = self._encoded_text(ids)
            self._cache.put(key, entry)
        size = int.from_bytes(entry[:4], "little")
        sentences: list[str] = json.loads(entry[4 : 4 + size])
        return self._array(entry[4 + size :], 1), tuple(sentence.replace(_PLACE, name) for sentence in sentences)

    def _encoded_text(self, ids: Ids) -> bytes:
        states = self._runtime.states(self._tensor(ids[None])).float()
        mask = torch.ones(states.shape[:2], dtype=torch.bool, device=states.device)
        tokens = torch.cat([reading.tokens for reading in self._network.read_text(states, mask)])
        familiarity = self._engine.bundle.familiarity
        found = () if familiarity is None else familiarity.text_warnings(_PLACE, states.cpu(), self._network)
        sentences = json.dumps(found).encode()
        return len(sentences).to_bytes(4, "little") + sentences + tokens.cpu().numpy().tobytes()

    def _with_sound(self, voice: Tokens, mel: npt.NDArray[np.float32] | None) -> Tokens:
        """Voice tokens with that of the sound itself, where the bundle has an acoustic branch."""
        n_mels = self._engine.contract.n_mels
        if n_mels is None:
            return voice
        frames = self._tensor(np.zeros((n_mels, SILENT_FRAMES), np.float32) if mel is None else mel)[None]
        encoders = [m.acoustic_encoder for m in self._network.classifiers() if m.acoustic_encoder is not None]
        sound = torch.cat([encoder(frames) for encoder in encoders]).cpu().numpy()
        return np.concatenate([voice, sound], axis=1)

    def _fused(self, row: _Row) -> NetworkOutput:
        """The ensemble's answer on one row: fusing costs little, and alone it depends on nothing else."""
        tokens = [
            self._tensor(np.zeros(shape, np.float32) if part is None else part)
            for part, shape in zip(row.tokens, self._shapes, strict=True)
        ]
        ct, note, voice = tokens
        is_present = torch.tensor([[part is not None for part in row.tokens]], device=self._device)
        outputs = [
            member.fuse(ModalityTokens(ct[i : i + 1], note[i : i + 1], voice[i : i + 1], is_present))
            for i, member in enumerate(self._network.classifiers())
        ]
        return _on_processor(mean_output(outputs))

    @torch.inference_mode()
    def _token_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of the tokens of each modality, from an empty study."""
        region = self._encoded_regions(np.zeros((1, *self._view_shape), np.float32), np.full(1, np.nan, np.float32))[0]
        entry = self._encoded_text(np.array([101, 102], dtype=np.int64))
        size = int.from_bytes(entry[:4], "little")
        members, _, embed = region.shape
        text = np.frombuffer(entry[4 + size :], np.float32).reshape(members, -1, embed)
        return region.shape, text.shape, self._with_sound(text, None).shape

    def _array(self, raw: bytes, modality: int) -> Tokens:
        return np.frombuffer(raw, np.float32).reshape(self._shapes[modality])

    def _tensor(self, array: npt.NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.array(array, order="C")).to(self._device)


def _on_processor(output: NetworkOutput) -> NetworkOutput:
    values = {name: getattr(output, name).cpu() for name in NetworkOutput.__dataclass_fields__}
    return NetworkOutput(**values)


@torch.inference_mode()
def rows_are_independent(
    encoded: Callable[[npt.NDArray[np.float32], npt.NDArray[np.float32]], list[Tokens]],
    shape: tuple[int, int, int],
    n_rows: int,
) -> bool:
    """Whether a region gives the same bits in every place of a batch and in any company."""
    rng = np.random.default_rng(0)
    volumes = rng.random((n_rows, *shape), dtype=np.float32)
    sizes = np.linspace(4, 30, n_rows, dtype=np.float32)
    together = encoded(volumes, sizes)
    turned = encoded(np.roll(volumes, 3, axis=0), np.roll(sizes, 3))
    alone = encoded(volumes[:1], sizes[:1])[0]
    is_placed = all(np.array_equal(together[i], turned[(i + 3) % n_rows]) for i in range(n_rows))
    return is_placed and np.array_equal(alone, together[0])
