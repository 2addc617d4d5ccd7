"""What lies at a path without DICOM, and what its owner can do: one sentence's end for the refusal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

REMEDIES: Final = (
    ((".nii", ".nii.gz"), "NIfTI files, of which one has to be named by its own path"),
    ((".mha", ".mhd", ".nrrd", ".nhdr"), "MetaImage or NRRD, which is not read; convert it to NIfTI (.nii.gz)"),
    ((".img", ".img.gz", ".hdr", ".hdr.gz"), "Analyze or a NIfTI pair, which is not read; convert it to one .nii.gz"),
    ((".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar"), "an archive inside, or of a kind that is not read; unpack it"),
    ((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"), "pictures, which hold no Hounsfield units; export DICOM"),
)


def remedy(files: Sequence[Path]) -> str:
    """What to do about files without DICOM among them, from their suffixes; the usual advice where these say nothing.

    Args:
        files: what lies there; macOS's `._` companions count for nothing.
    """
    names = [file.name.lower() for file in files if not file.name.startswith("._")]
    for suffixes, sentence in REMEDIES:
        if any(name.endswith(suffixes) for name in names):
            return f"it holds {sentence}"
    return "name a folder, zip archive or file with CT"
