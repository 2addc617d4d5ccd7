"""What is fuzzed: one function a kind of input; it may raise a `DiagnosisError` and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fuzz_inputs as inputs

from diagnosis.errors import DiagnosisError

Run = Callable[[Path, bytes], None]


@dataclass(frozen=True)
class Target:
    """A parser, and honest inputs for it; `share` of the inputs of a long run go to it."""

    name: str
    seeds: Callable[[], tuple[bytes, ...]]
    run: Run
    share: float = 1.0


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
            other.write_bytes(inputs.dicom_bytes(inputs.dicom_slice(index)))
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


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("dicom_series", inputs.dicom_seeds, _dicom, 1.0),
        Target("dicom_file", inputs.dicom_seeds, _dicom_file, 3.0),
        Target("deidentify", inputs.dicom_seeds, _deidentify, 2.0),
        Target("zip", inputs.zip_seeds, _zip, 1.5),
        Target("nifti", inputs.nifti_seeds, _nifti, 2.0),
        Target("note", inputs.note_seeds, _note, 2.0),
        Target("pdf", inputs.pdf_seeds, _pdf, 0.7),
        Target("audio", inputs.audio_seeds, _audio, 1.5),
        Target("case_json", inputs.case_json_seeds, _case_json, 3.0),
        Target("manifest", inputs.manifest_seeds, _manifest, 2.0),
        Target("metadata", inputs.metadata_seeds, _metadata, 1.5),
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
