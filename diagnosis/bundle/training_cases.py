"""Whether a bundle was trained on a case, told without a word or a voxel of any training case in the bundle.

`eval/training_cases.json` holds four bytes for each part of each training case: a hash of its content, keyed by a salt
of the bundle's own, from which nothing can be read back. Who has a case already can ask whether the bundle has seen it,
and that is all that can be asked; where that is itself a secret, train with `marks_cases: false`.

A CT is known by the HU around the marked center, in whatever order or format the slices come: so long as the values are
the same and the mark is on the same voxel, re-exporting changes nothing. A text is known by its words. Short texts are
alike in many patients and count for nothing.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

import numpy as np

from diagnosis.errors import BundleError
from diagnosis.record import Case, Volume

TRAINING_CASES = Path("eval/training_cases.json")
REACH_VOXELS = 8
"""Of the block around the center, to each side: 17 voxels, some 12 mm in the plane."""
FEWEST_VALUES = 30
"""Different HU in the block; with fewer it lies in plain air, or in a phantom, and is like any other."""
FEWEST_LETTERS = 200
"""A sentence of a template is like that of the next patient; what somebody wrote at length is not."""
MARK_BYTES = 4
"""Among a thousand cases a strange one is taken for one of them in one of four million."""


@final
@dataclass(frozen=True)
class TrainingCases:
    """Marks of what a bundle was trained on; see above."""

    salt: bytes
    marks: frozenset[str]

    @classmethod
    def of(cls, contents: Iterable[tuple[str, ...]]) -> Self:
        """Marks of cases by their `contents_of`; the salt comes of all, so that equal runs write equal files."""
        known = sorted({content for case in contents for content in case})
        salt = hashlib.sha256("\n".join(known).encode()).digest()[:16]
        return cls(salt, frozenset(_mark(content, salt) for content in known))

    def knows(self, case: Case) -> bool:
        """Whether the bundle was trained on this case: on its CT; on all its texts where there is none."""
        contents = contents_of(case)
        decisive = contents[:1] if contents and contents[0].startswith(_CT) else contents
        return bool(decisive) and all(_mark(content, self.salt) in self.marks for content in decisive)


def contents_of(case: Case) -> tuple[str, ...]:
    """SHA-256 of each part by which a case can be known, the CT first; none of a part that says too little."""
    found = []
    if case.volume is not None and case.region is not None:
        found.append(_ct_content(case.volume, case.region.center_mm))
    texts = (case.note.text if case.note else "", case.voice_note.text if case.voice_note else "")
    return tuple(content for content in (*found, *map(_text_content, texts)) if content)


def save_training_cases(folder: Path, cases: TrainingCases) -> None:
    """Write the marks into a bundle folder."""
    path = folder / TRAINING_CASES
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"salt": cases.salt.hex(), "marks": sorted(cases.marks)}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def load_training_cases(folder: Path) -> TrainingCases | None:
    """The marks of a bundle, or None where it has none.

    Raises:
        BundleError: they cannot be used.
    """
    path = folder / TRAINING_CASES
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_bytes())
        return TrainingCases(bytes.fromhex(document["salt"]), frozenset(map(str, document["marks"])))
    except (OSError, ValueError, TypeError, LookupError) as error:
        msg = f"bundle {folder}: {TRAINING_CASES} cannot be used; install the bundle again"
        raise BundleError(msg) from error


_CT = "ct:"


def _ct_content(volume: Volume, center_mm: tuple[float, float, float]) -> str | None:
    middle = np.rint(volume.index_of(center_mm)).astype(int)
    block = volume.hu[tuple(slice(max(i - REACH_VOXELS, 0), max(i, 0) + REACH_VOXELS + 1) for i in middle)]
    values = np.sort(np.rint(block).astype("<i4"), axis=None)
    return None if len(np.unique(values)) < FEWEST_VALUES else _CT + hashlib.sha256(values.tobytes()).hexdigest()


def _text_content(text: str) -> str | None:
    words = " ".join(text.lower().split())
    return None if len(words) < FEWEST_LETTERS else hashlib.sha256(words.encode()).hexdigest()


def _mark(content: str, salt: bytes) -> str:
    return hashlib.blake2b(content.encode(), key=salt, digest_size=MARK_BYTES).hexdigest()
