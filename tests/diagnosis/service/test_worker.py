"""The thread that works through the queue: what it does after a stop, and where the model cannot be loaded."""

import time

from fastapi.testclient import TestClient

from diagnosis.engine import DiagnosisEngine
from diagnosis.errors import ConfigurationError
from diagnosis.service.app import create_app
from diagnosis.service.configuration import ServiceConfiguration
from diagnosis.service.jobs import JobFolder
from diagnosis.service.schemas import JobStatus, Wishes

HERE = "http://127.0.0.1"


def test_a_study_that_ended_the_service_three_times_is_given_up(tmp_path) -> None:
    jobs = JobFolder(ServiceConfiguration(tmp_path).work_dir)
    job = jobs.create(Wishes())
    jobs.save(job)
    for _ in range(3):
        jobs.set_status(job.id, JobStatus.RUNNING)
    with TestClient(create_app(ServiceConfiguration(tmp_path), _no_engine), base_url=HERE) as client:
        told = client.get(f"/v1/studies/{job.id}").json()
    assert told["status"] == "failed"
    assert "the service ended 3 times while it worked on it" in told["problem"]


def test_studies_stay_in_the_order_in_which_they_came(tmp_path) -> None:
    jobs = JobFolder(ServiceConfiguration(tmp_path).work_dir)
    made = [jobs.create(Wishes()) for _ in range(20)]
    for job in reversed(made):
        jobs.save(job)
    assert [job.id for job in jobs.unfinished()] == [job.id for job in made]


def test_a_model_that_fails_in_an_unforeseen_way_is_no_longer_said_to_start(tmp_path) -> None:
    def fault() -> DiagnosisEngine:
        raise RuntimeError("/home/someone/models")

    with TestClient(create_app(ServiceConfiguration(tmp_path), fault), base_url=HERE) as client:
        deadline = time.monotonic() + 240
        while (told := client.get("/ready")).json()["detail"] == "service: it is starting":
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert told.status_code == 503
    assert told.json()["detail"] == "service: the model is not loaded"


def _no_engine() -> DiagnosisEngine:
    msg = "bundle: none is needed here; go on"
    raise ConfigurationError(msg)
