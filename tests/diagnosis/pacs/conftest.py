"""One Orthanc for the tests of this room, with a phantom's study in it."""

import pytest
from orthanc_server import PASSWORD, Orthanc


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("DIAGNOSIS_PACS_PASSWORD", PASSWORD)
    monkeypatch.delenv("DIAGNOSIS_PACS_TOKEN", raising=False)
    monkeypatch.delenv("DIAGNOSIS_PACS", raising=False)


@pytest.fixture(scope="session")
def phantom_files(checkout):
    """Thirty slices of a CT series in JPEG 2000, lossless."""
    return sorted((checkout / "data_samples" / "case_002" / "ct").iterdir())[30:60]


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    server = Orthanc(tmp_path_factory.mktemp("orthanc")).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def filled(orthanc, phantom_files):
    for path in phantom_files:
        orthanc.upload(path)
    return orthanc


@pytest.fixture(scope="session")
def _alone(tmp_path_factory):
    server = Orthanc(tmp_path_factory.mktemp("alone")).start()
    yield server
    server.kill()


@pytest.fixture
def orthanc_alone(_alone):
    """A server that is empty when the test begins."""
    _alone.clear()
    return _alone
