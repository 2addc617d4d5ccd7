"""The peer of a whole study: what one would write in an afternoon with MONAI, transformers and the same weights.

It loads the whole series, resamples it onto the network's grid, tokenizes, runs the network once for each study in
float32, and calls faster-whisper plainly. Grid, weights and calibration are the product's, so that the outputs have to
agree.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

from diagnosis import settings
from diagnosis.benchmark.monai_loader import monai_loader
from diagnosis.engine import DiagnosisEngine
from diagnosis.networks.model_input import ModelInput
from diagnosis.preprocessing.canonical_text import canonicalize
from diagnosis.preprocessing.volume import DEPTH_SAMPLES
from diagnosis.vocabulary import MODALITIES, Modality, subset_name

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@final
@dataclass(frozen=True)
class ScriptStudy:
    """Parts of a study."""

    ct: Path
    center_mm: tuple[float, float, float]
    note: str
    voice: Path | None = None
    voice_text: str | None = None
    diameter_mm: float | None = None


@final
class PlainScript:
    """One study after the other."""

    def __init__(self, engine: DiagnosisEngine, whisper: Path | None) -> None:
        self._engine = engine
        self._load = monai_loader("PydicomReader", ensure_channel_first=True)
        self._whisper: Any = None
        if whisper is not None:
            from faster_whisper import WhisperModel

            self._whisper = WhisperModel(
                str(whisper), device="cpu", compute_type="int8", cpu_threads=torch.get_num_threads()
            )

    @torch.inference_mode()
    def probability(self, study: ScriptStudy) -> float:
        """Calibrated probability of the main finding."""
        spoken = study.voice_text
        if study.voice is not None:
            segments, _ = self._whisper.transcribe(str(study.voice), language="en", beam_size=5)
            spoken = " ".join(segment.text.strip() for segment in segments)
        texts = {Modality.NOTE: study.note, Modality.VOICE: spoken}
        present = frozenset({Modality.CT, *(m for m, text in texts.items() if text)})
        note_ids, voice_ids = self._ids(study.note), self._ids(spoken or "")
        batch = ModelInput(
            volume=self._region(study),
            diameter_mm=torch.tensor([np.nan if study.diameter_mm is None else study.diameter_mm]).float(),
            note_ids=note_ids,
            note_mask=torch.ones_like(note_ids, dtype=torch.bool),
            voice_ids=voice_ids,
            voice_mask=torch.ones_like(voice_ids, dtype=torch.bool),
            is_present=torch.tensor([[m in present for m in MODALITIES]]),
        )
        output = self._engine.bundle.network(batch)
        finding = self._engine.bundle.metadata.findings[0].name
        return self._engine.probability(finding, subset_name(present), float(output.logits[0, 0]))

    def _ids(self, text: str) -> torch.Tensor:
        contract = self._engine.contract
        encoded = self._engine.tokenizer(canonicalize(text).text, truncation=True, max_length=contract.max_tokens)
        return torch.tensor([encoded["input_ids"]])

    def _region(self, study: ScriptStudy) -> torch.Tensor:
        """The grid of the network, (1,1,depth,height,width), by MONAI's resampler on the whole series."""
        from monai.transforms import SpatialResample

        view = self._engine.contract.view
        fine = view.affine_at(study.center_mm)
        fine[:3, 0] /= DEPTH_SAMPLES
        fine[:3, 3] -= fine[:3, 0] * (DEPTH_SAMPLES - 1) / 2
        depth, height, width = view.shape
        target = (LPS_TO_RAS @ fine)[:, [2, 1, 0, 3]]
        resample = SpatialResample(mode="bilinear", padding_mode="border", align_corners=True)
        size = (width, height, depth * DEPTH_SAMPLES)
        grid = resample(self._load(str(study.ct)), dst_affine=torch.from_numpy(target), spatial_size=size)
        hu = torch.as_tensor(grid)[0].permute(2, 1, 0).reshape(depth, DEPTH_SAMPLES, height, width).mean(dim=1)
        return torch.from_numpy(view.to_unit(hu.float().numpy()))[None, None]


def main(arguments: list[str]) -> None:
    """From the start of a program: BUNDLE CT NOTE_FILE VOICE X Y Z DIAMETER; prints the probability."""
    from diagnosis.ingest.speech_models import find_speech_model

    bundle, ct, note, voice = (Path(name) for name in arguments[:4])
    x, y, z, diameter_mm = (float(text) for text in arguments[4:8])
    torch.set_num_threads(settings.thread_count())
    script = PlainScript(DiagnosisEngine.load(bundle), find_speech_model().folder)
    words = note.read_text(encoding="utf-8")
    study = ScriptStudy(ct, (x, y, z), words, voice=voice, diameter_mm=diameter_mm)
    sys.stdout.write(f"{script.probability(study)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
