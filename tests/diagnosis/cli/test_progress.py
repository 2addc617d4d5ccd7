"""Progress where standard error is a log file: a line now and then."""

from diagnosis.cli import progress
from diagnosis.cli.progress import opened_when_told, progress_bars


def test_a_log_file_gets_lines_and_not_too_many(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress_bars() as open_bar:
        advance = open_bar("Scoring")
        for done in range(100):
            now[0] += 1.0
            advance(done, 100)
    assert capsys.readouterr().err.splitlines() == [f"Scoring: {n} of 100" for n in (29, 59, 89)]


def test_a_bar_for_work_that_is_not_needed_never_opens():
    opened = []
    advance = opened_when_told(lambda title: opened.append(title) or (lambda done, total: None), "Trying")
    assert opened == []
    advance(0, 2)
    advance(1, 2)
    assert opened == ["Trying"]
