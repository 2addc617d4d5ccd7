"""`diagnosis pull` and `diagnosis push` from the command line, with their configuration and exit codes."""

import json
import subprocess
import sys

import pydicom
import pytest
import yaml
from typer.testing import CliRunner

from diagnosis.cli import app, main
from diagnosis.errors import ConfigurationError, InputError, PacsError
from diagnosis.pacs.config import load_config, parse_config


@pytest.fixture
def pacs_file(filled, tmp_path):
    path = tmp_path / "pacs.yaml"
    path.write_text(yaml.safe_dump(json.loads(filled.config().model_dump_json(exclude_none=True))))
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_pull_prints_pseudonyms_and_counts(pacs_file, phantom_files, tmp_path):
    header = pydicom.dcmread(phantom_files[0], stop_before_pixels=True)
    found = run("pull", "--study", header.StudyInstanceUID, "--out", tmp_path / "out", "--pacs", pacs_file)
    assert found.exception is None, found.output
    assert "1 series, all complete" in found.stdout
    assert "CT, 30 images" in found.stdout
    assert str(header.StudyInstanceUID) not in found.output


def test_push_says_how_many_were_taken_and_which_were_not(pacs_file, phantom_files, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(phantom_files[0].read_bytes())
    found = run("push", tmp_path / "in", "--pacs", pacs_file, "--protocol", "dimse")
    assert found.exception is None, found.output
    assert "1 of 1 file taken" in found.stdout
    odd = pydicom.dcmread(phantom_files[0])
    odd.SOPClassUID = odd.file_meta.MediaStorageSOPClassUID = "1.2.3.4.5"
    odd.save_as(tmp_path / "in" / "b.dcm")
    found = run("push", tmp_path / "in", "--pacs", pacs_file, "--protocol", "dimse")
    assert "1 of 2 files taken" in found.stdout
    assert "Refused: file 2: the archive takes no objects of this kind" in found.stdout
    assert isinstance(found.exception, PacsError)


def test_push_of_nothing_is_said(pacs_file, tmp_path):
    assert "does not exist" in str(run("push", tmp_path / "none", "--pacs", pacs_file).exception)
    (tmp_path / "empty").mkdir()
    found = run("push", tmp_path / "empty", "--pacs", pacs_file)
    assert isinstance(found.exception, InputError)
    assert "there are no .*dcm files" in str(found.exception).replace("*.", ".*")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["pull", "--out", "{tmp}"], 3, "no study is named"),
        (["pull", "--out", "{tmp}", "--study", "1.2"], 12, "no configuration is named"),
        (["pull", "--out", "{tmp}", "--study", "1.2", "--pacs", "{tmp}/none"], 12, "cannot be read"),
        (["pull", "--out", "{tmp}", "--study", "1.2", "--pacs", "{pacs}"], 3, "the archive has no such study"),
        (["pull", "--out", "{tmp}", "--study", "1.2", "--pacs", "{gone}"], 15, "cannot be reached"),
        (["listen", "--out", "{tmp}", "--pacs", "{tmp}/none"], 12, "cannot be read"),
    ],
)
def test_exit_codes(pacs_file, filled, tmp_path, monkeypatch, capsys, arguments, code, words):
    gone = filled.config(dicomweb={"url": "http://127.0.0.1:1/dicom-web", "username": "t"})
    (tmp_path / "gone.yaml").write_text(yaml.safe_dump(json.loads(gone.model_dump_json(exclude_none=True))))
    names = {"tmp": tmp_path, "pacs": pacs_file, "gone": tmp_path / "gone.yaml"}
    monkeypatch.setattr(sys, "argv", ["diagnosis", *(argument.format(**names) for argument in arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"dicomweb": {"url": "ftp://a"}}, r"dicomweb: .*url is http"),
        ({"dicomweb": {"url": "http://t:pw@127.0.0.1"}}, r"without credentials"),
        ({"dicomweb": {"url": "http://pacs.example/d", "username": "t"}}, "http, where others can read"),
        ({"dicomweb": {"url": "http://127.0.0.1", "password": "hunter2"}}, "secrets belong into the environment"),
        ({"dimse": {"host": "a", "port": 0, "ae_title": "A"}}, r"dimse\.port"),
        ({"dimse": {"host": "a", "port": 1, "ae_title": "SEVENTEEN LETTERS"}}, "1 to 16 printable"),
        ({"local": {"callers": [{"ae_title": "A", "address": "pacs.example"}]}}, r"callers\[0\]\.address: it is not"),
        ({"tls": {"key_file": "a.key"}}, "belong together"),
        ({"tls": {"ca_file": "none.pem"}}, r"tls\.ca_file does not exist"),
        ({"timeouts": {"connect_s": 0}}, r"timeouts\.connect_s"),
        ({"retrys": {}}, "retrys"),
        ([1], "the file"),
    ],
)
def test_a_configuration_says_what_is_wrong_and_never_a_secret(tmp_path, content, message):
    with pytest.raises(ConfigurationError, match=message) as found:
        parse_config(content, tmp_path)
    assert "hunter2" not in str(found.value)


def test_a_configuration_is_read_from_where_the_environment_says(tmp_path, monkeypatch):
    (tmp_path / "ca.pem").write_text("x")
    (tmp_path / "pacs.yaml").write_text("tls: {ca_file: ca.pem}\nlocal: {ae_title: ' ME '}\n")
    monkeypatch.setenv("DIAGNOSIS_PACS", str(tmp_path / "pacs.yaml"))
    config = load_config()
    assert config.tls.ca_file == tmp_path / "ca.pem"
    assert config.local.ae_title == "ME"
    (tmp_path / "pacs.yaml").write_text("a: [")
    with pytest.raises(ConfigurationError, match="is not YAML"):
        load_config()
    (tmp_path / "pacs.yaml").write_text("#" * 70_000)
    with pytest.raises(ConfigurationError, match="larger than 64 KiB"):
        load_config()


def test_a_certificate_that_is_none_is_said(tmp_path):
    from diagnosis.pacs.config import TlsConfig
    from diagnosis.pacs.tls import client_context, server_context

    (tmp_path / "a.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"tls\.ca_file is not a PEM file"):
        client_context(TlsConfig(ca_file=tmp_path / "a.pem"))
    broken = TlsConfig(certificate_file=tmp_path / "a.pem", key_file=tmp_path / "a.pem")
    with pytest.raises(ConfigurationError, match="do not fit"):
        client_context(broken)
    with pytest.raises(ConfigurationError, match=r"use_tls needs tls\.certificate_file"):
        server_context(TlsConfig())


def test_two_listeners_do_not_share_a_folder(tmp_path):
    import fcntl

    (tmp_path / "pacs.yaml").write_text("local: {callers: [{ae_title: SENDER, address: 127.0.0.1}]}")
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-m", "diagnosis", "listen", "--out", str(tmp_path / "out")]
    with (tmp_path / "out" / ".listen.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = subprocess.run(
            [*command, "--pacs", str(tmp_path / "pacs.yaml")], capture_output=True, text=True, check=False, timeout=240
        )
    assert second.returncode == 12
    assert "listen: another listener works in the folder of --out" in second.stderr
