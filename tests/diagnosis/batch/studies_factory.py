"""Small studies for tests of batch runs: CT of eight slices, notes, transcripts."""

import csv
from pathlib import Path

from dicom_factory import write_series

from diagnosis.batch.job import BatchOptions

COLUMNS = ("case_id", "patient_id", "ct", "note_text", "voice_text", "center_x_mm", "center_y_mm", "center_z_mm")
WORDS = (
    "spiculated",
    "solid",
    "part-solid",
    "smooth",
    "calcified",
    "lobulated",
    "nodule",
    "right",
    "left",
    "upper",
    "lobe",
)


def write_manifest(folder: Path, n: int, n_ct: int = 2) -> Path:
    """A manifest of `n` studies; every third has a CT of its own region, one of `n_ct` series."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n_ct):
        write_series(folder / f"ct{i}")
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for i in range(n):
            words = " ".join(WORDS[(i * k + k) % len(WORDS)] for k in range(3, 9))
            row = {"case_id": f"s{i:04d}", "patient_id": f"p{i}", "note_text": f"A {3 + i % 27} mm {words}."}
            if i % 3 == 0 and n_ct:
                row |= {"ct": f"ct{i % n_ct}", "center_x_mm": i % 7, "center_y_mm": -(i % 5), "center_z_mm": 8 + i % 3}
            if i % 2:
                row["voice_text"] = f"there is a {words}"
            writer.writerow(row)
    return folder / "manifest.csv"


def options(source: Path, bundle: Path, out: Path, **changed: object) -> BatchOptions:
    """Options of a small run."""
    return BatchOptions(source=source, bundle=bundle, out=out, **({"workers": 1} | changed))


def results(out: Path) -> tuple[bytes, bytes]:
    """The bytes of both tables of results."""
    return (out / "results.csv").read_bytes(), (out / "results.parquet").read_bytes()
