"""Ratios of pairs, peak memory, and what is measured with."""

import subprocess
import sys

import numpy as np
import pytest

from diagnosis.benchmark import made_up
from diagnosis.benchmark.growth import watch_memory
from diagnosis.benchmark.measuring import figure_of, in_turns, missing, peak_mib
from diagnosis.ingest.dicom_volume import read_volume
from diagnosis.ingest.manifest import read_manifest


def test_the_ratio_is_the_median_over_pairs_of_neighbors():
    figure = figure_of("x", "y", [(1.0, 2.0), (2.0, 10.0), (1.0, 3.0)])
    assert (figure.ratio, figure.low, figure.high) == (3.0, 2.0, 5.0)
    assert (figure.ours_s, figure.peer_s) == (1.0, 3.0)


def test_both_take_turns_and_the_first_calls_do_not_count():
    calls = []
    figure = in_turns("x", "y", lambda: calls.append("ours"), lambda: calls.append("theirs"), 2)
    assert calls == ["ours", "theirs"] * 3
    assert figure.ratio is not None


def test_a_missing_peer_is_named():
    figure = missing("x", "a peer", "its-package")
    assert figure.ratio is None
    assert figure.note == "left out: its-package is not installed"


def test_peak_memory_is_that_of_the_call():
    for block in [np.ones(2**17) for _ in range(200)]:  # 200 MiB in pieces that stay with the allocator when freed
        del block
    peak = peak_mib(lambda: np.ones(64 * 2**20 // 8))
    if np.isnan(peak):
        pytest.skip("this system does not tell the memory of a process")
    assert 60 < peak < 80
    watched = watch_memory(
        lambda: subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True), every_s=0.01
    )
    assert watched.most_mib > 10
    assert watched.processor_s > 0.05  # that of the child


def test_a_made_up_series_passes_the_gate_with_its_ball_in_the_middle(tmp_path):
    volume = read_volume(made_up.write_series(tmp_path, 24, 64))
    assert volume.spacing_mm == pytest.approx(made_up.SPACING_MM)
    index = volume.index_of(made_up.center_mm(24)).round().astype(int)
    assert volume.hu[tuple(index)] > -200
    assert volume.hu[0, 0, 0] < -500


def test_a_made_up_manifest_is_one(tmp_path):
    series = made_up.write_series(tmp_path / "series", 24, 64)
    manifest = read_manifest(made_up.write_manifest(tmp_path / "m.csv", [series], 5, 24))
    assert len(manifest.rows) == 5
    assert len({row.center_mm for row in manifest.rows}) == 5


def test_a_dictation_is_as_long_as_asked(checkout):
    audio = made_up.dictation(checkout / "data_samples" / "case_001" / "voice.wav", 30.0)
    assert audio.duration_s == pytest.approx(30.0)
