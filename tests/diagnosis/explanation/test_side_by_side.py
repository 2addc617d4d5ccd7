import contextvars
import threading

import pytest
import torch

from diagnosis.explanation.side_by_side import side_by_side

WHERE = contextvars.ContextVar("where", default="nowhere")


@pytest.mark.parametrize(("processors", "each"), [(1, 1), (2, 1), (6, 2)])
def test_results_come_in_order_with_the_callers_context(processors, each, monkeypatch):
    monkeypatch.setattr("diagnosis.settings.thread_count", lambda: processors)
    WHERE.set("here")
    found = side_by_side([lambda n=n: (n, WHERE.get(), torch.get_num_threads()) for n in range(3)])
    assert found == [(0, "here", each), (1, "here", each), (2, "here", each)]


def test_the_callers_threads_are_as_they_were():
    before = torch.get_num_threads()
    side_by_side([torch.get_num_threads])
    assert torch.get_num_threads() == before
    assert side_by_side([]) == []


def test_works_run_at_once_where_there_are_processors(monkeypatch):
    monkeypatch.setattr("diagnosis.settings.thread_count", lambda: 2)
    both = threading.Barrier(2, timeout=300)
    assert sorted(side_by_side([both.wait, both.wait])) == [0, 1]


def test_the_first_error_is_raised_and_the_threads_are_restored():
    before = torch.get_num_threads()

    def fail(what):
        raise ValueError(what)

    with pytest.raises(ValueError, match="first"):
        side_by_side([lambda: None, lambda: fail("first"), lambda: fail("second")])
    assert torch.get_num_threads() == before
