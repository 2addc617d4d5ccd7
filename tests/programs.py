"""Programs that are not Python's, and what a test does without them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

NPM_FOLDER = "DIAGNOSIS_TEST_NPM"
"""Names the folder that `npm install --prefix FOLDER dcmjs fhir` has filled."""


def absent(name: str) -> NoReturn:
    """Skip the test with the name of what is missing; in CI, which has to have it, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed, and CI has to have it")
    pytest.skip(f"{name} is not installed")


def require_program(name: str) -> str:
    """Path of a program of the system, else on the path or beside the interpreter.

    The system's come first: pynetdicom brings a `storescu` of its own into the environment, with other options.
    """
    beside = Path(sys.executable).with_name(name)
    found = shutil.which(name, path="/usr/bin:/usr/local/bin") or shutil.which(name)
    return found or (str(beside) if beside.exists() else absent(name))


def run_node(script: Path, package: str, *arguments: Path) -> str:
    """What a script prints that needs a package of npm."""
    packages = Path(os.environ.get(NPM_FOLDER, "/nonexistent")) / "node_modules"
    if not (packages / package).is_dir():
        absent(f"npm's {package} (folder in {NPM_FOLDER})")
    command = [require_program("node"), str(script), *map(str, arguments)]
    environment = {**os.environ, "NODE_PATH": str(packages)}
    found = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout
