"""What is fuzzed: one function a kind of input; it may raise a `DiagnosisError` and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fuzz_hostile as hostile
import fuzz_seeds as seeds

from diagnosis.errors import DiagnosisError

Run = Callable[[Path, bytes], None]


@dataclass(frozen=True)
class Target:
    """A parser, and inputs to damage, honest or made to harm; `share` of the inputs of a long run go to it."""

    name: str
    seeds: Callable[[], tuple[bytes, ...]]
    run: Run
    share: float = 1.0
    is_honest: bool = True


def _written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _dicom(folder: Path, data: bytes) -> None:
    """As one of three slices: looked at, and read where the gate lets it pass."""
    from diagnosis.ingest.dicom_volume import inspect_path, read_volume

    study = folder / "study"
    study.mkdir(exist_ok=True)
    for index in (1, 2):
        other = study / f"{index}.dcm"
        if not other.exists():
            other.write_bytes(seeds.dicom_bytes(seeds.dicom_slice(index)))
    _written(study, "0.dcm", data)
    inspect_path(study)
    volume = read_volume(study)
    assert volume.hu.dtype == "float32"


def _dicom_file(folder: Path, data: bytes) -> None:
    from diagnosis.ingest.dicom_volume import inspect_path

    inspect_path(_written(folder, "one", data))


def _deidentify(folder: Path, data: bytes) -> None:
    import shutil

    from diagnosis.privacy.dicom_files import Policy, deidentify_dicom
    from diagnosis.privacy.profile_table import Option
    from diagnosis.privacy.secret import SecretKey

    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    policy = Policy(SecretKey(bytes(32)), frozenset(Option), withholds_risky_pixels=False)
    deidentify_dicom(_written(folder, "one.dcm", data), out, policy)


def _zip(folder: Path, data: bytes) -> None:
    from diagnosis.ingest.dicom_volume import inspect_path

    inspect_path(_written(folder, "study.zip", data))


def _nifti(folder: Path, data: bytes) -> None:
    from diagnosis.ingest.nifti import read_ct_nifti

    read_ct_nifti(_written(folder, "ct.nii.gz" if data[:2] == b"\x1f\x8b" else "ct.nii", data))


def _note(folder: Path, data: bytes) -> None:
    from diagnosis.ingest.notes import read_note
    from diagnosis.privacy.text import find_identifiers

    name = "note.json" if data[:1] == b"{" else "note.txt"
    find_identifiers(read_note(_written(folder, name, data)).text)


def _pdf(folder: Path, data: bytes) -> None:
    from diagnosis.ingest.notes import read_note

    read_note(_written(folder, "note.pdf", data))


def _audio(folder: Path, data: bytes) -> None:
    from diagnosis.ingest.audio import read_audio

    read_audio(_written(folder, "voice.wav", data))


def _case_json(folder: Path, data: bytes) -> None:
    from diagnosis.ingest.case_folder import read_case

    case = folder / "case"
    case.mkdir(exist_ok=True)
    _written(case, "note.txt", b"A nodule.")
    _written(case, "case.json", data)
    read_case(case)


def _manifest(folder: Path, data: bytes) -> None:
    from diagnosis.ingest.manifest import read_manifest, read_manifest_case

    name = "cases.parquet" if data[:4] == b"PAR1" else "cases.csv"
    for row in read_manifest(_written(folder, name, data)).rows:
        read_manifest_case(row)


def _metadata(folder: Path, data: bytes) -> None:
    from diagnosis.bundle.folder import read_metadata

    (folder / "configs").mkdir(exist_ok=True)
    _written(folder / "configs", "metadata.json", data)
    read_metadata(folder).network_config()


def _pacs(folder: Path, data: bytes) -> None:
    from diagnosis.pacs.config import load_config

    load_config(_written(folder, "pacs.yaml", data))


def _regions(folder: Path, data: bytes) -> None:
    from diagnosis.intake import read_regions

    read_regions(_written(folder, "regions.csv", data))


def _tree_regions(folder: Path, data: bytes) -> None:
    from diagnosis.batch.studies import read_regions

    read_regions(_written(folder, "regions.csv", data), folder)


def _bundle(folder: Path, data: bytes) -> None:
    from diagnosis.bundle import checksums
    from diagnosis.bundle import folder as bundle

    (folder / "models").mkdir(exist_ok=True)
    if b"safetensors" in data:
        _written(folder, str(checksums.CHECKSUMS), data)
        checksums.stated_sha256(folder)
    elif b'"format"' in data:
        _written(folder, str(checksums.FAMILIARITY), data)
        bundle.load_familiarity(folder)
    else:
        _written(folder, str(checksums.CALIBRATION), data)
        bundle.read_calibrations(folder)


def _weights(folder: Path, data: bytes) -> None:
    """With a checksum that fits, so that the tensors themselves are looked at."""
    import hashlib
    import json

    from diagnosis.candidates import ranking

    stated = json.loads((seeds.CANDIDATES / ranking.METADATA).read_bytes())
    stated["sha256"] = hashlib.sha256(data).hexdigest()
    _written(folder, ranking.METADATA, json.dumps(stated).encode())
    _written(folder, ranking.WEIGHTS, data)
    ranking.NetworkRanking.load(folder)


def _upload(folder: Path, data: bytes) -> None:
    import shutil

    from diagnosis.ingest.dicom_volume import inspect_path
    from diagnosis.service.uploads import unpack_case

    for name in ("case", "unpacked"):
        shutil.rmtree(folder / name, ignore_errors=True)
    unpack_case(_written(folder, "upload.zip", data), folder / "case")
    if (folder / "case" / "ct").is_dir():
        inspect_path(folder / "case" / "ct")


def _json_note(folder: Path, data: bytes) -> None:
    from diagnosis.ingest.notes import read_note

    read_note(_written(folder, "note.json", data))


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("dicom_series", seeds.dicom_seeds, _dicom, 1.0),
        Target("dicom_file", seeds.dicom_seeds, _dicom_file, 3.0),
        Target("deidentify", seeds.dicom_seeds, _deidentify, 2.0),
        Target("zip", seeds.zip_seeds, _zip, 1.5),
        Target("nifti", seeds.nifti_seeds, _nifti, 2.0),
        Target("note", seeds.note_seeds, _note, 2.0),
        Target("pdf", seeds.pdf_seeds, _pdf, 0.7),
        Target("audio", seeds.audio_seeds, _audio, 1.5),
        Target("case_json", seeds.case_json_seeds, _case_json, 3.0),
        Target("manifest", seeds.manifest_seeds, _manifest, 2.0),
        Target("metadata", seeds.metadata_seeds, _metadata, 1.5),
        Target("pacs", seeds.pacs_seeds, _pacs, 1.5),
        Target("regions", seeds.regions_seeds, _regions, 0.7),
        Target("tree_regions", seeds.tree_regions_seeds, _tree_regions, 0.7),
        Target("bundle", seeds.bundle_seeds, _bundle, 1.5),
        Target("weights", seeds.weights_seeds, _weights, 1.0),
        Target("upload", seeds.upload_seeds, _upload, 1.0),
        Target("hostile_dicom", hostile.hostile_dicom, _dicom, 0.5, is_honest=False),
        Target("deflated_bomb", hostile.deflated_bomb, _dicom, 0.03, is_honest=False),
        Target("hostile_zip", hostile.hostile_zip, _zip, 0.5, is_honest=False),
        Target("hostile_upload", hostile.hostile_zip, _upload, 0.5, is_honest=False),
        Target("hostile_case_json", hostile.hostile_json, _case_json, 0.7, is_honest=False),
        Target("hostile_note_json", hostile.hostile_json, _json_note, 0.5, is_honest=False),
        Target("hostile_metadata", hostile.hostile_json, _metadata, 0.5, is_honest=False),
        Target("hostile_bundle", hostile.hostile_json, _bundle, 0.5, is_honest=False),
        Target("hostile_pacs", hostile.hostile_yaml, _pacs, 1.0, is_honest=False),
    )
}


def attempt(target: Target, folder: Path, data: bytes) -> str:
    """Run a target on one input: `accepted`, or the name of the error that refused it.

    Raises:
        Anything that is no `DiagnosisError`: a bug.
    """
    try:
        target.run(folder, data)
    except DiagnosisError as error:
        message = str(error)
        assert message, "an error without a sentence"
        assert "Planted" not in message, "an error that quotes the patient"
        return type(error).__name__
    return "accepted"
