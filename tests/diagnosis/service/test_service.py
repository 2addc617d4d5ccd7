"""The service as its callers meet it: real requests, the tiny bundle, every refusal, and what stays on disk."""

import errno
import io
import json
import shutil
import time
import zipfile
from pathlib import Path

import pytest
from dicom_factory import write_series
from fastapi.testclient import TestClient

from diagnosis.engine import DiagnosisEngine
from diagnosis.errors import ConfigurationError
from diagnosis.service.app import create_app
from diagnosis.service.configuration import ServiceConfiguration, read_token
from diagnosis.service.jobs import JobFolder
from diagnosis.service.uploads import unpack_case

TOKEN = "a-token-of-enough-length"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
HERE = "http://127.0.0.1"
NOTE = "An 8 mm spiculated nodule in the right upper lobe. Patient Planted."
IDENTIFIERS = ("Planted", "P1", "1.2.3.4", "20200101", "secret_case")


@pytest.fixture(scope="module")
def served(tmp_path_factory, tiny_bundle):
    home = tmp_path_factory.mktemp("service")
    studies = home / "studies"
    (studies / "secret_case").mkdir(parents=True)
    (studies / "secret_case" / "note.txt").write_text(NOTE)
    (studies / "empty").mkdir()
    (home / "outside").mkdir()
    (studies / "link").symlink_to(home / "outside")
    configuration = ServiceConfiguration(home / "work", studies, TOKEN, max_upload_bytes=2**20)
    with TestClient(create_app(configuration, lambda: DiagnosisEngine.load(tiny_bundle))) as client:
        deadline = time.monotonic() + 240
        while client.get("/ready").status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        yield client, home


def finished(client, job_id: str) -> dict:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        job = client.get(f"/v1/studies/{job_id}", headers=HEADERS).json()
        if job["status"] in {"done", "failed"}:
            return job
        time.sleep(0.1)
    pytest.fail("the study was not worked on")


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def case_zip(tmp_path: Path) -> bytes:
    files = {f"secret_case/ct/{path.name}": path.read_bytes() for path in write_series(tmp_path / "ct")}
    files["secret_case/note.txt"] = NOTE.encode()
    region = {"center_mm": [0.0, -5.0, 8.0], "diameter_mm": 6.0}
    files["secret_case/case.json"] = json.dumps({"case_id": "c-1", "age_years": 67, "region": region}).encode()
    return zipped(files)


def assert_problem(answer, status: int, words: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]
    assert not any(name in answer.text for name in IDENTIFIERS)


def test_a_study_by_reference(served) -> None:
    client, _ = served
    answer = client.post("/v1/studies", json={"path": "secret_case"}, headers=HEADERS)
    assert answer.status_code == 202
    job = finished(client, answer.json()["id"])
    assert job["status"] == "done"
    assert not any(name in json.dumps(job) for name in IDENTIFIERS)
    assessment = client.get(f"/v1/studies/{job['id']}/assessment", headers=HEADERS).json()
    assert 0 <= assessment["findings"][0]["probability"] <= 1
    assert_problem(client.get(f"/v1/studies/{job['id']}/explanation", headers=HEADERS), 404, "was not asked for")
    assert_problem(client.get(f"/v1/studies/{job['id']}/exports", headers=HEADERS), 404, "no exports were asked for")


def test_an_uploaded_case_with_explanation_and_exports(served, tmp_path) -> None:
    client, home = served
    url = "/v1/studies/upload?explain=true&formats=sr&formats=fhir"
    answer = client.post(url, content=case_zip(tmp_path), headers=HEADERS)
    assert answer.status_code == 202, answer.text
    job = finished(client, answer.json()["id"])
    assert job["status"] == "done", job
    study = f"/v1/studies/{job['id']}"
    assert client.get(f"{study}/explanation", headers=HEADERS).json()["finding"] == "malignancy"
    listed = client.get(f"{study}/exports", headers=HEADERS).json()
    assert "report_fhir.json" in listed["files"]
    assert client.get(f"{study}/exports/report_fhir.json", headers=HEADERS).json()["resourceType"] == "Bundle"
    assert_problem(client.get(f"{study}/exports/..%2Fjob.json", headers=HEADERS), 404, "")
    assert client.delete(study, headers=HEADERS).status_code == 204
    assert not (home / "work" / "jobs" / job["id"]).exists()
    assert_problem(client.get(study, headers=HEADERS), 404, "there is none with this identifier")


def test_a_bad_study_fails_with_its_sentence(served) -> None:
    client, _ = served
    answer = client.post("/v1/studies", json={"path": "empty"}, headers=HEADERS)
    job = finished(client, answer.json()["id"])
    assert job["status"] == "failed"
    assert "it holds no CT, no note and no dictation" in job["problem"]
    assert job["problem_code"] == 8
    assert_problem(client.get(f"/v1/studies/{job['id']}/assessment", headers=HEADERS), 409, "it is failed")


@pytest.mark.parametrize("path", ["../outside", "/etc", "link", "missing", "a/../../outside", "secret_case\0", "."])
def test_references_stay_below_their_folder(served, path: str) -> None:
    client, _ = served
    answer = client.post("/v1/studies", json={"path": path}, headers=HEADERS)
    if path == ".":  # the folder itself is allowed, and holds no case
        assert finished(client, answer.json()["id"])["status"] == "failed"
        return
    assert_problem(answer, 422, "there is no such case folder")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 422, "the body is empty"),
        (b"Planted", 422, "it is not a zip archive"),
        (zipped({"../evil.dcm": b"x"}), 422, "a member's path leaves the archive"),
        (zipped({"a/note.txt": b"x", "note.txt": b"y"}), 422, "a part of the case twice"),
        (zipped({"a/note.txt": b"x", "b/voice.wav": b"y"}), 422, "in another folder than the rest"),
        (zipped({"Planted.txt": b"x"}), 422, "nothing in the archive is a CT in DICOM"),
        (zipped({}), 422, "nothing in the archive is a CT in DICOM"),
        (bytes(2**20 + 1), 413, "the body is larger"),
    ],
)
def test_hostile_uploads_leave_nothing(served, body: bytes, status: int, words: str) -> None:
    client, home = served
    before = set((home / "work" / "jobs").iterdir())
    assert_problem(client.post("/v1/studies/upload", content=body, headers=HEADERS), status, words)
    assert set((home / "work" / "jobs").iterdir()) == before


def test_a_ct_without_region_is_searched_as_on_the_command_line(served, tmp_path) -> None:
    """DICOM alone: no case.json says where to look. The synthetic series is too small for lungs, and says so."""
    client, _ = served
    files = {path.name: path.read_bytes() for path in write_series(tmp_path)}
    job = finished(client, client.post("/v1/studies/upload", content=zipped(files), headers=HEADERS).json()["id"])
    assert "none can be proposed: no lungs were found in the CT" in job["problem"]
    noted = client.post("/v1/studies/upload", content=zipped(files | {"note.txt": NOTE.encode()}), headers=HEADERS)
    job = finished(client, noted.json()["id"])
    answer = client.get(f"/v1/studies/{job['id']}/assessment", headers=HEADERS).json()
    assert answer["candidates"] == []
    assert answer["warnings"][0].startswith("No region could be proposed")
    assert {"contradictions", "second_opinions", "words_to_check"} <= set(answer)


def test_every_form_of_a_case_folder_can_be_uploaded(tmp_path) -> None:
    """Parts are known by their names in any case and folder; a NIfTI keeps its suffix; what is no part is counted."""
    series = {path.name: path.read_bytes() for path in write_series(tmp_path / "series")}
    forms = {
        "nifti": ({"Jane/ct.nii.gz": b"x", "Jane/NOTE.txt": b"y"}, {"ct.nii.gz", "note.txt"}, 0),
        "nifti in a folder": ({"ct/scan.nii": b"x"}, {"ct/000000.nii"}, 0),
        "zip in a zip": ({"a/b/ct.zip": b"x", "a/b/.DS_Store": b"", "a/b/viewer.exe": b"MZ"}, {"ct.zip"}, 1),
        "note alone": ({"note.txt": b"y", "._note.txt": b"x", "truth.json": b"{}"}, {"note.txt"}, 1),
        "DICOM beside": ({f"disc/{name}": data for name, data in series.items()} | {"note.txt": b"y"}, None, 0),
    }
    for form, (files, expected, n_unused) in forms.items():
        home = tmp_path / form
        home.mkdir()
        (home / "upload.zip").write_bytes(zipped(files))
        assert unpack_case(home / "upload.zip", home / "input") == n_unused, form
        found = {str(path.relative_to(home / "input")) for path in (home / "input").rglob("*") if path.is_file()}
        wanted = expected or {"note.txt", *(f"ct/{k:06d}.dcm" for k in range(len(series)))}
        assert found == wanted, form


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json"])
def test_an_upload_is_the_archive_itself(served, kind: str) -> None:
    client, _ = served
    answer = client.post(
        "/v1/studies/upload", content=zipped({"note.txt": b"x"}), headers=HEADERS | {"Content-Type": kind}
    )
    assert_problem(answer, 415, "send Content-Type: application/zip")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_reference_is_json(served, kind: str) -> None:
    client, _ = served
    answer = client.post("/v1/studies", content=b'{"path": "Planted"}', headers=HEADERS | {"Content-Type": kind})
    assert_problem(answer, 415, "send Content-Type: application/json")


def test_a_full_disk_is_said(served, monkeypatch) -> None:
    client, home = served
    before = set((home / "work" / "jobs").iterdir())

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("diagnosis.ingest.archive._copy_limited", full)
    answer = client.post("/v1/studies/upload", content=zipped({"note.txt": b"x"}), headers=HEADERS)
    assert_problem(answer, 507, "free some space")
    assert set((home / "work" / "jobs").iterdir()) == before


@pytest.mark.parametrize("step", ["create", "write", "unpack", "save"])
def test_a_disk_that_is_full_before_or_after_the_upload_is_said_too(served, monkeypatch, step) -> None:
    client, home = served
    before = set((home / "work" / "jobs").iterdir())

    def full(*_, **__) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "secret_case")

    if step in {"unpack", "save"}:
        monkeypatch.setattr(*((JobFolder, "save") if step == "save" else ("os.replace",)), full)
        answer = client.post("/v1/studies/upload", content=zipped({"note.txt": b"x"}), headers=HEADERS)
    else:
        monkeypatch.setattr(Path, "mkdir" if step == "create" else "write_text", full)
        answer = client.post("/v1/studies", json={"path": "secret_case"}, headers=HEADERS)
    assert_problem(answer, 507, "study: the service cannot keep it (No space left on device)")
    assert set((home / "work" / "jobs").iterdir()) == before


@pytest.mark.parametrize(
    "headers",
    [{"Host": "rebound.example"}, {"Origin": "https://other.example"}, {"Origin": "null"}, {"Origin": "http://["}],
)
def test_without_a_token_pages_of_other_sites_are_refused(tmp_path, headers) -> None:
    client = TestClient(create_app(ServiceConfiguration(tmp_path), DiagnosisEngine.load), base_url=HERE)
    assert_problem(client.get("/v1/studies", headers=headers), 403, "only programs of this machine")
    assert client.get("/v1/studies", headers={"Origin": "http://localhost:3000"}).json() == []


def test_two_services_do_not_share_a_folder(tmp_path) -> None:
    first = create_app(ServiceConfiguration(tmp_path), DiagnosisEngine.load)
    with pytest.raises(ConfigurationError, match="another service works in this folder"):
        create_app(ServiceConfiguration(tmp_path), DiagnosisEngine.load)
    assert first is not None


def test_a_body_without_a_stated_length_is_limited_too(served) -> None:
    client, home = served
    before = set((home / "work" / "jobs").iterdir())
    answer = client.post("/v1/studies/upload", content=(bytes(2**16) for _ in range(20)), headers=HEADERS)
    assert_problem(answer, 413, "it is larger than the 1 MiB")
    assert set((home / "work" / "jobs").iterdir()) == before


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/studies"), ("POST", "/v1/studies"), ("POST", "/v1/studies/upload"), ("GET", "/metrics")],
)
def test_strangers_are_refused(served, headers, method: str, path: str) -> None:
    client, _ = served
    answer = client.request(method, path, headers=headers, json={"path": "secret_case"} if method == "POST" else None)
    assert_problem(answer, 401, "the token is missing or wrong")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_state_and_metrics(served) -> None:
    client, _ = served
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/ready").json() == {"status": "ready"}
    text = client.get("/metrics", headers=HEADERS).text
    assert 'diagnosis_requests_total{method="POST"' in text
    assert "diagnosis_studies_total" in text
    assert not any(name in text for name in IDENTIFIERS)
    for path, status in {"/health": 200, "/ready": 200, "/metrics": 401, "/none": 404}.items():
        assert (client.head(path).status_code, client.head(path).content) == (status, b"")


def test_invalid_requests_do_not_repeat_their_values(served) -> None:
    client, _ = served
    answer = client.post("/v1/studies", json={"path": "x", "Planted": 1}, headers=HEADERS)
    assert_problem(answer, 422, "is not valid")
    assert_problem(client.get("/v1/studies/..%2F..%2Fetc", headers=HEADERS), 404, "")
    assert_problem(client.put("/health"), 405, "method not allowed")


def test_an_interrupted_study_is_taken_up_again(tmp_path, tiny_bundle) -> None:
    from diagnosis.service.jobs import JobFolder
    from diagnosis.service.schemas import JobStatus, Wishes

    (tmp_path / "studies" / "one").mkdir(parents=True)
    (tmp_path / "studies" / "one" / "note.txt").write_text(NOTE)
    configuration = ServiceConfiguration(tmp_path / "work", tmp_path / "studies")
    jobs = JobFolder(configuration.work_dir)
    job = jobs.create(Wishes())
    (jobs.folder(job.id) / "reference.txt").write_text("one")
    jobs.save(job.model_copy(update={"status": JobStatus.RUNNING}))
    (jobs.root / ("0" * 32)).mkdir()  # an upload that a stop cut off
    with TestClient(create_app(configuration, lambda: DiagnosisEngine.load(tiny_bundle)), base_url=HERE) as client:
        assert finished(client, job.id)["status"] == "done"
    assert not (jobs.root / ("0" * 32)).exists()


def test_a_study_deleted_while_it_is_worked_on_leaves_nothing(tmp_path, tiny_bundle) -> None:
    """It is deleted between its reading and its assessment; the results that are made after that have to go too."""
    (tmp_path / "studies" / "one").mkdir(parents=True)
    (tmp_path / "studies" / "one" / "note.txt").write_text(NOTE)
    configuration = ServiceConfiguration(tmp_path / "work", tmp_path / "studies")
    jobs = tmp_path / "work" / "jobs"

    class Deleting:
        """The engine, but for a caller who deletes the study at the worst moment."""

        def __init__(self) -> None:
            self._engine = DiagnosisEngine.load(tiny_bundle)

        def assess(self, case):
            assessment = self._engine.assess(case)
            shutil.copytree(jobs / started[0], tmp_path / "copy")
            assert client.delete(f"/v1/studies/{started[0]}").status_code == 204
            (jobs / started[0]).mkdir()  # as an export does that makes its folder again
            return assessment

        def explain(self, case):
            return self._engine.explain(case)

    started: list[str] = []
    with TestClient(create_app(configuration, Deleting), base_url=HERE) as client:
        started.append(client.post("/v1/studies", json={"path": "one", "formats": ["fhir"]}).json()["id"])
        deadline = time.monotonic() + 240
        while not (tmp_path / "copy").exists() or list(jobs.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert client.get("/v1/studies").json() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "0.0.0.0"}, "an address that others reach needs a token"),
        ({"token": "short"}, "fewer than 16 characters"),
        ({"certificate": Path("c.pem")}, "TLS needs a certificate and its key"),
        ({"client_ca": Path("ca.pem")}, "client certificates need TLS"),
        ({"studies_root": Path("/nowhere/at/all")}, "the folder of studies does not exist"),
        ({"work_dir": Path("/proc/nothing")}, "the work folder cannot be made"),
    ],
)
def test_unsafe_configurations_are_refused(tmp_path, change, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        ServiceConfiguration(**({"work_dir": tmp_path} | change))


def test_the_token_file(tmp_path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read_token(tmp_path / "token") == TOKEN
    (tmp_path / "token").write_text("\n")
    with pytest.raises(ConfigurationError, match="the token file is empty"):
        read_token(tmp_path / "token")
    assert TOKEN not in repr(ServiceConfiguration(tmp_path / "w", token=TOKEN))


def test_schemathesis_finds_no_answer_outside_of_the_contract(served) -> None:
    """Generated requests against every operation of the OpenAPI schema: no server error, no undeclared answer."""
    import schemathesis
    from hypothesis import HealthCheck, given, settings

    @schemathesis.serializer("application/zip")
    def _as_bytes(_, value) -> bytes:
        return raw(value)

    def raw(value) -> bytes:
        data = getattr(value, "data", value)
        return data if isinstance(data, bytes) else str(data).encode()

    client, _ = served
    schema = schemathesis.openapi.from_dict(client.app.openapi())
    seen = set()

    def check(case) -> None:
        is_upload = case.path.endswith("/upload")
        body = (
            {"json": case.body}
            if isinstance(case.body, dict | list)
            else {"content": raw(case.body)}
            if is_upload
            else {}
        )
        answer = client.request(case.method, case.formatted_path, params=case.query, headers=HEADERS, **body)
        assert answer.status_code in {200, 202, 204, *range(400, 500), 503}, f"{case.operation.label}: {answer.text}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
        declared = case.operation.definition.raw["responses"]
        assert str(answer.status_code) in {*declared, "404", "405"}, case.operation.label
        seen.add(case.operation.label)

    quick = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    for result in schema.get_all_operations():
        quick(given(case=result.ok().as_strategy())(check))()
    assert {"GET /v1/studies/{study_id}", "POST /v1/studies", "GET /health"} <= seen
