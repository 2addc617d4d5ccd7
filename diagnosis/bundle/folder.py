"""Load and save a bundle folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from diagnosis.bundle.calibration import SubsetCalibrations
from diagnosis.bundle.checksums import (
    CALIBRATION,
    CHECKSUMS,
    FAMILIARITY,
    HASHED,
    MALFORMED,
    METADATA,
    OPTIONAL,
    WEIGHTS,
    hash_of,
    read_checksums,
)
from diagnosis.bundle.metadata import BundleMetadata
from diagnosis.errors import BundleError
from diagnosis.familiarity.model import FamiliarityModel
from diagnosis.field_errors import first_field_error
from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.networks.text_encoder import file_sha256
from diagnosis.networks.text_reader import share_equal_questions

METRICS = Path("eval/metrics.json")


@final
@dataclass(frozen=True, eq=False)
class Bundle:
    """A loaded bundle.

    Attributes:
        folder: where it lies.
        metadata: what it declares.
        network: BERT and members, in evaluation mode.
        calibrations: for each subset of modalities.
        sha256: hash over the checksums of the files an answer depends on.
        familiarity: the alarm for cases unlike the training cases, or None where the bundle has none.
    """

    folder: Path
    metadata: BundleMetadata
    network: DiagnosisNetwork
    calibrations: SubsetCalibrations
    sha256: str
    familiarity: FamiliarityModel | None = None


def read_metadata(folder: Path) -> BundleMetadata:
    """Read and validate metadata.json, without loading weights.

    Raises:
        BundleError: not a bundle folder, or metadata that does not validate.
    """
    try:
        metadata = BundleMetadata.model_validate_json((folder / METADATA).read_bytes())
        metadata.network_config()
    except OSError as error:
        msg = f"bundle {folder}: {METADATA} cannot be read; name a bundle folder such as models/lung_nodule"
        raise BundleError(msg) from error
    except ValidationError as error:
        msg = f"bundle {folder}: {METADATA}: {first_field_error(error)}; install the bundle again"
        raise BundleError(msg) from error
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        msg = f"bundle {folder}: {METADATA} declares a network that is not known here; install the bundle again"
        raise BundleError(msg) from error
    return metadata


def load_bundle(folder: Path) -> Bundle:
    """Load a bundle and verify every checksum.

    Raises:
        BundleError: a missing file, a checksum that does not fit, weights that do not fit the declared network.
        MissingDependencyError: the BERT's package is not installed.
    """
    metadata = read_metadata(folder)
    sha256 = verify_checksums(folder)
    try:
        network = DiagnosisNetwork(metadata.network_config())
        state = load_file(folder / WEIGHTS)
        _load_members(network, state)
    except (OSError, RuntimeError, MemoryError, SafetensorError, ValueError, LookupError, TypeError) as error:
        msg = f"bundle {folder}: the weights do not fit the declared network; install the bundle again"
        raise BundleError(msg) from error
    calibrations = read_calibrations(folder)
    return Bundle(folder, metadata, network.eval(), calibrations, sha256, load_familiarity(folder))


def read_calibrations(folder: Path) -> SubsetCalibrations:
    """The calibration of each subset of modalities.

    Raises:
        BundleError: missing, malformed, or out of range.
    """
    try:
        return SubsetCalibrations.from_json(json.loads((folder / CALIBRATION).read_bytes()))
    except MALFORMED as error:
        msg = f"bundle {folder}: {CALIBRATION} cannot be used; install the bundle again"
        raise BundleError(msg) from error


def load_familiarity(folder: Path) -> FamiliarityModel | None:
    """The alarm of a bundle folder, or None where it has none.

    Raises:
        BundleError: it cannot be used.
    """
    if not (folder / FAMILIARITY).is_file():
        return None
    try:
        return FamiliarityModel.from_json(json.loads((folder / FAMILIARITY).read_bytes()))
    except MALFORMED as error:
        msg = f"bundle {folder}: {FAMILIARITY} cannot be used; install the bundle again"
        raise BundleError(msg) from error


def save_familiarity(folder: Path, model: FamiliarityModel) -> str:
    """Add the alarm to a bundle folder, new or old, and its checksum; return the bundle's new hash.

    Raises:
        BundleError: the folder is not a whole bundle.
    """
    verify_checksums(folder)
    _write_json(folder / FAMILIARITY, model.to_json())
    checksums = json.loads((folder / CHECKSUMS).read_bytes())
    checksums[FAMILIARITY.as_posix()] = file_sha256(folder / FAMILIARITY)
    _write_json(folder / CHECKSUMS, checksums)
    return hash_of(checksums)


def _load_members(network: DiagnosisNetwork, state: dict[str, Tensor]) -> None:
    network.members.load_state_dict(state, strict=True)
    # One text reader serves all members: it is kept, and asked, once.
    share_equal_questions([member.text_reader for member in network.classifiers()])


def verify_checksums(folder: Path) -> str:
    """Check every hashed file and return the bundle's own hash.

    Raises:
        BundleError: a file is missing or was changed.
    """
    stated = read_checksums(folder)
    for path in (*HASHED, *(p for p in OPTIONAL if p.as_posix() in stated or (folder / p).exists())):
        if not (folder / path).is_file():
            msg = f"bundle {folder}: {path} is missing; install the bundle again"
            raise BundleError(msg)
        if file_sha256(folder / path) != stated.get(path.as_posix()):
            msg = f"bundle {folder}: {path} differs from its checksum; install the bundle again"
            raise BundleError(msg)
    return hash_of(stated)


def save_bundle(
    folder: Path, metadata: BundleMetadata, network: DiagnosisNetwork, calibrations: SubsetCalibrations
) -> str:
    """Write the files that an answer depends on and their checksums; return the bundle's hash."""
    for path in HASHED:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    _write_json(folder / METADATA, json.loads(metadata.model_dump_json(by_alias=True)))
    state = {name: tensor.detach().clone() for name, tensor in network.members.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)  # it is written for its owner alone, and other users install the bundle
    _write_json(folder / CALIBRATION, calibrations.to_json())
    # An alarm that was fitted to an earlier network of this folder does not belong to this one.
    (folder / FAMILIARITY).unlink(missing_ok=True)
    checksums = {path.as_posix(): file_sha256(folder / path) for path in HASHED}
    _write_json(folder / CHECKSUMS, checksums)
    return hash_of(checksums)


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
