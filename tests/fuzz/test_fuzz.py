"""A small share of the long run (`python tests/fuzz/fuzz_run.py`), and hypothesis' own bytes, for every parser."""

import random
from pathlib import Path

import pytest
from fuzz_damage import mutated
from fuzz_run import input_of
from fuzz_targets import TARGETS, attempt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)


HONEST = [name for name, target in TARGETS.items() if target.is_honest]
HOSTILE = [name for name, target in TARGETS.items() if not target.is_honest]


@pytest.mark.parametrize("name", HONEST)
def test_honest_inputs_are_accepted(name: str, tmp_path: Path) -> None:
    outcomes = [attempt(TARGETS[name], tmp_path, seed) for seed in TARGETS[name].seeds()]
    assert set(outcomes) <= {"accepted", "GeometryError"}
    assert "accepted" in outcomes


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_inputs_are_refused(name: str, tmp_path: Path) -> None:
    outcomes = [attempt(TARGETS[name], tmp_path, seed) for seed in TARGETS[name].seeds()]
    assert "accepted" not in outcomes


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "deflated_bomb"])  # it takes a second each time
def test_damaged_inputs_are_refused_in_words(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    seeds = target.seeds()

    @QUICK
    @given(st.sampled_from(range(len(seeds))), st.integers(0, 2**32))
    def check(index: int, number: int) -> None:
        attempt(target, tmp_path, mutated(seeds[index], seeds, random.Random(number)))

    check()


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_refused_in_words(name: str, tmp_path: Path) -> None:
    @QUICK
    @given(st.binary(max_size=600))
    def check(data: bytes) -> None:
        attempt(TARGETS[name], tmp_path, data)

    check()


ONCE_FAILED = (("dicom_series", 1341), ("dicom_file", 5703), ("dicom_file", 12694), ("pdf", 844), ("pdf", 1039),
               ("upload", 1000760))  # fmt: skip


@pytest.mark.parametrize(("name", "number"), ONCE_FAILED)
def test_inputs_that_once_failed(name: str, number: int, tmp_path: Path) -> None:
    """A codec that ended the process, a vector of one number, a header of 65,535 bits, wrong objects, no name."""
    attempt(TARGETS[name], tmp_path, input_of(TARGETS[name], number))


def test_a_pdf_with_an_unknown_filter_is_refused(tmp_path: Path) -> None:
    data = TARGETS["pdf"].seeds()[1].replace(b"FlateDecode", b"FlatXDecode")
    assert attempt(TARGETS["pdf"], tmp_path, data) == "NoteError"


def test_metadata_of_an_unknown_network_is_refused(tmp_path: Path) -> None:
    data = TARGETS["metadata"].seeds()[0].replace(b'"text_encoder"', b'"text_decoder"')
    assert attempt(TARGETS["metadata"], tmp_path, data) == "BundleError"
