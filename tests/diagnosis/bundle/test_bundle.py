import json
import shutil

import pytest

from diagnosis.bundle.folder import load_bundle, read_metadata, save_bundle
from diagnosis.bundle.metadata import network_config_from_json, network_config_to_json
from diagnosis.errors import BundleError
from diagnosis.networks.acoustic_encoder import AcousticEncoderConfig
from diagnosis.networks.classifier import NetworkConfig


@pytest.fixture
def copied(tiny_bundle, tmp_path):
    return shutil.copytree(tiny_bundle, tmp_path / "bundle")


def test_a_bundle_comes_back_as_it_was_saved(tiny_bundle):
    first, second = load_bundle(tiny_bundle), load_bundle(tiny_bundle)
    assert first.sha256 == second.sha256
    assert first.metadata.findings[0].name == "malignancy"
    assert first.calibrations.of("malignancy", "ct+voice") is not None
    assert not first.network.training
    for a, b in zip(first.network.members.parameters(), second.network.members.parameters(), strict=True):
        assert (a == b).all()


def test_members_that_share_their_text_reader_are_saved_whole(tiny_bundle, tmp_path):
    first = load_bundle(tiny_bundle)
    readers = [member.text_reader for member in first.network.classifiers()]
    for reader in readers:
        reader.share_questions(readers[0])
    save_bundle(tmp_path, first.metadata, first.network, first.calibrations)
    saved = load_bundle(tmp_path).network.members.state_dict()
    for name, tensor in first.network.members.state_dict().items():
        assert (saved[name] == tensor).all()


@pytest.mark.parametrize("part", ["models/model.safetensors", "models/calibration.json", "configs/metadata.json"])
def test_a_changed_file_is_refused_by_name(copied, part):
    path = copied / part
    data = bytearray(path.read_bytes())
    data[-3] ^= 0x20
    path.write_bytes(bytes(data))
    with pytest.raises(BundleError, match=r"differs from its checksum|is not valid JSON"):
        load_bundle(copied)


def test_a_missing_file_is_refused_by_name(copied):
    (copied / "models" / "calibration.json").unlink()
    with pytest.raises(BundleError, match=r"models/calibration.json is missing; install the bundle again"):
        load_bundle(copied)


def test_a_folder_that_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match=r"configs/metadata.json cannot be read; name a bundle folder"):
        load_bundle(tmp_path)


def test_unknown_fields_and_broken_contracts_are_refused(copied):
    path = copied / "configs" / "metadata.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"surprise": 1}))
    with pytest.raises(BundleError, match="surprise is not known; install the bundle again"):
        read_metadata(copied)
    data["inputs"]["hu_range"] = [-500, 500]
    path.write_text(json.dumps(data))
    with pytest.raises(BundleError, match=r"inputs.hu_range differs from network.volume_encoder.hu_range"):
        read_metadata(copied)


def test_nothing_in_a_bundle_is_code_or_pickle(tiny_bundle):
    for path in tiny_bundle.rglob("*"):
        if path.is_file():
            assert path.suffix in {".json", ".safetensors"}, path
            assert not path.read_bytes().startswith(b"\x80"), "a pickle"


def test_a_network_s_shape_survives_json():
    config = NetworkConfig(n_members=3, acoustic_encoder=AcousticEncoderConfig(n_mels=20))
    assert network_config_from_json(json.loads(json.dumps(network_config_to_json(config)))) == config
