"""The README shows the truth: its commands exist, its figures are those of the metrics."""

import re
import shlex
import subprocess
import sys

import pytest
from readme_outputs import filled


@pytest.fixture(scope="module")
def readme(checkout) -> str:
    return (checkout / "README.md").read_text(encoding="utf-8")


def commands(readme: str) -> list[list[str]]:
    blocks = re.findall(r"```bash\n(.*?)```", readme, flags=re.DOTALL)
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


def test_every_command_of_the_readme_exists_with_its_options(readme):
    shown = [c for c in commands(readme) if c[0] == "diagnosis"]
    assert {"demo", "assess", "inspect", "transcribe", "explain", "phantom", "train", "evaluate", "ui"} <= {
        c[1] for c in shown
    }
    for command in shown:
        found = subprocess.run(
            [sys.executable, "-m", "diagnosis", command[1], "--help"], capture_output=True, text=True, check=True
        )
        for option in command[2:]:
            if option.startswith("--"):
                assert option.split("=")[0] in found.stdout, (command[1], option)


def test_every_path_of_the_readme_exists(readme, checkout):
    for path in re.findall(r"`((?:diagnosis|models|data_samples)/[\w./]+)`", readme):
        assert (checkout / path).exists(), path


def test_every_output_is_filled_in(readme):
    for name, text in re.findall(r"<!-- output: ([\w-]+) -->\n(.*?)<!-- end -->", readme, flags=re.DOTALL):
        assert text.strip(), f"the output of {name} is empty"


def test_the_readme_s_figures_are_the_bundle_s_and_its_quick_outputs_what_the_commands_print(readme):
    """`python tests/readme_outputs.py` makes all of them again; the slow ones are not made in a test."""
    quick = ["metrics", "train", "inspect", "phantom"]
    assert filled(readme, quick) == readme
