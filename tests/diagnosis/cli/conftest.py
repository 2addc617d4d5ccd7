"""The command line in this process."""

import sys

import pytest


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command: (exit code, stdout, stderr); a traceback fails the test."""

    def call(*arguments: object) -> tuple[int, str, str]:
        from diagnosis.cli import main

        monkeypatch.setattr(sys, "argv", ["diagnosis", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return code, captured.out, captured.err

    return call
