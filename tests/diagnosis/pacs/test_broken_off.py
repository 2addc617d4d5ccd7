"""Both protocols when the archive is silent, breaks off, hangs, is killed or has lost what it lists."""

import errno
import json
import os
import signal
import time
from pathlib import Path

import pydicom
import pytest
from orthanc_server import (
    Orthanc,
    breaking_proxy,
    free_port,
    silent_server,
    stalling_proxy,
)
from pacs_archives import PROTOCOLS, archive_of, study_uid

from diagnosis.errors import IncompleteStudyError, PacsError
from diagnosis.pacs.archive import StudyQuery
from diagnosis.pacs.attempts import PassingError
from diagnosis.pacs.pull import pull_studies


@pytest.mark.parametrize("protocol", ["dicomweb", "dimse"])
def test_a_server_that_never_answers_is_given_up(orthanc_alone, protocol):
    with silent_server() as port:
        web = {"url": f"http://127.0.0.1:{port}/dicom-web", "username": "t"}
        dimse = {"host": "127.0.0.1", "port": port, "ae_title": "ORTHANC"}
        times = {"connect_s": 0.3, "response_s": 0.3}
        archive = archive_of(orthanc_alone, protocol, dicomweb=web, dimse=dimse, timeouts=times)
        start = time.monotonic()
        with pytest.raises(PassingError, match="in time"):
            archive.check()
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("protocol", ["dicomweb", "dimse"])
def test_nobody_there_is_tried_again_and_then_said(orthanc_alone, protocol):
    port = free_port()
    web = {"url": f"http://127.0.0.1:{port}", "username": "t"}
    dimse = {"host": "127.0.0.1", "port": port, "ae_title": "ORTHANC"}
    archive = archive_of(
        orthanc_alone, protocol, dicomweb=web, dimse=dimse, retries={"attempts": 3, "longest_wait_s": 0.3}
    )
    start = time.monotonic()
    with pytest.raises(PassingError, match="cannot be reached"):
        archive.check()
    assert time.monotonic() - start > 0.3


def test_a_page_that_is_not_dicomweb_is_not_taken_for_it(filled):
    web = {"url": f"http://127.0.0.1:{filled.http_port}/app", "username": "t"}
    with pytest.raises(PacsError, match="no such study, series or address"):
        archive_of(filled, "dicomweb", dicomweb=web).find_studies(StudyQuery(accession_number="1"))


@pytest.mark.parametrize("protocol", ["dicomweb", "get"])
def test_a_connection_that_breaks_midway_is_taken_up_again(filled, phantom_files, tmp_path, protocol):
    target = filled.http_port if protocol == "dicomweb" else filled.dicom_port
    with breaking_proxy(target, after_bytes=300_000, times=1) as port:
        web = {"url": f"http://127.0.0.1:{port}/dicom-web", "username": "t"}
        dimse = {"host": "127.0.0.1", "port": port, "ae_title": "ORTHANC"}
        again = archive_of(filled, protocol, dicomweb=web, dimse=dimse, retries={"attempts": 3, "longest_wait_s": 0.1})
        (pulled,) = pull_studies(again, StudyQuery(study_uid=study_uid(phantom_files)), tmp_path)
    assert [(s.n_expected, s.n_received) for s in pulled.series] == [(30, 30)]


@pytest.mark.parametrize("protocol", ["dicomweb", "get"])
def test_a_server_that_is_killed_midway_leaves_nothing_that_looks_whole(tmp_path, phantom_files, protocol):
    server = Orthanc(tmp_path / "server").start()
    for path in phantom_files:
        server.upload(path)

    def kill(done, _):
        if done == 5:
            server.kill()

    out = tmp_path / "out"
    with breaking_proxy(server.http_port, after_bytes=300_000, times=9) as port:
        web = {"url": f"http://127.0.0.1:{port}/dicom-web", "username": "t"}
        archive = archive_of(server, protocol, dicomweb=web)
        with pytest.raises(PacsError, match=r"broke.*\d+ of 30 images had come, into a folder that ends in \.partial"):
            pull_studies(archive, StudyQuery(study_uid=study_uid(phantom_files)), out, on_progress=kill)
    assert [path.suffix for path in out.iterdir()] == [".partial"]
    assert len(list(out.rglob("*.dcm"))) >= 5
    assert not list(out.rglob("*.dcm.partial"))


class Shrinking:
    """A real archive in which an image is deleted after the series were listed."""

    def __init__(self, archive, server):
        self._archive, self._server = archive, server

    def __getattr__(self, name):
        return getattr(self._archive, name)

    def list_series(self, study_uid):
        listed = self._archive.list_series(study_uid)
        self._server.rest(f"/instances/{self._server.rest('/instances')[0]}", "DELETE")
        return listed


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_series_that_is_short_of_its_expected_count_is_refused(orthanc_alone, phantom_files, tmp_path, protocol):
    for path in phantom_files[:5]:
        orthanc_alone.upload(path)
    archive = Shrinking(archive_of(orthanc_alone, protocol), orthanc_alone)
    with pytest.raises(IncompleteStudyError, match=r"incomplete \(series 1: 4 of 5 images\)") as found:
        pull_studies(archive, StudyQuery(study_uid=study_uid(phantom_files)), tmp_path)
    assert found.value.exit_code == 16
    (folder,) = tmp_path.iterdir()
    assert folder.suffix == ".partial"
    record = json.loads((folder / "pull.json").read_text())
    assert not record["is_complete"]
    assert [(s["expected"], s["received"]) for s in record["series"]] == [(5, 4)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_full_disk_is_not_said_to_be_the_archive_s_fault(filled, phantom_files, tmp_path, monkeypatch, protocol):
    written = []

    def full(path, *_):
        written.append(path)
        raise OSError("the library says nothing") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pydicom.Dataset, "save_as", lambda _, path, **__: full(path))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PacsError, match=r"an image cannot be written \(No space left on device\); make room"):
        pull_studies(archive_of(filled, protocol), StudyQuery(study_uid=study_uid(phantom_files)), tmp_path)
    assert len(written) < len(phantom_files)


def test_an_image_whose_file_the_archive_has_lost_is_missed(tmp_path, phantom_files):
    server = Orthanc(tmp_path / "server").start()
    try:
        for path in phantom_files[:5]:
            server.upload(path)
        next(p for p in (tmp_path / "server" / "database").rglob("*") if p.is_file() and _is_dicom(p)).unlink()
        server.kill()  # it remembers what it has just taken
        server.start()
        archive = archive_of(server, "get")
        with pytest.raises(IncompleteStudyError, match=r"series 1: \d of 5 images"):
            pull_studies(archive, StudyQuery(study_uid=study_uid(phantom_files)), tmp_path / "out")
    finally:
        server.kill()


def _is_dicom(path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


@pytest.mark.parametrize("protocol", ["dicomweb", "get"])
def test_an_answer_that_stalls_leaves_nothing_that_looks_whole(filled, phantom_files, tmp_path, protocol):
    target = filled.http_port if protocol == "dicomweb" else filled.dicom_port
    with stalling_proxy(target, after_bytes=300_000) as port:
        web = {"url": f"http://127.0.0.1:{port}/dicom-web", "username": "t"}
        dimse = {"host": "127.0.0.1", "port": port, "ae_title": "ORTHANC"}
        waits = {"connect_s": 5, "response_s": 2}
        archive = archive_of(filled, protocol, dicomweb=web, dimse=dimse, timeouts=waits)
        start = time.monotonic()
        with pytest.raises(PassingError, match=r"in time|broke"):
            pull_studies(archive, StudyQuery(study_uid=study_uid(phantom_files)), tmp_path / "out")
        assert time.monotonic() - start < 10
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".partial"]
    assert not list((tmp_path / "out").rglob("*.dcm.partial"))


def freeze(pid: int) -> None:
    """SIGSTOP, and wait until every thread stands still: until then one of them may answer yet."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 120
    while any(" T " not in stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")):
        assert time.monotonic() < deadline, "the server does not stop"
        time.sleep(0.01)


@pytest.mark.parametrize("protocol", ["dicomweb", "get"])
def test_a_server_that_hangs_is_given_up_in_bounded_time(tmp_path, phantom_files, protocol):
    """SIGSTOP: the connection stays open and nothing more comes."""
    server = Orthanc(tmp_path / "server").start()
    for path in phantom_files:
        server.upload(path)
    waits, retries = {"connect_s": 0.5, "response_s": 0.5}, {"attempts": 2, "longest_wait_s": 0.2}
    archive = archive_of(server, protocol, timeouts=waits, retries=retries)
    (uid,) = archive_of(server, protocol).find_studies(StudyQuery(study_uid=study_uid(phantom_files)))
    freeze(server.process.pid)
    try:
        for action in (
            lambda: archive.find_studies(StudyQuery(study_uid=uid)),
            lambda: pull_studies(archive, StudyQuery(study_uid=uid), tmp_path / "out"),
            lambda: archive.store(phantom_files[:2]),
        ):
            start = time.monotonic()
            with pytest.raises(PassingError, match="in time"):
                action()
            assert time.monotonic() - start < 10
    finally:
        server.process.send_signal(signal.SIGCONT)
        server.kill()
