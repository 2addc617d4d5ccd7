"""A study read and prepared: all that the networks need of it, small enough to be kept until they have time for it."""

import io
import json
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
_ARRAYS = ("regions", "diameters_mm", "note_ids", "voice_ids", "mel")


@final
@dataclass(frozen=True, eq=False)
class PreparedStudy:
    """Tensors of one study.

    Attributes:
        case_id: pseudonym.
        modalities: what is present, such as `ct+note`.
        regions: (region,depth,height,width) in [0,1]; several where candidates were proposed, none without a CT.
        diameters_mm: (region,), NaN where unknown.
        note_ids, voice_ids: (token,), or None.
        mel: (band,frame), or None.
        warnings: sentences for the reader, for each region (once where there is no CT).
    """

    case_id: str
    modalities: str
    regions: Floats
    diameters_mm: Floats
    note_ids: Ids | None
    voice_ids: Ids | None
    mel: Floats | None
    warnings: tuple[tuple[str, ...], ...]

    @property
    def n_rows(self) -> int:
        """Rows that it takes in a batch: one a region, or one."""
        return max(1, len(self.regions))

    def to_bytes(self) -> bytes:
        """Plain arrays and JSON."""
        head = {"case_id": self.case_id, "modalities": self.modalities, "warnings": self.warnings}
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _ARRAYS if getattr(self, name) is not None}
        stream = io.BytesIO()
        np.savez(stream, head=np.frombuffer(json.dumps(head).encode(), dtype=np.uint8), **arrays)
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """The same from `to_bytes`."""
        with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
            head = json.loads(stored["head"].tobytes())
            arrays: dict[str, Any] = {name: stored[name] if name in stored.files else None for name in _ARRAYS}
        warnings = tuple(tuple(sentences) for sentences in head["warnings"])
        return cls(case_id=head["case_id"], modalities=head["modalities"], warnings=warnings, **arrays)
