"""README.md and the rooms' pages show the truth: commands, links and paths exist, figures are those of the metrics."""

import re
import shlex
from pathlib import Path

import pytest
from readme_outputs import BLOCK, MADE_FROM_METRICS, filled, pages
from typer.testing import CliRunner

from diagnosis.cli import app

QUICK = ("inspect", "phantom")
"""Outputs that a test makes again, besides those made from the metrics; `python tests/readme_outputs.py` makes all."""
SHOWN = {
    "assess", "assess-json", "audit", "batch", "deidentify", "demo", "evaluate", "explain", "export", "inspect",
    "metrics", "phantom", "read", "train", "transcribe",
}  # fmt: skip
"""Every output that the pages show together, so that none is lost when a section moves from one to another."""


@pytest.fixture(scope="module")
def readme() -> str:
    return pages()[0].read_text(encoding="utf-8")


def texts() -> list[str]:
    return [page.read_text(encoding="utf-8") for page in pages()]


def commands(page: str) -> list[list[str]]:
    blocks = re.findall(r"```bash\n(.*?)```", page, flags=re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [shlex.split(part) for part in parts if part]


def test_the_two_sacred_commands_come_first(readme):
    assert commands(readme)[:4] == [
        ["pip", "install", "."],
        ["diagnosis", "demo"],
        ["pip", "install", ".[test]"],
        ["pytest"],
    ]


def test_every_command_shown_exists_with_its_options():
    shown = [command for page in texts() for command in commands(page) if command[0] == "diagnosis"]
    names = {command[1] for command in shown}
    assert {"demo", "assess", "inspect", "transcribe", "explain", "phantom", "train", "evaluate", "ui"} <= names
    for name in names:
        found = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})
        assert found.exit_code == 0, name
        for option in (word for command in shown if command[1] == name for word in command[2:]):
            if option.startswith("--"):
                assert option.split("=")[0] in found.output, (name, option)


def test_the_readme_names_every_command(readme):
    names = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    assert {name for name in names if f"`diagnosis {name}" not in readme} == set()


def test_every_path_shown_exists(checkout):
    for page in texts():
        for path in re.findall(r"`((?:diagnosis|models|data_samples|tests)/[\w./]+)`", page):
            assert (checkout / path).exists(), path


def test_every_link_leads_somewhere():
    for page in pages():
        text = page.read_text(encoding="utf-8")
        headings = {
            re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        }
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if link.startswith("#"):
                assert link[1:] in headings, (page, link)
            elif "://" not in link:
                assert Path(page.parent, link).exists(), (page, link)


def test_every_output_is_there_once_and_filled_in():
    found = [(name, text) for page in texts() for _, name, text, _ in BLOCK.findall(page)]
    assert sorted(name for name, _ in found) == sorted(SHOWN)
    for name, text in found:
        assert text.strip(), f"the output of {name} is empty"


def test_figures_are_the_bundle_s_and_quick_outputs_what_the_commands_print():
    for page in texts():
        assert filled(page, [*MADE_FROM_METRICS, *QUICK]) == page
