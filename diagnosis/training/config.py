"""How a model is trained: one YAML file, one docstring a field."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, final

from diagnosis.errors import ConfigurationError
from diagnosis.field_errors import first_field_error
from diagnosis.networks.classifier import NetworkConfig


@final
@dataclass(frozen=True)
class DataConfig:
    """Where the cases come from."""

    kind: Literal["lidc", "manifest", "medpix"] = "lidc"
    """`lidc`: LIDC-IDRI, "leave the readers out"; `manifest`: a CSV or Parquet manifest with folds in `split`;
    `medpix`: MedPix 2.0, key slices and free text."""
    root: str = "../shared/data/lidc_nodules"
    """Folder of the data set, or the manifest's path; relative to the working directory."""
    findings: tuple[str, ...] = ("malignancy",)
    """Columns of the manifest that are learned; the first is the main one."""
    n_folds: int = 5
    """Folds that are drawn by patient where a manifest has no `split`; three or more."""
    shape: tuple[int, int, int] = (3, 40, 40)
    """Field of view in voxels along z, y, x."""
    spacing_mm: tuple[float, float, float] = (1.25, 0.7, 0.7)
    """Its spacing."""
    margin: tuple[int, int, int] = (4, 14, 14)
    """Voxels kept on each side beyond the field of view, so that a region can be turned and shifted."""
    marks_cases: bool = True
    """Whether the bundle keeps four hashed bytes of each part of a case (`manifest`), by which `diagnosis evaluate`
    says when it is shown cases that the bundle was trained on."""
    hide_diagnosis: bool = False
    """Whether words of a case's own diagnosis are taken out of its texts (`medpix`)."""
    renderings: int = 4
    """Notes and dictations written for each reader of each training nodule."""


@final
@dataclass(frozen=True)
class AboutConfig:
    """What only people can say of a bundle that is trained on their own cohort; it stands in its card and checklists.

    What is left out is said to be not stated. The bundle of `kind: lidc` has its own.
    """

    task: str = ""
    """What is told from what, such as `pleural effusion from CT and note`."""
    data_source: str = ""
    """Where the cases come from, and what the labels rest on."""
    data_license: str = ""
    """Under what terms the data may be used."""
    intended_use: str = ""
    """Who may use the model, for what."""
    authors: str = ""
    """Who made it."""
    copyright: str = ""
    """Whose it is, and under what license."""
    limits: tuple[str, ...] = ()
    """Sentences for the card's list of limits."""


@final
@dataclass(frozen=True)
class AugmentationConfig:
    """Random views of a region; all through MONAI."""

    flips: bool = True
    """Whether regions are mirrored along their axes."""
    spin_degrees: float = 180.0
    """Largest rotation in the plane."""
    tilt_degrees: float = 8.0
    """Largest rotation out of the plane."""
    scale: float = 0.12
    """Largest relative change of size."""
    shift_voxels: float = 2.0
    """Largest shift along each axis."""
    border_probability: float = 0.3
    """How often slices beyond a random depth repeat their border, as they do at the edge of a scan or a crop."""
    noise_hu: float = 25.0
    """Standard deviation of added noise."""
    gain: float = 0.1
    """Largest relative change of contrast."""


@final
@dataclass(frozen=True)
class StageConfig:
    """Schedule of one stage."""

    epochs: int
    """Passes over the training cases."""
    batch_size: int
    """Cases in a step."""
    learning_rate: float
    """Peak of the one-cycle schedule."""
    weight_decay: float
    """Of AdamW."""
    accumulate: int = 1
    """Steps whose gradients are added before the weights change."""
    ema_decay: float = 0.0
    """Decay of the exponential moving average of the weights; 0 leaves it out."""
    patience: int = 0
    """Epochs without improvement on the inner validation patients before stopping; 0 trains to the end."""


@final
@dataclass(frozen=True)
class FusionLossConfig:
    """Weights of what the fusion learns beside its own answer."""

    branch: float = 0.5
    """Each modality's own answer."""
    descriptors: float = 0.1
    """The eight descriptors."""
    modality_dropout: float = 0.4
    """Chance that a modality is hidden in a training step; at least one stays."""
    alignment: str = "none"
    """`none`, `contrastive` (InfoNCE), `pairwise` (margin), `triplet` or `cosine`."""
    alignment_weight: float = 0.1
    """Weight of the alignment loss."""


@final
@dataclass(frozen=True)
class TrainConfig:
    """A whole training run."""

    name: str = "lung_nodule"
    """Name of the bundle."""
    out: str = "models/lung_nodule"
    """Bundle folder that is written; empty for a benchmark, which writes figures to the work folder and no weights."""
    work: str = "runs/lung_nodule"
    """Folder for checkpoints, logs and out-of-fold answers; a run that was stopped goes on from there."""
    cache: str = "runs/cache"
    """Folder for what can be made again but takes long: transcripts, BERT states."""
    seed: int = 20
    """Seed of everything random."""
    precision: str = "bf16-mixed"
    """Lightning's precision; `32-true` for float32."""
    workers: int = 2
    """Volume encoders trained at the same time, each on one thread; the other stages have as many threads."""
    devices: int = 1
    """Processes; start as many with torchrun."""
    data: DataConfig = field(default_factory=DataConfig)
    """Where the cases come from."""
    about: AboutConfig = field(default_factory=AboutConfig)
    """What the bundle's card says that no file can tell."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Shape of the network."""
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    """Random views."""
    volume: StageConfig = field(default_factory=lambda: StageConfig(20, 32, 2e-3, 0.05, ema_decay=0.99))
    """Stage 1."""
    text: StageConfig = field(default_factory=lambda: StageConfig(6, 64, 1.5e-3, 0.01))
    """Stage 2."""
    fusion: StageConfig = field(default_factory=lambda: StageConfig(20, 64, 1e-3, 0.05))
    """Stage 3."""
    fusion_loss: FusionLossConfig = field(default_factory=FusionLossConfig)
    """What stage 3 learns."""
    synthetic_texts: int = 20000
    """Made-up descriptions that the text reader learns to read from."""
    family: Literal["all", "train"] = "all"
    """Wordings used in training; `train` keeps those of the scored texts out, to measure unseen wording."""
    coverage: float = 0.9
    """Nominal coverage of the prediction sets."""
    sensitivity: float = 0.9
    """The threshold is set where this share of the positive out-of-fold cases is flagged."""


def read_config(path: Path) -> TrainConfig:
    """Read a YAML file into a TrainConfig.

    Raises:
        ConfigurationError: no such file, not YAML, an unknown field or a value of the wrong type.
    """
    import yaml
    from pydantic import TypeAdapter, ValidationError

    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"configuration {path}: it cannot be read as YAML; correct the path or the file"
        raise ConfigurationError(msg) from error
    try:
        _refuse_unknown(data, TrainConfig(), "")
        return TypeAdapter(TrainConfig).validate_python(data)
    except ValidationError as error:
        msg = f"configuration {path}: {first_field_error(error)}; correct it"
        raise ConfigurationError(msg) from error
    except ConfigurationError as error:
        msg = f"configuration {path}: {error}"
        raise ConfigurationError(msg) from error


def _refuse_unknown(data: Any, default: Any, place: str) -> None:  # noqa: ANN401 - YAML holds anything
    """Raise ConfigurationError for a field that the dataclass does not have."""
    from dataclasses import fields, is_dataclass

    if not isinstance(data, dict):
        if is_dataclass(default):
            msg = f"{place or 'the whole'} is not a table of fields"
            raise ConfigurationError(msg)
        return
    known = {f.name: getattr(default, f.name) for f in fields(default)} if is_dataclass(default) else {}
    for name, value in data.items():
        if is_dataclass(default) and name not in known:
            msg = f"{place}{name} is not a field; use one of {', '.join(known)}"
            raise ConfigurationError(msg)
        if is_dataclass(known.get(name)):
            _refuse_unknown(value, known[name], f"{place}{name}.")
