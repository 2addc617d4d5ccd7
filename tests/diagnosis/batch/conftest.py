"""A small source, scored once by the whole machinery with reading processes of its own."""

import pytest
from studies_factory import options, write_manifest

from diagnosis.batch.run import run_batch


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    return write_manifest(tmp_path_factory.mktemp("studies"), 12)


@pytest.fixture(scope="session")
def finished(source, tiny_bundle, tmp_path_factory):
    """Folder of a run that nobody disturbed, and its summary."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    return out, run_batch(options(source, tiny_bundle, out))
