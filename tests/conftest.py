"""Shared fixtures: where real data lies, if it does."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Two test processes on two cores: threads of one would only wait for those of the other. Set before torch is imported,
# and passed on to the programs that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples in every run, and as much time for each as a busy machine takes.
settings.register_profile("project", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

CHECKOUT = Path(__file__).resolve().parent.parent
SHARED_DATA = CHECKOUT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Root of the source tree."""
    return CHECKOUT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data that is never part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real data is not beside this checkout (../shared/data)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory) -> Path:
    """A complete bundle of small random networks."""
    from factories import make_tiny_bundle

    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    make_tiny_bundle(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_engine(tiny_bundle):
    """An engine on the tiny bundle."""
    from diagnosis.engine import DiagnosisEngine

    return DiagnosisEngine.load(tiny_bundle)


@pytest.fixture(autouse=True)
def own_main():
    """Streamlit puts the page that it runs in the place of the main module, where a spawned process would look."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session", autouse=True)
def own_store(tmp_path_factory):
    """No test writes into the database of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIAGNOSIS_STORE", str(tmp_path_factory.mktemp("store") / "store.sqlite3"))
        yield
