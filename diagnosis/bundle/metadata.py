"""What a bundle declares of itself: `configs/metadata.json`, validated, nothing unknown allowed."""

from dataclasses import asdict
from typing import Any, Literal, Self, final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from diagnosis.networks.acoustic_encoder import AcousticEncoderConfig
from diagnosis.networks.classifier import NetworkConfig
from diagnosis.networks.fusion import FusionConfig
from diagnosis.networks.text_encoder import TextEncoderConfig
from diagnosis.networks.text_reader import TextReaderConfig
from diagnosis.networks.volume_encoder import VolumeEncoderConfig
from diagnosis.preprocessing.batch import InputContract
from diagnosis.preprocessing.volume import FieldOfView

MONAI_SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@final
class FindingDeclaration(_Strict):
    """A binary finding: its name, its wording, the probability at which it is flagged and how that was chosen."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    display: str
    threshold: float = Field(ge=0.0, le=1.0)
    threshold_rule: str


@final
class InputDeclaration(_Strict):
    """Grid and HU range of the CT, longest text, mel bands."""

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    hu_range: tuple[float, float]
    max_tokens: int = Field(ge=8, le=512)
    n_mels: int | None = None

    def contract(self) -> InputContract:
        """The same as preprocessing understands it."""
        view = FieldOfView(self.shape, self.spacing_mm, self.hu_range)
        return InputContract(view, self.max_tokens, self.n_mels)


@final
class TrainingRange(_Strict):
    """What the training cases looked like, for drift and out-of-distribution warnings: 1st and 99th percentile."""

    diameter_mm: tuple[float, float]
    mean_hu: tuple[float, float]
    slice_spacing_mm: tuple[float, float]


@final
class BundleMetadata(_Strict):
    """The whole of metadata.json: the fields of MONAI's schema, then this product's."""

    schema_url: str = Field(default=MONAI_SCHEMA, alias="schema")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    changelog: dict[str, str]
    monai_version: str
    pytorch_version: str
    numpy_version: str
    required_packages_version: dict[str, str]
    task: str
    description: str
    authors: str
    copyright: str
    data_source: str
    intended_use: str
    network_data_format: dict[str, Any]
    diagnosis_format: Literal[1] = 1
    findings: list[FindingDeclaration] = Field(min_length=1)
    inputs: InputDeclaration
    network: dict[str, Any]
    preprocessing_version: Literal[1] = 1
    training_range: TrainingRange | None = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        config = self.network_config()
        if config.n_findings != len(self.findings):
            msg = f"{len(self.findings)} findings are declared, the network has {config.n_findings}"
            raise ValueError(msg)
        if config.volume_encoder.hu_range != self.inputs.hu_range:
            msg = "inputs.hu_range differs from network.volume_encoder.hu_range"
            raise ValueError(msg)
        if (config.acoustic_encoder is None) != (self.inputs.n_mels is None):
            msg = "inputs.n_mels and network.acoustic_encoder must both be given or both be null"
            raise ValueError(msg)
        return self

    def network_config(self) -> NetworkConfig:
        """The network's shape as the dataclass it was built from."""
        return network_config_from_json(self.network)


def network_config_to_json(config: NetworkConfig) -> dict[str, Any]:
    """Plain JSON of a network's shape."""
    return asdict(config)


def network_config_from_json(data: dict[str, Any]) -> NetworkConfig:
    """The dataclass behind `network_config_to_json`.

    Raises:
        TypeError: an unknown field.
    """
    rest = dict(data)
    encoder = dict(rest.pop("volume_encoder", {}))
    for name in ("widths", "hu_range"):
        if name in encoder:
            encoder[name] = tuple(encoder[name])
    if "windows_hu" in encoder:
        encoder["windows_hu"] = tuple(tuple(window) for window in encoder["windows_hu"])
    acoustic = rest.pop("acoustic_encoder", None)
    return NetworkConfig(
        volume_encoder=VolumeEncoderConfig(**encoder),
        text_encoder=TextEncoderConfig(**rest.pop("text_encoder", {})),
        text_reader=TextReaderConfig(**rest.pop("text_reader", {})),
        fusion=FusionConfig(**rest.pop("fusion", {})),
        acoustic_encoder=None if acoustic is None else AcousticEncoderConfig(**acoustic),
        **rest,
    )


def describe_data_format(inputs: InputDeclaration, findings: list[FindingDeclaration]) -> dict[str, Any]:
    """MONAI's `network_data_format` for these inputs and findings."""
    tokens = {"type": "text", "format": "token ids", "dtype": "int64", "is_patch_data": False}
    return {
        "inputs": {
            "image": {
                "type": "image",
                "format": "hounsfield",
                "modality": "CT",
                "num_channels": 1,
                "spatial_shape": list(inputs.shape),
                "dtype": "float32",
                "value_range": [0, 1],
                "is_patch_data": True,
                "channel_def": {"0": f"HU {inputs.hu_range[0]:g} to {inputs.hu_range[1]:g}, linear to 0 to 1"},
            },
            "note": tokens | {"spatial_shape": [inputs.max_tokens]},
            "voice": tokens | {"spatial_shape": [inputs.max_tokens]},
        },
        "outputs": {
            "pred": {
                "type": "probabilities",
                "format": "classification",
                "num_channels": len(findings),
                "spatial_shape": [1],
                "dtype": "float32",
                "value_range": [0, 1],
                "is_patch_data": False,
                "channel_def": {str(i): finding.name for i, finding in enumerate(findings)},
            }
        },
    }
