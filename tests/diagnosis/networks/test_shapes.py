"""The shapes that are written beside the lines hold: tests of the networks once more, each argument and answer checked.

In a process of its own, for the checks take time where a network is asked thousands of times.
"""

import subprocess
import sys

import pytest

CHECKED = ["--jaxtyping-packages=diagnosis.networks,beartype.beartype", "-q", "-n", "0", "-m", "not slow"]
FILES = [
    *(f"tests/diagnosis/networks/test_{name}.py" for name in ("classifier", "fusion", "text_reader", "text_summary")),
    "tests/diagnosis/retrieval/test_retrieval.py",
    "tests/diagnosis/test_engine.py",
]
WRONG = """
import torch
from jaxtyping import install_import_hook

install_import_hook("diagnosis.networks", "beartype.beartype")
from diagnosis.networks.model_input import ModalityTokens

tokens = torch.zeros(2, 4, 8)
ModalityTokens(tokens, tokens, tokens, torch.ones(2, 3, dtype=torch.bool))
ModalityTokens(tokens, tokens, tokens[:, :, :{width}], torch.ones({batch}, 3, dtype=torch.bool))
"""


@pytest.mark.slow
def test_the_shapes_beside_the_lines_hold(checkout):
    command = [sys.executable, "-m", "pytest", *CHECKED, *FILES]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(("width", "batch", "wrong"), [(7, 2, "voice"), (8, 1, "is_present")])
def test_a_wrong_shape_is_seen(checkout, width, batch, wrong):
    command = [sys.executable, "-c", WRONG.format(width=width, batch=batch)]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert f"The problem arose whilst typechecking parameter '{wrong}'" in done.stderr
