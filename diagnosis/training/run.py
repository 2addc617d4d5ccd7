"""A whole training run, from a configuration to a bundle."""

import json
import platform
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import diagnosis
from diagnosis.errors import ConfigurationError
from diagnosis.networks.fusion import FUSIONS
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.progress import OnProgress, OpenBar
from diagnosis.settings import process_count
from diagnosis.training.benchmark import write_benchmark
from diagnosis.training.cohort import Cohort
from diagnosis.training.config import TrainConfig
from diagnosis.training.dictations import DictationCache
from diagnosis.training.folds import OutOfFold, train_folds
from diagnosis.training.lidc import read_lidc
from diagnosis.training.manifest_cohort import cohort_digest, read_manifest_cohort
from diagnosis.training.medpix import read_medpix
from diagnosis.training.processes import first_process_first, is_first, start_processes, wait_for_all
from diagnosis.training.publish import SUBSETS, measure, publish
from diagnosis.training.sufficiency import require_enough
from diagnosis.vocabulary import fullest_subset

CONFIGURATION = "config.json"
COMPARISON, ENCODERS = "comparison.json", "image_encoders.json"
COMPARISON_COLUMNS = ("fusion", *SUBSETS, "all vs best single [95 %]")


def read_cohort(config: TrainConfig, open_bar: OpenBar, *, with_dictations: bool = True) -> Cohort:
    """The cohort that the configuration names, with regions larger than the field of view.

    Where nothing but images is compared, the LIDC cohort's dictations need not be spoken and transcribed.

    Raises:
        ConfigurationError: an acoustic branch, and no recording that it could hear.
        InputError: data that cannot be read.
    """
    cohort = _read_cohort(config, open_bar, with_dictations=with_dictations)
    if config.network.acoustic_encoder is not None and all(case.sound is None for case in cohort.cases):
        msg = (
            "acoustic branch: no case of the cohort has a recording; name recordings in a manifest, or leave "
            "network.acoustic_encoder out"
        )
        raise ConfigurationError(msg)
    return cohort


def _read_cohort(config: TrainConfig, open_bar: OpenBar, *, with_dictations: bool) -> Cohort:
    data = config.data
    shape = tuple(n + 2 * m for n, m in zip(data.shape, data.margin, strict=True))
    view = FieldOfView((shape[0], shape[1], shape[2]), data.spacing_mm, config.network.volume_encoder.hu_range)
    speaks = data.kind == "lidc" and with_dictations
    bar = open_bar(f"Reading the cohort{' (new dictations are spoken and transcribed)' if speaks else ''}")
    if data.kind == "lidc":
        cache = DictationCache(Path(config.cache) / "transcripts.json")
        return read_lidc(Path(data.root), view, cache.transcript if speaks else _no_dictation, bar)
    if data.kind == "medpix":
        return read_medpix(Path(data.root), view, bar, hide_diagnosis=data.hide_diagnosis)
    acoustic = config.network.acoustic_encoder
    return read_manifest_cohort(data, view, config.seed, bar, acoustic.n_mels if acoustic else None)


def _no_dictation(_key: str, _text: str) -> str:
    return ""


def fitted_to(config: TrainConfig, cohort: Cohort) -> TrainConfig:
    """The configuration with a network that learns all that a cohort teaches, and is said to learn no more.

    Without readers no descriptors are learned, and the CT encoder of a cohort with several findings learns all of them.
    """
    if any(case.readers for case in cohort.cases):
        return config
    encoder = config.network.volume_encoder
    if len(cohort.findings) > 1:
        encoder = replace(encoder, n_rating_steps=len(cohort.findings))
    return replace(config, network=replace(config.network, volume_encoder=encoder, reads_descriptors=False))


def train(config: TrainConfig, open_bar: OpenBar) -> dict[str, Any]:
    """Train, measure, and write the bundle; return its metrics. A run that was stopped goes on where it was.

    Of several processes that torchrun has started, the first writes and returns; the others return nothing.

    Raises:
        ConfigurationError: a setting that cannot be used, or a work folder that belongs to another configuration.
        InputError: data that cannot be read.
    """
    start = time.time()
    work = Path(config.work)
    start_processes(config.devices)
    # Sums depend on how many threads share them: a resumed run has as many as the run that was stopped, whatever the
    # environment says or the calling process was set to.
    torch.set_num_threads(1 if process_count() > 1 else config.workers)
    open_bar = open_bar if is_first() else _no_bar
    with first_process_first():
        _require_same_configuration(work, config)
        cohort = read_cohort(config, open_bar)
        require_enough(cohort, config)  # what is refused leaves no claim, so that it can be corrected and tried again
        _claim(work, config)
        _claim_cohort(work, config, cohort)
    stated, config = config, fitted_to(config, cohort)
    network, out_of_fold = train_folds(config, cohort, open_bar)
    if not is_first():
        wait_for_all()
        return {}
    save_out_of_fold(work / "out_of_fold.npz", out_of_fold)
    open_bar("Calibrating and measuring")
    kept = work / COMPARISON
    compared = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else None
    if config.out:
        document = publish(config, cohort, network, out_of_fold, compared)
    else:
        document = write_benchmark(config, cohort, out_of_fold)
    manifest = {
        "versions": {
            "diagnosis": diagnosis.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "config": asdict(stated),
        "seconds": round(time.time() - start, 1),
    }
    (work / "run.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    wait_for_all()
    return document


def _no_bar(_title: str) -> OnProgress:
    """What all but the first process show."""
    return lambda _done, _total: None


def _require_same_configuration(work: Path, config: TrainConfig) -> None:
    stated = json.loads(json.dumps(asdict(config)))
    path = work / CONFIGURATION
    if path.is_file() and _with_defaults(json.loads(path.read_text(encoding="utf-8"))) != stated:
        msg = f"training: {work} holds a run with another configuration; name another `work` folder or remove it"
        raise ConfigurationError(msg)


def _claim(work: Path, config: TrainConfig) -> None:
    """Note the configuration in the work folder; refuse to go on there with another one."""
    _require_same_configuration(work, config)
    work.mkdir(parents=True, exist_ok=True)
    _write_whole(work / CONFIGURATION, json.dumps(asdict(config), indent=2) + "\n")


def _claim_cohort(work: Path, config: TrainConfig, cohort: Cohort) -> None:
    """Note what is learned from in the work folder; refuse to go on there with other cases.

    A manifest and its files change under the same path; the other data sets do not.
    """
    if config.data.kind != "manifest":
        return
    path, digest = work / "cohort.sha256", cohort_digest(cohort)
    if path.is_file() and path.read_text(encoding="utf-8").strip() != digest:
        msg = (
            f"training: {work} holds a run on other cases: the manifest or its files have changed since; name another "
            "`work` folder or remove it"
        )
        raise ConfigurationError(msg)
    _write_whole(path, digest + "\n")


def _write_whole(path: Path, text: str) -> None:
    """Written at each start: a run that is killed meanwhile must find what it had noted."""
    partial = path.with_name(f".{path.name}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _with_defaults(kept: dict[str, Any]) -> dict[str, Any]:
    """A configuration as it was kept, with the default of every field that did not exist at the time."""

    def fill(default: Any, own: Any) -> Any:  # noqa: ANN401 - JSON
        if not isinstance(default, dict) or not isinstance(own, dict):
            return own
        return {**default, **{name: fill(default.get(name), value) for name, value in own.items()}}

    filled: dict[str, Any] = fill(json.loads(json.dumps(asdict(TrainConfig()))), kept)
    return filled


def save_out_of_fold(path: Path, answers: OutOfFold) -> None:
    """Keep the answers, so that a figure can be computed again without training."""
    arrays = {f"logits/{k}": v for k, v in answers.logits.items()}
    arrays |= {f"descriptors/{k}": v for k, v in answers.descriptors.items()}
    np.savez_compressed(path, allow_pickle=False, **arrays)


def load_out_of_fold(path: Path) -> OutOfFold:
    """The answers that `save_out_of_fold` kept."""
    with np.load(path, allow_pickle=False) as stored:
        tables = {name: stored[name] for name in stored.files}
    return OutOfFold(
        {k.removeprefix("logits/"): v for k, v in tables.items() if k.startswith("logits/")},
        {k.removeprefix("descriptors/"): v for k, v in tables.items() if k.startswith("descriptors/")},
    )


def compare_fusions(config: TrainConfig, methods: list[str], open_bar: OpenBar) -> dict[str, dict[str, Any]]:
    """Train several fusions on the same folds and the same encoders; each one's metrics document.

    Raises:
        ConfigurationError: an unknown method.
    """
    unknown = [m for m in methods if m not in FUSIONS]
    if unknown:
        msg = f"compare: fusion {unknown[0]!r} is not known; use some of {', '.join(FUSIONS)}"
        raise ConfigurationError(msg)
    _claim(Path(config.work), config)
    cohort = read_cohort(config, open_bar)
    _claim_cohort(Path(config.work), config, cohort)
    require_enough(cohort, config)
    config = fitted_to(config, cohort)
    results = {}
    for method in methods:
        fusion = replace(config.network.fusion, method=method)
        chosen = replace(config, network=replace(config.network, fusion=fusion))
        _, answers = train_folds(chosen, cohort, open_bar)
        save_out_of_fold(Path(config.work) / f"out_of_fold_{method}.npz", answers)
        results[method] = measure(cohort, answers, chosen)
    compared = {"columns": list(COMPARISON_COLUMNS), "rows": comparison_rows(results, cohort.findings[0])}
    (Path(config.work) / COMPARISON).write_text(json.dumps(compared, indent=2) + "\n", encoding="utf-8")
    return results


def compare_encoders(config: TrainConfig, open_bar: OpenBar) -> dict[str, Any]:
    """Image encoders on the regions and folds of a run; the table, which is kept and shown in the bundle's card.

    They are compared by the main finding. A run of several findings has encoders that learned all of them at once: they
    are trained again for the main one alone, as the others are.
    """
    from diagnosis.training.image_encoders import compare_image_encoders

    _claim(Path(config.work), config)
    cohort, work = read_cohort(config, open_bar, with_dictations=False), config.work
    if len(cohort.findings) > 1:
        cohort, work = cohort.of_main_finding(), str(Path(config.work) / "encoders" / "main_finding")
    document = compare_image_encoders(replace(config, work=work), cohort, open_bar)
    bundle = Path(config.out)
    folders = [Path(config.work), *([bundle / "eval"] if config.out and (bundle / "eval").is_dir() else [])]
    for folder in folders:
        (folder / ENCODERS).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return document


def comparison_rows(results: dict[str, dict[str, Any]], finding: str) -> list[tuple[str, ...]]:
    """One row a method: AUROC of each subset, and the difference of the fullest to its best single part."""
    rows = []
    for method, document in results.items():
        subsets = document["findings"][finding]
        cells = [f"{subsets[s]['auroc']['value']:.3f}" if s in subsets else "-" for s in SUBSETS]
        fullest = fullest_subset(s for s in SUBSETS if s in subsets)
        gain = document["differences"].get(f"{fullest}-vs-best-single")
        shown = f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]" if gain else "-"
        rows.append((method, *cells, shown))
    return rows
