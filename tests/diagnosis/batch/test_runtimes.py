"""Other runtimes say what float32 says, to within the stated tolerance, or are not chosen."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from diagnosis.batch import choice
from diagnosis.batch.cache import FileCache
from diagnosis.batch.choice import TOLERANCE, Trial, best_of, choose_runtime, largest_difference, make_runtime
from diagnosis.batch.compiled import MAKERS
from diagnosis.batch.encoder import StudyEncoder
from diagnosis.batch.job import BatchOptions
from diagnosis.batch.local import reader_settings
from diagnosis.batch.reading import StudyReader
from diagnosis.batch.studies import find_studies
from diagnosis.engine import DiagnosisEngine
from diagnosis.errors import MissingDependencyError


@pytest.fixture(scope="module")
def engine(tiny_bundle):
    return DiagnosisEngine.load(tiny_bundle)


def test_the_bits_of_a_study_do_not_depend_on_its_company(engine):
    runtime = make_runtime("torch-float32", engine.bundle.network, engine.contract.view.shape)
    studies = choice._made_up_studies(engine)
    encoder = StudyEncoder(engine, runtime, FileCache(None))
    together = encoder.fuse(studies, encoder.encode(studies))
    turned = studies[3:] + studies[:3]
    for study in [
        *encoder.fuse(turned, encoder.encode(turned)),
        *encoder.fuse(studies[5:6], encoder.encode(studies[5:6])),
    ]:
        assert study in together


def test_openvino_tells_nobody_that_it_is_used(engine, tmp_path):
    """Its telemetry would send from a child process, and keep an identifier of the user in his home."""
    pytest.importorskip("openvino")
    script = (
        "import sys; from diagnosis.batch.choice import make_runtime; from diagnosis.engine import DiagnosisEngine\n"
        "engine = DiagnosisEngine.load(sys.argv[1])\n"
        "make_runtime('openvino-float32', engine.bundle.network, engine.contract.view.shape)\n"
        "print(any(name.startswith('openvino_telemetry.') for name in sys.modules))"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "CI": "false"}
    command = [sys.executable, "-c", script, str(engine.bundle.folder)]
    found = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert found.stdout.strip() == "False"
    assert not (tmp_path / "intel").exists()


@pytest.mark.parametrize("name", ["openvino-float32", "onnx-float32"])
def test_a_compiled_runtime_is_made_without_a_word(name, engine, capfd, recwarn):
    """Tracing looks at what other libraries have deprecated, which nobody who scores studies can do anything about."""
    pytest.importorskip(name.split("-")[0].replace("onnx", "onnxruntime"))
    make_runtime(name, engine.bundle.network, engine.contract.view.shape)
    shown = [warning for warning in recwarn if not issubclass(warning.category, DeprecationWarning)]
    assert [str(warning.message) for warning in shown] == []
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_the_shipped_bundle_is_within_the_tolerance_on_real_parts(name, shipped, prepared_samples):
    """The synthetic patients of data_samples through each runtime, note and dictation included."""

    def answers(runtime_name):
        runtime = make_runtime(runtime_name, shipped.bundle.network, shipped.contract.view.shape)
        encoder = StudyEncoder(shipped, runtime, FileCache(None))
        return encoder.fuse(prepared_samples, encoder.encode(prepared_samples))

    expected = answers("torch-float32")
    found = answers(name)
    assert largest_difference(expected, found) <= TOLERANCE
    assert len({study.findings[0].probability for study in expected}) == len(expected) == 4
    assert [s.findings[0].is_flagged for s in found] == [s.findings[0].is_flagged for s in expected]


@pytest.fixture(scope="module")
def shipped():
    return DiagnosisEngine.load()


@pytest.fixture(scope="module")
def prepared_samples(shipped, checkout):
    """The four sample cases as the reading processes prepare them; what was dictated is given as text."""
    options = BatchOptions(checkout, checkout, checkout, uses_cache=False)
    reader = StudyReader(reader_settings(shipped.bundle, options))
    spoken = "Spiculated solid nodule of 22 millimeters in the right upper lobe, no calcification."
    studies = [study.parts() for study in find_studies(checkout / "data_samples")]
    return [reader.read(replace(study, voice=None, voice_text=spoken))[0] for study in studies]


def test_the_fastest_within_tolerance_that_gains_enough_is_chosen():
    plain = Trial("torch-float32", 0.0, 1.0, 0.0)
    fast, faster = Trial("a", 0.0, 0.5, 0.001), Trial("b", 0.0, 0.3, 0.009)
    wrong, hardly = Trial("c", 0.0, 0.1, 0.011), Trial("d", 0.0, 0.9, 0.0)
    assert best_of([plain, fast, faster, wrong, hardly], 100) == "b"
    assert best_of([plain, wrong, hardly, Trial("e", 0.0, 0.0, 1.0, "RuntimeError")], 100) == "torch-float32"


def test_a_start_that_few_studies_do_not_earn_counts():
    trials = [Trial("torch-float32", 0.0, 0.03, 0.0), Trial("compiled", 6.0, 0.01, 0.0)]
    assert best_of(trials, 300) == "torch-float32"
    assert best_of(trials, 3000) == "compiled"


def test_the_self_test_is_made_once_for_a_machine(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("DIAGNOSIS_CACHE", str(tmp_path))
    trials = [Trial("torch-float32", 0.0, 1.0, 0.0), Trial("openvino-bfloat16", 0.0, 0.1, 0.002)]
    monkeypatch.setattr(choice, "try_runtimes", lambda _bundle, _on_progress: trials)
    assert choose_runtime("auto", engine.bundle, 10) == "openvino-bfloat16"
    monkeypatch.setattr(choice, "try_runtimes", lambda _bundle, _on_progress: pytest.fail("tried again"))
    assert choose_runtime("auto", engine.bundle, 10) == "openvino-bfloat16"
    assert choose_runtime("float32", engine.bundle, 10) == "torch-float32"
    assert choice.remembered_trials(engine.bundle) == trials


def test_a_cache_that_cannot_be_written_costs_no_run(engine, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DIAGNOSIS_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(choice, "try_runtimes", lambda _bundle, _on_progress: [Trial("torch-float32", 0.0, 1.0, 0.0)])
    assert choose_runtime("auto", engine.bundle, 10) == "torch-float32"
    assert choice.remembered_trials(engine.bundle) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"trials": [{"name": "torch-float32", "seconds": 1}]}'])
def test_a_damaged_memory_of_the_self_test_is_no_memory(engine, tmp_path, monkeypatch, content):
    monkeypatch.setenv("DIAGNOSIS_CACHE", str(tmp_path))
    choice._remember([Trial("torch-float32", 0.0, 1.0, 0.0)], engine.bundle)
    (path,) = tmp_path.glob("runtime-*.json")
    path.write_text(content)
    assert choice.remembered_trials(engine.bundle) is None


def test_the_self_test_tries_every_runtime_and_tells_of_what_is_missing(engine, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("DIAGNOSIS_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as where it is not installed
    threads, told = torch.get_num_threads(), []
    chosen = choose_runtime("auto", engine.bundle, 10**9, lambda done, total: told.append((done, total)))
    trials = {trial.name: trial for trial in choice.remembered_trials(engine.bundle)}
    assert set(trials) == {"torch-float32", *MAKERS}
    assert "ONNX Runtime is not installed" in trials["onnx-float32"].problem
    able = [trial for trial in trials.values() if trial.is_within_tolerance]
    assert {trial.name for trial in able} == set(trials) - {"onnx-float32"}
    assert all(trial.study_s > 0 for trial in able)
    assert chosen in {trial.name for trial in able}
    assert told[-1] == (len(trials) + 1, len(trials) + 1)
    assert torch.get_num_threads() == threads
    assert capfd.readouterr().err == ""


def test_an_unknown_runtime_is_refused(engine):
    with pytest.raises(MissingDependencyError, match="runtime: 'abacus' is not known; use auto"):
        make_runtime("abacus", engine.bundle.network, (1, 2, 3))


def test_rows_that_depend_on_their_place_are_noticed():
    from diagnosis.batch.encoder import rows_are_independent

    assert rows_are_independent(lambda v, s: list(v * 2), (2, 3, 4), 4)
    assert not rows_are_independent(lambda v, s: list(v + np.arange(len(v))[:, None, None, None]), (2, 3, 4), 4)
