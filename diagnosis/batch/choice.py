"""Which runtime a run uses: what was asked for, or what measures best on this machine within the tolerance.

The self-test sends the same made-up studies through each runtime that is installed. One is accepted only where no
calibrated probability differs from float32 by more than `TOLERANCE`, and chosen only where it is faster by `GAIN`: a
difference that noise makes is no reason to leave the network as it stands. The choice is remembered for this machine,
this bundle and these versions, and in the ledger of each run, so that a run that goes on uses what it was begun with.
"""

import hashlib
import json
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import final

import numpy as np

from diagnosis import settings
from diagnosis.batch.cache import FileCache
from diagnosis.batch.compiled import MAKERS
from diagnosis.batch.encoder import BATCH_ROWS, Scored, StudyEncoder
from diagnosis.batch.prepared import PreparedStudy
from diagnosis.batch.runtime import Runtime, TorchRuntime
from diagnosis.bundle.folder import Bundle
from diagnosis.engine import DiagnosisEngine
from diagnosis.errors import MissingDependencyError
from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.preprocessing.text import prepare_text

TOLERANCE = 0.01
"""Largest difference of a calibrated probability from float32."""
GAIN = 1.2
"""A runtime has to be this many times faster than float32 in PyTorch to be chosen."""
REPETITIONS = 5
SENTENCES = (
    "A 6 mm smooth solid nodule in the right lower lobe. No calcification.",
    "There is a spiculated part-solid nodule of 22 x 18 mm in the left upper lobe, suspicious for malignancy.",
    "Ground-glass nodule, poorly defined margin, 9 mm. Follow-up in three months is advised.",
    "Calcified granuloma of 4 mm. The remaining lungs are clear. No effusion, no lymphadenopathy.",
)


@final
@dataclass(frozen=True)
class Trial:
    """What the self-test found of one runtime.

    Attributes:
        name: of the runtime.
        seconds: for the made-up studies, median of the repetitions.
        difference: largest difference of a probability from float32.
        problem: why it could not be tried, or None.
    """

    name: str
    seconds: float
    difference: float
    problem: str | None = None

    @property
    def is_within_tolerance(self) -> bool:
        """Whether its answers may stand for those of float32."""
        return self.problem is None and self.difference <= TOLERANCE


def choose_runtime(wanted: str, bundle: Bundle) -> str:
    """Name of the runtime: `float32` is the network as it stands, `auto` what measures best, else a runtime's name."""
    if wanted == "float32":
        return TorchRuntime.name
    if wanted != "auto":
        return wanted
    remembered = settings.cache_dir() / f"runtime-{_machine(bundle.sha256)}.json"
    if remembered.is_file():
        return str(json.loads(remembered.read_text(encoding="utf-8"))["chosen"])
    trials = try_runtimes(bundle)
    chosen = best_of(trials)
    remembered.parent.mkdir(parents=True, exist_ok=True)
    document = {"chosen": chosen, "trials": [asdict(trial) for trial in trials]}
    remembered.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return chosen


def best_of(trials: Sequence[Trial]) -> str:
    """The fastest runtime within tolerance, or float32 (the first trial) where none gains enough."""
    plain = trials[0]
    able = [trial for trial in trials[1:] if trial.is_within_tolerance and trial.seconds * GAIN <= plain.seconds]
    return min(able, key=lambda trial: trial.seconds).name if able else plain.name


def make_runtime(name: str, network: DiagnosisNetwork, shape: tuple[int, int, int]) -> Runtime:
    """The runtime of that name for regions of a shape.

    Raises:
        MissingDependencyError: there is none, or its package is not installed.
    """
    if name == TorchRuntime.name:
        return TorchRuntime(network)
    if name not in MAKERS:
        msg = f"runtime: {name!r} is not known; use auto, {TorchRuntime.name}, {', '.join(MAKERS)}"
        raise MissingDependencyError(msg)
    return MAKERS[name](network, (BATCH_ROWS, 1, *shape))


def try_runtimes(bundle: Bundle) -> list[Trial]:
    """The self-test; float32 in PyTorch comes first."""
    engine = DiagnosisEngine(bundle)
    studies = _made_up_studies(engine)
    plain, expected = _timed(engine, TorchRuntime(bundle.network), studies)
    trials = [Trial(TorchRuntime.name, plain, 0.0)]
    for name in MAKERS:
        try:
            runtime = make_runtime(name, bundle.network, engine.contract.view.shape)
            seconds, found = _timed(engine, runtime, studies)
        except (MissingDependencyError, RuntimeError) as error:  # what the libraries raise for a graph they refuse
            trials.append(Trial(name, 0.0, 1.0, type(error).__name__))
            continue
        trials.append(Trial(name, seconds, largest_difference(expected, found)))
    return trials


def largest_difference(expected: Sequence[Scored], found: Sequence[Scored]) -> float:
    """Largest difference of a calibrated probability between two answers on the same studies."""
    pairs = zip(expected, found, strict=True)
    return max(
        abs(a.probability - b.probability)
        for first, second in pairs
        for a, b in zip(first.findings, second.findings, strict=True)
    )


def _timed(engine: DiagnosisEngine, runtime: Runtime, studies: list[PreparedStudy]) -> tuple[float, list[Scored]]:
    encoder = StudyEncoder(engine, runtime, FileCache(None))
    scored = encoder.fuse(studies, encoder.encode(studies))
    seconds = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        encoder.encode(studies)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), scored


def _made_up_studies(engine: DiagnosisEngine) -> list[PreparedStudy]:
    """A batch of balls in noise with sentences about them, the same each time."""
    rng = np.random.default_rng(0)
    shape = engine.contract.view.shape
    from_center = [np.arange(n) - (n - 1) / 2 for n in shape]
    z, y, x = np.meshgrid(*from_center, indexing="ij")
    studies = []
    for i in range(BATCH_ROWS):
        region = 0.15 + 0.03 * rng.standard_normal(shape)
        region[(2 * z) ** 2 + y**2 + x**2 < (2 + 2 * i) ** 2] += 0.5
        text = prepare_text(SENTENCES[i % len(SENTENCES)], engine.tokenizer, engine.contract.max_tokens)
        study = PreparedStudy(
            case_id=str(i),
            modalities="ct+note",
            regions=np.clip(region, 0, 1).astype(np.float32)[None],
            diameters_mm=np.array([3.0 + 3 * i], dtype=np.float32),
            note_ids=text.ids,
            voice_ids=None,
            mel=None,
            warnings=((),),
        )
        studies.append(study)
    return studies


def _machine(bundle_sha256: str) -> str:
    """Short hash over what the choice depends on."""
    packages = []
    for name in ("torch", "openvino", "onnxruntime"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            packages.append(f"no {name}")
    facts = [platform.machine(), _processor_name(), bundle_sha256, *packages]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return platform.processor()
