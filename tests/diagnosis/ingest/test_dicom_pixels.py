"""Stored values to HU: sign, unused bits, padding, slopes, byte order, transfer syntaxes."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_factory import on_slice, set_pixels, setting, stored_values, write_enhanced, write_series
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from diagnosis.errors import GeometryError
from diagnosis.ingest.dicom_header import read_header
from diagnosis.ingest.dicom_volume import inspect_path, read_volume
from diagnosis.ingest.pixel_layout import layout_fault
from diagnosis.vocabulary import GeometryCode


def expected() -> np.ndarray:
    return np.stack([stored_values(k) for k in range(8)]).astype(np.float32) - 1024


def test_the_rescale_of_each_slice_is_its_own(tmp_path: Path) -> None:
    def own_rescale(data_set: Dataset, index: int) -> None:
        data_set.RescaleSlope, data_set.RescaleIntercept = 1 + index / 4, -1024 - index

    write_series(tmp_path, change=own_rescale)
    for index, values in enumerate(read_volume(tmp_path).hu):
        assert np.array_equal(values, stored_values(index) * np.float32(1 + index / 4) - np.float32(1024 + index))


def test_the_odd_rescale_of_one_slice_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path, change=on_slice(4, setting(RescaleSlope=2, RescaleIntercept=-2500)))
    with pytest.raises(GeometryError, match="2 different rescales to HU under one series"):
        read_volume(tmp_path)


def test_signed_values(tmp_path: Path) -> None:
    def signed(data_set: Dataset, index: int) -> None:
        set_pixels(data_set, stored_values(index).astype(np.int16) - 400)

    write_series(tmp_path, change=signed)
    assert np.array_equal(read_volume(tmp_path).hu, expected() - 400)


@pytest.mark.parametrize("is_signed", [False, True])
def test_bits_above_the_high_bit_are_not_read(tmp_path: Path, is_signed: bool) -> None:
    def with_overlay(data_set: Dataset, index: int) -> None:
        value = stored_values(index).astype(np.int32) - (1200 if is_signed else 0)
        set_pixels(data_set, ((value & 0x0FFF) | 0x9000).astype(np.uint16))
        data_set.BitsStored, data_set.HighBit, data_set.PixelRepresentation = 12, 11, int(is_signed)

    write_series(tmp_path, change=with_overlay)
    assert np.array_equal(read_volume(tmp_path).hu, expected() - (1200 if is_signed else 0))


def test_padding_becomes_air(tmp_path: Path) -> None:
    def padded(data_set: Dataset, index: int) -> None:
        pixels = stored_values(index).astype(np.int16)
        pixels[0] = -2000
        set_pixels(data_set, pixels)
        data_set.add_new("PixelPaddingValue", "SS", -2000)

    write_series(tmp_path, change=padded)
    volume = read_volume(tmp_path)
    assert volume.padding_hu == -1000
    assert (volume.hu[:, 0] == -1000).all()
    assert np.array_equal(volume.hu[:, 1:], expected()[:, 1:])


def test_padding_declared_as_tissue_is_believed_only_at_the_border(tmp_path: Path) -> None:
    def padded(data_set: Dataset, index: int) -> None:
        pixels = stored_values(index).astype(np.int16)
        pixels[0] = pixels[10:12, 8:10] = 0
        set_pixels(data_set, pixels)
        data_set.add_new("PixelPaddingValue", "SS", 0)
        data_set.RescaleIntercept = 0

    write_series(tmp_path, change=padded)
    hu = read_volume(tmp_path).hu
    assert (hu[:, 0] == -1000).all()
    assert (hu[:, 10:12, 8:10] == 0).all()


def test_monochrome1_inverts_the_display_and_not_the_values(tmp_path: Path) -> None:
    write_series(tmp_path, change=setting(PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(read_volume(tmp_path).hu, expected())


def test_a_modality_lut_stands_in_for_the_rescale(tmp_path: Path) -> None:
    def with_table(data_set: Dataset, index: int) -> None:
        del data_set.RescaleSlope, data_set.RescaleIntercept
        item = Dataset()
        item.add_new("LUTDescriptor", "US", [4096, 0, 16])
        item.ModalityLUTType = "HU"
        item.add_new("LUTData", "OW", (np.arange(4096, dtype=np.uint16) // 2).tobytes())
        data_set.ModalityLUTSequence = [item]

    write_series(tmp_path, change=with_table)
    assert np.array_equal(read_volume(tmp_path).hu, np.floor((expected() + 1024) / 2))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_every_encoding_gives_the_same_values(tmp_path: Path, syntax: pydicom.uid.UID) -> None:
    for path in write_series(tmp_path):
        data_set = pydicom.dcmread(path)
        data_set.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            data_set.PixelData = np.frombuffer(data_set.PixelData, "<u2").astype(">u2").tobytes()
        little = syntax != ExplicitVRBigEndian
        pydicom.dcmwrite(
            path, data_set, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=little, force_encoding=True
        )
    assert np.array_equal(read_volume(tmp_path).hu, expected())


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_lossless_compression_gives_the_same_values(tmp_path: Path, syntax: pydicom.uid.UID) -> None:
    for path in write_series(tmp_path):
        data_set = pydicom.dcmread(path)
        try:
            data_set.compress(syntax)
        except (RuntimeError, NotImplementedError) as error:
            pytest.skip(f"no encoder for {syntax.name} here: {error}")
        data_set.save_as(path)
    assert inspect_path(tmp_path)[0].reasons == ()
    assert np.array_equal(read_volume(tmp_path).hu, expected())


def test_a_file_without_preamble_is_read(tmp_path: Path) -> None:
    for path in write_series(tmp_path):
        data_set = pydicom.dcmread(path)
        bare = Dataset(data_set)
        pydicom.dcmwrite(path, bare, implicit_vr=True, little_endian=True)
        path.rename(path.with_suffix(""))
    assert np.array_equal(read_volume(tmp_path).hu, expected())


def test_values_far_below_air_are_padding_even_if_nothing_declares_them(tmp_path: Path) -> None:
    def rimmed(data_set: Dataset, index: int) -> None:
        pixels = stored_values(index).astype(np.int16)
        pixels[:, 0] = -2000
        set_pixels(data_set, pixels)

    write_series(tmp_path, change=rimmed)
    volume = read_volume(tmp_path)
    assert volume.padding_hu == -1000
    assert (volume.hu[:, :, 0] == -1000).all()


@pytest.mark.parametrize("is_compressed", [False, True])
def test_an_enhanced_multi_frame_file_is_a_volume(tmp_path: Path, is_compressed: bool) -> None:
    path = write_enhanced(tmp_path / "enhanced", [7.5, 5.0, 2.5, 0.0])
    if is_compressed:
        data_set = pydicom.dcmread(path)
        data_set.compress(RLELossless)
        data_set.save_as(path)
    (report,) = inspect_path(path)
    assert (report.reasons, report.n_instances, report.shape) == ((), 1, (4, 40, 32))
    volume = read_volume(path)
    assert volume.spacing_mm == pytest.approx((2.5, 1.2, 0.8))
    assert np.array_equal(volume.hu, expected()[3::-1])
    assert volume.position_of([0, 0, 0]) == pytest.approx([-10, -20, 0])


def test_an_enhanced_file_with_a_missing_frame_is_refused(tmp_path: Path) -> None:
    (report,) = inspect_path(write_enhanced(tmp_path / "enhanced", [0, 2.5, 5, 10, 12.5]))
    assert [reason.code for reason in report.reasons] == [GeometryCode.GAP]


def test_lossy_compression_is_recorded(tmp_path: Path) -> None:
    write_series(tmp_path, change=setting(LossyImageCompression="01"))
    assert read_volume(tmp_path).history == ("the images had been compressed with loss before they were read",)


def test_an_unknown_transfer_syntax_is_undecodable(tmp_path: Path) -> None:
    for path in write_series(tmp_path):
        raw = path.read_bytes()
        path.write_bytes(raw.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"))
    (report,) = inspect_path(tmp_path)
    assert [reason.code for reason in report.reasons] == [GeometryCode.UNDECODABLE]
    assert "its transfer syntax is not one that can be decoded here" in report.reasons[0].message


def test_several_threads_may_read_at_once_and_pydicom_is_left_as_it_was(tmp_path: Path) -> None:
    write_series(tmp_path)
    before = pydicom.config.settings.reading_validation_mode, pydicom.config.logger.disabled, list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        volumes = list(pool.map(lambda _: read_volume(tmp_path), range(12)))
    assert all(np.array_equal(volume.hu, expected()) for volume in volumes)
    after = pydicom.config.settings.reading_validation_mode, pydicom.config.logger.disabled, list(warnings.filters)
    assert after == before


@pytest.mark.parametrize(("photometric", "samples"), [("RGB", 3), ("YBR_FULL", 3), ("YBR_FULL_422", 2)])
def test_a_color_picture_is_no_larger_than_its_header_promises(tmp_path, photometric, samples):
    """De-identification asks whether a picture's pixels are whole; color ones used to be called damaged."""

    def color(data_set, _index):
        data_set.SamplesPerPixel, data_set.PhotometricInterpretation, data_set.PlanarConfiguration = 3, photometric, 0
        data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit = 8, 8, 7
        data_set.PixelData = bytes(40 * 32 * samples)
        data_set["PixelData"].VR = "OB"

    (path,) = write_series(tmp_path, [(0, 0, 0)], change=color)
    header = read_header(path, tmp_path)
    assert layout_fault(header.pixels, path) is None
    assert "promises" in layout_fault(replace(header.pixels, length=40 * 32), path)
