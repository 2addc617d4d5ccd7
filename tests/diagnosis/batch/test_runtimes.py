"""Other runtimes say what float32 says, to within the stated tolerance, or are not chosen."""

import numpy as np
import pytest

from diagnosis.batch import choice
from diagnosis.batch.cache import FileCache
from diagnosis.batch.choice import TOLERANCE, Trial, best_of, choose_runtime, largest_difference, make_runtime
from diagnosis.batch.compiled import MAKERS
from diagnosis.batch.encoder import StudyEncoder
from diagnosis.engine import DiagnosisEngine
from diagnosis.errors import MissingDependencyError


@pytest.fixture(scope="module")
def engine(tiny_bundle):
    return DiagnosisEngine.load(tiny_bundle)


def scored(engine, name):
    runtime = make_runtime(name, engine.bundle.network, engine.contract.view.shape)
    studies = choice._made_up_studies(engine)
    encoder = StudyEncoder(engine, runtime, FileCache(None))
    return encoder.fuse(studies, encoder.encode(studies))


@pytest.mark.parametrize("name", MAKERS)
def test_a_runtime_is_within_the_tolerance_of_float32(engine, name):
    expected = scored(engine, "torch-float32")
    assert largest_difference(expected, scored(engine, name)) <= TOLERANCE
    assert len({study.findings[0].probability for study in expected}) == len(expected)


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


def test_the_fastest_within_tolerance_that_gains_enough_is_chosen():
    plain = Trial("torch-float32", 1.0, 0.0)
    fast, faster = Trial("a", 0.5, 0.001), Trial("b", 0.3, 0.009)
    wrong, hardly = Trial("c", 0.1, 0.011), Trial("d", 0.9, 0.0)
    assert best_of([plain, fast, faster, wrong, hardly]) == "b"
    assert best_of([plain, wrong, hardly, Trial("e", 0.0, 1.0, "RuntimeError")]) == "torch-float32"


def test_the_choice_is_made_once_for_a_machine(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("DIAGNOSIS_CACHE", str(tmp_path))
    trials = [Trial("torch-float32", 1.0, 0.0), Trial("openvino-bfloat16", 0.1, 0.002)]
    monkeypatch.setattr(choice, "try_runtimes", lambda _bundle: trials)
    assert choose_runtime("auto", engine.bundle) == "openvino-bfloat16"
    monkeypatch.setattr(choice, "try_runtimes", lambda _bundle: pytest.fail("tried again"))
    assert choose_runtime("auto", engine.bundle) == "openvino-bfloat16"
    assert choose_runtime("float32", engine.bundle) == "torch-float32"


def test_an_unknown_runtime_is_refused(engine):
    with pytest.raises(MissingDependencyError, match="runtime: 'abacus' is not known; use auto"):
        make_runtime("abacus", engine.bundle.network, (1, 2, 3))


def test_rows_that_depend_on_their_place_are_noticed():
    from diagnosis.batch.encoder import rows_are_independent

    assert rows_are_independent(lambda v, s: list(v * 2), (2, 3, 4), 4)
    assert not rows_are_independent(lambda v, s: list(v + np.arange(len(v))[:, None, None, None]), (2, 3, 4), 4)
