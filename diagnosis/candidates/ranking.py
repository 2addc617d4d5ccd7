"""How much a blob is like a lesion: by a small network over its traits, or by a rule where there are no weights."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, final

import numpy as np
import numpy.typing as npt

from diagnosis import settings
from diagnosis.candidates.traits import TRAIT_NAMES
from diagnosis.errors import BundleError

Floats = npt.NDArray[np.float64]
FORMAT = 1
WEIGHTS = "model.safetensors"
METADATA = "metadata.json"


class Ranking(Protocol):
    """Gives each blob a strength by its traits; weaker than `least_strength` is hardly worth a look."""

    least_strength: ClassVar[float]

    def strength(self, traits: Floats) -> Floats:
        """(blob,trait) to (blob,) in [0,1]; larger is more like a lesion."""


@final
@dataclass(frozen=True)
class RoundnessRanking:
    """The rule: round, and not continued along two opposite ways; needs no training."""

    least_strength: ClassVar[float] = 0.0

    def strength(self, traits: Floats) -> Floats:
        """(blob,trait) to (blob,)."""
        log_roundness = traits[:, TRAIT_NAMES.index("log_roundness")]
        opposite = traits[:, TRAIT_NAMES.index("way_opposite")]
        outside = traits[:, TRAIT_NAMES.index("outside_in_shell")]
        return np.asarray(np.clip(np.exp(log_roundness) * (1.2 - np.clip(opposite + outside, 0, 1)), 0, 1))


@final
@dataclass(frozen=True, eq=False)
class NetworkRanking:
    """A network of two hidden layers over the standardized traits; an ensemble of members whose logits are averaged.

    Attributes:
        center, scale: (trait,) of the training blobs.
        weights: of each layer, (member,in,out).
        biases: of each layer, (member,1,out).
    """

    center: Floats
    scale: Floats
    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    least_strength: ClassVar[float] = 0.2

    def strength(self, traits: Floats) -> Floats:
        """(blob,trait) to (blob,): a probability among the blobs it was trained on, and of nothing else."""
        hidden = np.clip((traits - self.center) / self.scale, -4, 4)[None]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.maximum(hidden @ weight + bias, 0)
        logits = (hidden @ self.weights[-1] + self.biases[-1])[..., 0].mean(axis=0)
        return np.asarray(1 / (1 + np.exp(-logits)))

    def save(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write the model folder: weights, and `metadata.json` with their checksum.

        Args:
            folder: made where it is missing; what it holds already under these names is replaced.
            facts: how it was trained, as JSON values.
        """
        from safetensors.numpy import save_file

        tensors = {"center": self.center, "scale": self.scale}
        tensors |= {f"weight_{i}": w for i, w in enumerate(self.weights)}
        tensors |= {f"bias_{i}": b for i, b in enumerate(self.biases)}
        folder.mkdir(parents=True, exist_ok=True)
        weights = folder / WEIGHTS
        save_file({k: np.ascontiguousarray(v, dtype=np.float32) for k, v in tensors.items()}, weights)
        weights.chmod(0o644)  # it is written for its owner alone, and other users install the model
        metadata = {"format": FORMAT, "traits": TRAIT_NAMES, "sha256": _sha256(weights), "trained": facts}
        (folder / METADATA).write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: unreadable, changed, or made for other traits than those of this version.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            stated = json.loads((folder / METADATA).read_bytes())
            if stated["sha256"] != _sha256(folder / WEIGHTS):
                msg = f"candidate network {folder}: {WEIGHTS} differs from its checksum; install the model again"
                raise BundleError(msg)
            tensors = {name: value.astype(np.float64) for name, value in load_file(folder / WEIGHTS).items()}
            n_layers = sum(name.startswith("weight_") for name in tensors)
            weights = tuple(tensors[f"weight_{i}"] for i in range(n_layers))
            biases = tuple(tensors[f"bias_{i}"] for i in range(n_layers))
            ranking = cls(tensors["center"], tensors["scale"], weights, biases)
            is_ours = stated["format"] == FORMAT and tuple(stated["traits"]) == TRAIT_NAMES
        except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
            msg = f"candidate network {folder}: it cannot be read; install the model again"
            raise BundleError(msg) from error
        if not is_ours or ranking.center.shape != (len(TRAIT_NAMES),):
            msg = f"candidate network {folder}: it was made for other traits; train it again with this version"
            raise BundleError(msg)
        return ranking


@cache
def default_ranking() -> Ranking:
    """The network that ships with the product, or the rule where its folder is not installed.

    Raises:
        BundleError: the folder is there, but cannot be used.
    """
    folder = settings.candidate_model_dir()
    return NetworkRanking.load(folder) if (folder / METADATA).is_file() else RoundnessRanking()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
