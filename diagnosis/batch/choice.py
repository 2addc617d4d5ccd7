"""Which runtime a run uses: what was asked for, or what measures best on this machine within the tolerance.

The self-test sends the same made-up studies through each runtime that is installed, in turns, on one thread as a run
does, and counts processor seconds, which a busy machine hardly changes. A runtime is accepted only where no calibrated
probability differs from float32 by more than `TOLERANCE`, and chosen only where it is faster by `GAIN` for the whole
run, its start included: a compiled network takes seconds to make, which a few studies do not earn. What was measured is
remembered for this machine, this bundle and these versions; what was chosen is kept in the ledger, so that a run that
goes on uses what it was begun with. On a graphics processor the network stays as it stands.
"""

import hashlib
import json
import math
import platform
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

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
from diagnosis.progress import OnProgress

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
        start_s: processor seconds to make it.
        study_s: processor seconds to encode a study with a region and a note, the least of the repetitions.
        difference: largest difference of a probability from float32.
        problem: why it could not be tried, or None.
    """

    name: str
    start_s: float
    study_s: float
    difference: float
    problem: str | None = None

    @property
    def is_within_tolerance(self) -> bool:
        """Whether its answers may stand for those of float32."""
        return self.problem is None and self.difference <= TOLERANCE

    def seconds_for(self, n_studies: int) -> float:
        """Processor seconds for so many studies, its start included."""
        return self.start_s + n_studies * self.study_s


def choose_runtime(wanted: str, bundle: Bundle, n_studies: int, on_progress: OnProgress | None = None) -> str:
    """Name of the runtime: `float32` is the network as it stands, `auto` what measures best, else a runtime's name.

    Args:
        wanted: what was asked for.
        bundle: what is run.
        n_studies: for how many studies.
        on_progress: called with (done, all) steps of the self-test.
    """
    if wanted == "float32" or (wanted == "auto" and torch.cuda.is_available()):
        return TorchRuntime.name
    if wanted != "auto":
        return wanted
    trials = remembered_trials(bundle)
    if trials is None:
        trials = try_runtimes(bundle, on_progress)
        _remember(trials, bundle)
    return best_of(trials, n_studies)


def best_of(trials: Sequence[Trial], n_studies: int) -> str:
    """The fastest runtime within tolerance for so many studies, or float32 (the first) where none gains enough."""
    plain = trials[0]
    limit = plain.seconds_for(n_studies)
    able = [t for t in trials[1:] if t.is_within_tolerance and t.seconds_for(n_studies) * GAIN <= limit]
    return min(able, key=lambda trial: trial.seconds_for(n_studies)).name if able else plain.name


def remembered_trials(bundle: Bundle) -> list[Trial] | None:
    """What the self-test once found on this machine with this bundle and these versions, or None."""
    try:
        stated: Any = json.loads(_memory_of(bundle).read_text(encoding="utf-8"))
        trials = [Trial(**{field.name: one[field.name] for field in fields(Trial)}) for one in stated["trials"]]
    except (OSError, ValueError, KeyError, TypeError):  # none, damaged, or of an earlier version: it is tried again
        return None
    return trials or None


def _remember(trials: Sequence[Trial], bundle: Bundle) -> None:
    """Keep what was found; where the user cache cannot be written, the next run tries again, and this one goes on."""
    path = _memory_of(bundle)
    unfinished = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(
            json.dumps({"trials": [asdict(trial) for trial in trials]}, indent=2) + "\n", encoding="utf-8"
        )
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _memory_of(bundle: Bundle) -> Path:
    return settings.cache_dir() / f"runtime-{_machine(bundle.sha256)}.json"


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


def try_runtimes(bundle: Bundle, on_progress: OnProgress | None = None) -> list[Trial]:
    """The self-test; float32 in PyTorch comes first."""
    engine = DiagnosisEngine(bundle)
    studies = _made_up_studies(engine)
    names = (TorchRuntime.name, *MAKERS)
    starts: dict[str, float] = {}
    problems: dict[str, str] = {}
    encoders: dict[str, StudyEncoder] = {}
    with _one_thread():
        for number, name in enumerate(names):
            if on_progress is not None:
                on_progress(number, len(names) + 1)
            start = time.process_time()
            try:
                runtime = make_runtime(name, bundle.network, engine.contract.view.shape)
                encoders[name] = StudyEncoder(engine, runtime, FileCache(None))
            except MissingDependencyError as error:
                problems[name] = str(error)
            except RuntimeError as error:  # what the libraries raise for a graph that they refuse
                problems[name] = f"runtime: {name} refuses this network ({type(error).__name__})"
            starts[name] = time.process_time() - start
        if on_progress is not None:
            on_progress(len(names), len(names) + 1)
        costs, found = _in_turns(encoders, studies)
        if on_progress is not None:
            on_progress(len(names) + 1, len(names) + 1)
    expected = found[TorchRuntime.name]
    return [
        Trial(name, starts[name], 0.0, 1.0, problems[name])
        if name in problems
        else Trial(name, starts[name], costs[name], largest_difference(expected, found[name]))
        for name in names
    ]


def largest_difference(expected: Sequence[Scored], found: Sequence[Scored]) -> float:
    """Largest difference of a calibrated probability between two answers on the same studies."""
    pairs = zip(expected, found, strict=True)
    return max(
        abs(a.probability - b.probability)
        for first, second in pairs
        for a, b in zip(first.findings, second.findings, strict=True)
    )


def _in_turns(
    encoders: Mapping[str, StudyEncoder], studies: list[PreparedStudy]
) -> tuple[dict[str, float], dict[str, list[Scored]]]:
    """Least processor seconds a study, and what is said of the studies, by runtime."""
    found = {name: encoder.fuse(studies, encoder.encode(studies)) for name, encoder in encoders.items()}
    costs = dict.fromkeys(encoders, math.inf)
    for _ in range(REPETITIONS):
        for name, encoder in encoders.items():
            start = time.process_time()
            encoder.encode(studies)
            costs[name] = min(costs[name], (time.process_time() - start) / len(studies))
    return costs, found


@contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch on one thread, as a run has it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
