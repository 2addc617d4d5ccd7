"""The index that lies beside a bundle: the aligned space, embeddings, and what is told of each nodule."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save

from diagnosis.errors import BundleError
from diagnosis.networks.projection import AlignedSpace, ProjectionConfig
from diagnosis.vocabulary import DESCRIPTOR_BY_NAME, MODALITIES

FOLDER = Path("retrieval")
VECTORS, NODULES = "index.safetensors", "index.json"
_EMBEDDINGS = "embeddings"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@final
class IndexedNodule(_Strict):
    """What is told of a nodule.

    Attributes:
        name: of the index alone; it leads back to no patient.
        descriptors: mean level of all readers, rounded, by the vocabulary's names.
        diameter_mm: rounded to whole millimeters, or None.
        outcome: what its readers thought of it, in words.
    """

    name: str
    descriptors: dict[str, int]
    diameter_mm: int | None
    outcome: str

    @property
    def wording(self) -> str:
        """Its descriptors in words: `solid, 12 mm, spiculation marked`."""
        parts = [f"{self.diameter_mm} mm"] if self.diameter_mm is not None else []
        parts += [
            f"{DESCRIPTOR_BY_NAME[name].display.lower()} {DESCRIPTOR_BY_NAME[name].wording(level)}"
            for name, level in self.descriptors.items()
            if name in {"texture", "margin", "lobulation", "spiculation", "calcification"}
        ]
        return ", ".join(parts)


@final
class IndexDocument(_Strict):
    """The whole of index.json."""

    format: Literal[1] = 1
    bundle_sha256: str
    vectors_sha256: str
    projection: dict[str, Any]
    source: str
    quality: dict[str, Any]
    nodules: tuple[IndexedNodule, ...]


@final
@dataclass(frozen=True, eq=False)
class NoduleIndex:
    """A loaded index.

    Attributes:
        space: the heads, in evaluation mode.
        embeddings: float32 (nodule,modality,embed), unit length; zero where a nodule lacks that kind of evidence.
        nodules: what is told of each row.
        source: where the nodules come from, with their license.
        quality: what was measured when the index was made.
    """

    space: AlignedSpace
    embeddings: npt.NDArray[np.float32]
    nodules: tuple[IndexedNodule, ...]
    source: str
    quality: Mapping[str, Any]


def save_index(bundle_folder: Path, bundle_sha256: str, index: NoduleIndex) -> None:
    """Write an index beside the bundle whose networks made it."""
    folder = bundle_folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().contiguous() for name, tensor in index.space.state_dict().items()}
    tensors[_EMBEDDINGS] = torch.from_numpy(index.embeddings).half()
    data = save(tensors)
    document = IndexDocument(
        bundle_sha256=bundle_sha256,
        vectors_sha256=hashlib.sha256(data).hexdigest(),
        projection=asdict(index.space.config),
        source=index.source,
        quality=dict(index.quality),
        nodules=index.nodules,
    )
    (folder / VECTORS).write_bytes(data)
    lines = json.loads(document.model_dump_json())
    nodules = ",\n".join(f"    {json.dumps(nodule)}" for nodule in lines.pop("nodules"))
    head = json.dumps(lines, indent=2).removesuffix("\n}")
    (folder / NODULES).write_text(f'{head},\n  "nodules": [\n{nodules}\n  ]\n}}\n', encoding="utf-8")


def load_index(bundle_folder: Path, bundle_sha256: str) -> NoduleIndex:
    """Load the index that lies beside a bundle.

    Raises:
        BundleError: there is none, it was made for another bundle, or a file was changed.
    """
    folder = bundle_folder / FOLDER
    try:
        document = IndexDocument.model_validate_json((folder / NODULES).read_bytes())
        data = (folder / VECTORS).read_bytes()
    except FileNotFoundError as error:
        msg = (
            f"index {folder}: there is none beside the bundle; make one with `diagnosis index`, which takes a bundle "
            "that was trained on readers' descriptors"
        )
        raise BundleError(msg) from error
    except OSError as error:
        msg = f"index {folder}: it cannot be read; make it again with `diagnosis index`"
        raise BundleError(msg) from error
    except ValidationError as error:
        msg = f"index {folder}: {NODULES} is not valid; make it again with `diagnosis index`"
        raise BundleError(msg) from error
    if document.bundle_sha256 != bundle_sha256:
        msg = (
            f"index {folder}: it was made for bundle {document.bundle_sha256[:12]}, this one is {bundle_sha256[:12]}, "
            "and their spaces differ; make it again with `diagnosis index`"
        )
        raise BundleError(msg)
    if hashlib.sha256(data).hexdigest() != document.vectors_sha256:
        msg = f"index {folder}: {VECTORS} differs from its checksum; make it again with `diagnosis index`"
        raise BundleError(msg)
    return _assembled(folder, document, data)


def _assembled(folder: Path, document: IndexDocument, data: bytes) -> NoduleIndex:
    try:
        space = AlignedSpace(ProjectionConfig(**document.projection))
        tensors = load(data)
        embeddings = tensors.pop(_EMBEDDINGS).float().numpy()
        space.load_state_dict(tensors)
    except (SafetensorError, KeyError, TypeError, RuntimeError) as error:
        msg = f"index {folder}: its weights do not fit what it declares; make it again with `diagnosis index`"
        raise BundleError(msg) from error
    if embeddings.shape != (len(document.nodules), len(MODALITIES), space.config.embed):
        msg = f"index {folder}: embeddings and nodules are not as many; make it again with `diagnosis index`"
        raise BundleError(msg)
    return NoduleIndex(space.eval(), embeddings, document.nodules, document.source, document.quality)
