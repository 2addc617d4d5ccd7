"""The case that a command is about, from its options; the model that it is put to."""

from pathlib import Path
from typing import TYPE_CHECKING

from diagnosis.errors import CaseError, RegionError
from diagnosis.vocabulary import Sex

if TYPE_CHECKING:
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.record import Case, RegionOfInterest


def parse_region(text: str | None, diameter_mm: float | None) -> "RegionOfInterest | None":
    """`X,Y,Z` in LPS millimeters to a region.

    Raises:
        RegionError: not three numbers, or a diameter without a region.
    """
    from diagnosis.record import RegionOfInterest

    if text is None:
        if diameter_mm is not None:
            msg = "region: a diameter was given without a region; add --region X,Y,Z"
            raise RegionError(msg)
        return None
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError as error:
        msg = f"region: {text!r} is not X,Y,Z; give three numbers in LPS mm, for example --region=-54.2,31,-120.5"
        raise RegionError(msg) from error
    return RegionOfInterest((x, y, z), diameter_mm)


def gather_case(
    folder: Path | None,
    parts: dict[str, Path | None],
    region: "RegionOfInterest | None",
    age_years: float | None,
    sex: Sex | None,
    repair: str | None,
) -> "Case":
    """The case that the options describe, read with progress shown.

    Raises:
        CaseError: neither a folder nor a part was given, or both were.
    """
    from diagnosis.cli.progress import spinner
    from diagnosis.ingest.case_folder import assemble_case, read_case
    from diagnosis.record.case import NO_PSEUDONYM

    has_parts = any(path is not None for path in parts.values())
    if (folder is None) == (not has_parts):
        msg = "case: name either a case folder or its parts (--ct with --region, --note, --voice), not both or neither"
        raise CaseError(msg)
    with spinner("Reading the case (a dictation is transcribed here)"):
        if folder is not None:
            case, _ = read_case(folder, repair=repair)
        else:
            case, _ = assemble_case(
                NO_PSEUDONYM, ct=parts["ct"], note=parts["note"], voice=parts["voice"], region=region,
                age_years=age_years, sex=sex, repair=repair,
            )  # fmt: skip
    return case


def load_engine(bundle: Path | None) -> "DiagnosisEngine":
    """The engine of a bundle, or of the shipped one, with progress shown.

    Raises:
        BundleError: the bundle does not fit its checksums or its contract.
    """
    from diagnosis.cli.progress import spinner

    with spinner("Loading the model"):
        # Torch is imported here, so that the wait for it is shown too.
        from diagnosis.engine import DiagnosisEngine

        return DiagnosisEngine.load(bundle)
