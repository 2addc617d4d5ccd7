"""What Orthanc does not do: a DICOMweb service that wants a token, and one that takes nothing compressed."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import JPEG2000Lossless

from diagnosis.errors import PacsError
from diagnosis.pacs.archive import StudyQuery, series_listings
from diagnosis.pacs.config import parse_config
from diagnosis.pacs.dicomweb import DicomWebArchive
from diagnosis.pacs.dimse import DimseArchive

STORED = {"00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3"]}}]}}
FAILED = {
    "00081198": {
        "vr": "SQ",
        "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3"]}, "00081197": {"vr": "US", "Value": [0xA700]}}],
    }
}


class Service(BaseHTTPRequestHandler):
    """Answers as its server's `answers` say: status and JSON, by what comes in."""

    def do_GET(self):
        self.server.seen.append(self.headers.get("Authorization"))
        self.answer(*self.server.answers(b""))

    def do_POST(self):
        self.answer(*self.server.answers(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/dicom+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def service(tmp_path, answers, attempts=1):
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        server.answers, server.seen = answers, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        content = {
            "dicomweb": {"url": f"http://127.0.0.1:{server.server_port}/web", "username": "t"},
            "retries": {"attempts": attempts, "longest_wait_s": 0.05},
        }
        yield DicomWebArchive(parse_config(content, tmp_path)), server
        server.shutdown()


def test_a_token_goes_before_a_password(tmp_path, monkeypatch):
    monkeypatch.setenv("DIAGNOSIS_PACS_TOKEN", "abc")
    with service(tmp_path, lambda _: (200, [])) as (archive, server):
        assert archive.find_studies(StudyQuery(study_uid="1.2")) == []
    assert server.seen == ["Bearer abc"]


def test_what_is_refused_compressed_is_sent_again_decompressed(tmp_path, phantom_files):
    def answers(body):
        return (415, {}) if JPEG2000Lossless.encode() in body else (200, STORED)

    with service(tmp_path, answers) as (archive, _):
        sent = archive.store(phantom_files[:2])
    assert (sent.n_sent, sent.n_decompressed, sent.refused) == (2, 2, ())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [((200, FAILED), "refused with reason 0xA700"), ((200, {}), "did not confirm"), ((409, {}), "HTTP 409")],
)
def test_what_is_not_kept_is_said(tmp_path, phantom_files, answer, reason):
    with service(tmp_path, lambda _: answer) as (archive, _):
        sent = archive.store(phantom_files[:1])
    assert sent.n_sent == 0
    ((number, said),) = sent.refused
    assert number == 1
    assert reason in said


def test_a_busy_service_is_asked_again_and_a_refusing_one_is_not(tmp_path):
    states = iter([503, 429, 200])
    with service(tmp_path, lambda _: (next(states), []), attempts=5) as (archive, server):
        archive.check()
        assert len(server.seen) == 3
    with service(tmp_path, lambda _: (400, []), attempts=5) as (archive, server):
        with pytest.raises(PacsError, match=r"refused the request \(HTTP 400\)"):
            archive.check()
        assert len(server.seen) == 1


def test_counts_are_made_where_none_are_given(tmp_path):
    """Orthanc always gives them; here the instances themselves are listed."""
    series = {"0020000E": {"vr": "UI", "Value": ["1.2.4"]}, "00080060": {"vr": "CS", "Value": ["CT"]}}
    answers = iter([(200, [series]), (200, [{"00080018": {"vr": "UI", "Value": [f"1.2.5.{n}"]}} for n in range(3)])])
    with service(tmp_path, lambda _: next(answers)) as (archive, _):
        (listing,) = archive.list_series("1.2.3")
    assert listing.n_images == 3


def test_a_series_is_fetched_once_though_the_archive_names_it_for_each_image(tmp_path):
    """Some answer a query for series with a line for every image; the largest count is the series'."""

    def line(uid, count):
        counted = {"00201209": {"vr": "IS", "Value": [count]}}
        return {"0020000E": {"vr": "UI", "Value": [uid]}, "00080060": {"vr": "CS", "Value": ["CT"]}} | counted

    answer = [line("1.2.4", 30), line("1.2.9", 2), line("1.2.4", 31), line("1.2.4", 30)]
    with service(tmp_path, lambda _: (200, answer)) as (archive, _):
        listed = archive.list_series("1.2.3")
    assert [(one.series_uid, one.n_images) for one in listed] == [("1.2.4", 31), ("1.2.9", 2)]


def test_dimse_counts_images_where_none_are_given(filled, phantom_files):
    import pydicom

    from diagnosis.pacs.archive import SeriesListing

    first = pydicom.dcmread(phantom_files[0], stop_before_pixels=True)
    archive = DimseArchive(filled.config())
    bare = SeriesListing(str(first.SeriesInstanceUID), "CT", None)
    assert archive._counted(str(first.StudyInstanceUID), bare).n_images == len(phantom_files)


def test_a_count_that_is_no_number_is_as_good_as_none():
    item = Dataset()
    item.SeriesInstanceUID, item.Modality = "1.2.4", "CT"
    for value in (b"many", b"", b"3 "):
        item[0x00201209] = RawDataElement(Tag(0x00201209), "IS", len(value), value, 0, False, True)
        (listed,) = series_listings([item])
        assert listed.n_images == (3 if value == b"3 " else None)
