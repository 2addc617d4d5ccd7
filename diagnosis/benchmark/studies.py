"""(e) A whole study, and a batch of studies, against a plain script with the same weights."""

import csv
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch

from diagnosis import settings
from diagnosis.batch.job import BatchOptions
from diagnosis.batch.run import run_batch
from diagnosis.benchmark.made_up import center_mm, dictation, write_dictation, write_manifest, write_series
from diagnosis.benchmark.measuring import Figure, figure_of, in_turns, seconds_of
from diagnosis.benchmark.plain_script import PlainScript, ScriptStudy
from diagnosis.engine import DiagnosisEngine
from diagnosis.ingest.case_folder import assemble_case
from diagnosis.ingest.speech_models import find_speech_model
from diagnosis.record import RegionOfInterest

MOST_STARTS = 3
NOTE = "A 12 mm spiculated solid nodule in the right upper lobe. Former smoker."


def measure_study(folder: Path, bundle: Path, voice: Path, repetitions: int = 5, n_slices: int = 300) -> list[Figure]:
    """One study with a note and a dictation of 30 s, from files to the assessment with its Shapley values.

    Once with everything loaded (a dashboard, a service), once from the start of a program (`diagnosis assess`).
    """
    engine = DiagnosisEngine.load(bundle)
    series = write_series(folder / "series", n_slices)
    spoken = write_dictation(folder / "voice.wav", dictation(voice))
    (folder / "note.txt").write_text(NOTE, encoding="utf-8")
    region = RegionOfInterest(center_mm(n_slices), 16.0)
    script = PlainScript(engine, find_speech_model().folder)
    study = ScriptStudy(series, center_mm(n_slices), NOTE, voice=spoken, diameter_mm=16.0)

    def ours() -> float:
        case, _ = assemble_case("b", ct=series, note=folder / "note.txt", voice=spoken, region=region)
        return engine.assess(case).main.probability

    difference = abs(ours() - script.probability(study))
    note = f"probabilities differ by {difference:.3f} (the transcripts are not the same)"
    name, peer = "a study with a 30 s dictation", "plain script, MONAI and the same weights"
    warm = in_turns(name, peer, ours, lambda: script.probability(study), repetitions, note)
    files = (folder / "note.txt", spoken)
    return [warm, _from_the_start(bundle, study, files, min(repetitions, MOST_STARTS))]


def _from_the_start(bundle: Path, study: ScriptStudy, files: tuple[Path, Path], repetitions: int) -> Figure:
    """The same, each time in a new process: packages are loaded and weights are verified in it."""
    note, voice = (str(path) for path in files)
    x, y, z = (str(mm) for mm in study.center_mm)
    size = str(study.diameter_mm)
    model, ct = str(bundle), str(study.ct)
    start = [sys.executable, "-m"]
    marked = [f"--region={x},{y},{z}", "--diameter", size]
    ours = [*start, "diagnosis", "assess", "--ct", ct, *marked, "--note", note, "--voice", voice, "--bundle", model]
    theirs = [*start, "diagnosis.benchmark.plain_script", model, ct, note, voice, x, y, z, size]
    pairs = [(seconds_of(partial(_run, ours)), seconds_of(partial(_run, theirs))) for _ in range(repetitions)]
    name, peer = "the same from the start of the program", "plain script from its start"
    return figure_of(name, peer, pairs)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def measure_batch(
    folder: Path, bundle: Path, n_studies: int = 64, repetitions: int = 5, n_slices: int = 300
) -> list[Figure]:
    """A batch with CT, notes and transcripts, then the script on one of its studies, in turns: seconds a study.

    The start of the program is part of ours and not of the script's.
    """
    engine = DiagnosisEngine.load(bundle)
    series = [write_series(folder / f"series{i}", n_slices, seed=i) for i in range(4)]
    manifest = write_manifest(folder / "manifest.csv", series, n_studies, n_slices)
    script = PlainScript(engine, None)
    with manifest.open(encoding="utf-8") as file:
        studies = [_script_study(row) for row in csv.DictReader(file)]
    script.probability(studies[-1])
    pairs, differences = [], []
    for i in range(repetitions):
        out = folder / f"out{i}"
        options = BatchOptions(manifest, bundle, out, uses_cache=False)
        ours = seconds_of(partial(run_batch, options)) / n_studies
        torch.set_num_threads(settings.thread_count())
        start = time.perf_counter()
        expected = script.probability(studies[i % n_studies])
        pairs.append((ours, time.perf_counter() - start))
        differences.append(abs(expected - _probabilities(out)[i % n_studies]))
    note = f"largest difference of a probability {max(differences):.1e}, median {statistics.median(differences):.1e}"
    return [figure_of(f"a study in a batch of {n_studies}", "plain script, MONAI and the same weights", pairs, note)]


def _script_study(row: Mapping[str, str]) -> ScriptStudy:
    x, y, z = (float(row[name]) for name in ("center_x_mm", "center_y_mm", "center_z_mm"))
    return ScriptStudy(Path(row["ct"]), (x, y, z), row["note_text"], voice_text=row["voice_text"])


def _probabilities(out: Path) -> list[float]:
    """Of each study, in the order of the manifest."""
    with (out / "results.csv").open(encoding="utf-8") as file:
        return [float(row["probability"]) for row in csv.DictReader(file)]
