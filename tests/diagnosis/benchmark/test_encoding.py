"""Shares of the peak: the products are counted right, and a network of products alone reaches about all of it."""

import torch
from torch import nn

from diagnosis.benchmark import encoding
from diagnosis.benchmark.encoding import OWN_WAYS, Subject, count_operations, measure_subject


def test_operations_of_a_convolution_are_counted_on_shapes():
    assert count_operations(nn.Conv3d(2, 4, 3, padding=1), (1, 2, 5, 6, 7)) == 2 * (4 * 5 * 6 * 7) * (2 * 27)


def test_a_network_is_run_in_each_way_and_held_to_float32(monkeypatch):
    monkeypatch.setattr(encoding, "PRODUCTS", ((256, 256, 256),))
    monkeypatch.setattr(encoding, "LONG_PRODUCT", (64, 512, 64))
    monkeypatch.setattr(encoding, "SHORTEST_S", 0.01)
    threads = torch.get_num_threads()
    network = nn.Sequential(nn.Conv3d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv3d(8, 8, 3, padding=1)).eval()
    figures = measure_subject(Subject("small", network, (1, 1, 8, 16, 16), OWN_WAYS), 2)
    torch.set_num_threads(threads)
    assert [figure.name for figure in figures] == [f"small, {way}, share of the peak" for way, _, _ in OWN_WAYS]
    for figure in figures:
        assert 0 < figure.low <= figure.ratio <= figure.high
        assert ", within the tolerance" in figure.note
