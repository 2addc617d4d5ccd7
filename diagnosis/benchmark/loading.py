"""(a) A CT series from files to Hounsfield units in the patient's frame."""

from collections.abc import Callable
from pathlib import Path

from diagnosis.benchmark.made_up import SIZE, write_series
from diagnosis.benchmark.measuring import MIB, Figure, in_turns, missing, peak_mib
from diagnosis.benchmark.monai_loader import monai_loader
from diagnosis.ingest.dicom_volume import read_volume


def measure_loading(folder: Path, repetitions: int = 5, n_slices: int = 300) -> list[Figure]:
    """Against each reader in wide use; ours judges the geometry of every slice, they do not."""
    series = write_series(folder / "series", n_slices)
    name = f"load {n_slices} slices of {SIZE} x {SIZE}"
    volume_mib = n_slices * SIZE * SIZE * 4 / MIB
    read_volume(series)
    share = peak_mib(lambda: read_volume(series)) / volume_mib
    note = f"peak memory {share:.2f} times the volume's"
    figures = []
    for peer, package, make in PEERS:
        try:
            theirs = make(series)
        except ImportError:
            figures.append(missing(name, peer, package))
            continue
        figures.append(in_turns(name, peer, lambda: read_volume(series), theirs, repetitions, note))
    return figures


def _monai(reader: str) -> Callable[[Path], Callable[[], object]]:
    def make(series: Path) -> Callable[[], object]:
        if reader == "ITKReader":
            import itk  # noqa: F401 - MONAI finds out only when it reads

        load = monai_loader(reader)
        return lambda: load(str(series))

    return make


def _simpleitk(series: Path) -> Callable[[], object]:
    import SimpleITK

    def read() -> object:
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
        return SimpleITK.GetArrayFromImage(reader.Execute())

    return read


def _dicom2nifti(series: Path) -> Callable[[], object]:
    from dicom2nifti.convert_dicom import dicom_series_to_nifti

    return lambda: dicom_series_to_nifti(str(series), None, reorient_nifti=False)


PEERS: tuple[tuple[str, str, Callable[[Path], Callable[[], object]]], ...] = (
    ("MONAI LoadImage, PydicomReader", "monai", _monai("PydicomReader")),
    ("MONAI LoadImage, ITKReader", "itk", _monai("ITKReader")),
    ("SimpleITK", "SimpleITK", _simpleitk),
    ("dicom2nifti", "dicom2nifti", _dicom2nifti),
)
