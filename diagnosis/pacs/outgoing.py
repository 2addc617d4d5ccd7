"""Files on their way out: read, checked, and decompressed where the other side takes no compressed form."""

import warnings
from pathlib import Path
from typing import Final

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from diagnosis.errors import InputError

PLAIN: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
PARSE_FAILURES: Final = (
    pydicom.errors.InvalidDicomError, AttributeError, EOFError, KeyError, TypeError, ValueError, RuntimeError,
    NotImplementedError, OverflowError,
)  # fmt: skip
"""What pydicom and its decoders raise on damaged or hostile data."""


def quiet_pydicom() -> None:
    """Keep it from warning of values that break the standard: it quotes them, and they are the patient's."""
    warnings.filterwarnings("ignore", module="pydicom")


def read_outgoing(path: Path) -> Dataset:
    """A DICOM file with its identifiers.

    Raises:
        InputError: it is not one.
    """
    try:
        data_set: Dataset = pydicom.dcmread(path)
        complete = all(data_set.get(keyword) for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID"))
        has_syntax = "TransferSyntaxUID" in data_set.file_meta
    except PARSE_FAILURES as error:
        msg = "push: a file is not DICOM, or is damaged; name DICOM files"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"push: a file cannot be read ({error.strerror}); check the path"
        raise InputError(msg) from error
    if not complete or not has_syntax:
        msg = "push: a file lacks its SOP Class, SOP Instance, Study or Transfer Syntax UID; export it again"
        raise InputError(msg)
    return data_set


def transfer_syntax(data_set: Dataset) -> UID:
    """Of a file that `read_outgoing` has checked."""
    return UID(data_set.file_meta.TransferSyntaxUID)


def decompressed(data_set: Dataset) -> Dataset:
    """The same object in Explicit VR Little Endian; its identifiers stay, for no value of a voxel changes.

    Raises:
        InputError: it cannot be decoded here.
    """
    syntax = transfer_syntax(data_set)
    if syntax in PLAIN:
        return data_set
    try:
        if syntax == DeflatedExplicitVRLittleEndian:  # inflated when it was read
            data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        else:
            data_set.decompress(generate_instance_uid=False)
    except PARSE_FAILURES as error:
        msg = "the archive does not take its transfer syntax, and it cannot be decompressed here"
        raise InputError(msg) from error
    return data_set
