"""The case that a command is about, from its options; the model that it is put to."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from diagnosis.cli import options
from diagnosis.errors import CaseError, RegionError
from diagnosis.kept_imports import kept_for_good

if TYPE_CHECKING:
    from diagnosis import DiagnosisEngine
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


@final
@dataclass(frozen=True)
class CaseOptions:
    """The options that describe a case: its folder, or its parts. `takes_case` gives them to a command."""

    case: options.Case = None
    ct: options.Ct = None
    region: options.Region = None
    diameter: options.Diameter = None
    note: options.Note = None
    voice: options.Voice = None
    age: options.Age = None
    sex: options.Sex = None
    repair: options.Repair = None

    def read(self) -> "Case":
        """The case, read with progress shown.

        Raises:
            CaseError: neither a folder nor a part was given, or both were.
            RegionError: a region that is malformed or outside the CT.
            InputError: a part that cannot be used.
        """
        from diagnosis.cli.progress import spinner
        from diagnosis.ingest.case_folder import assemble_case, read_case
        from diagnosis.record.case import NO_PSEUDONYM

        region = parse_region(self.region, self.diameter)
        has_parts = any(path is not None for path in (self.ct, self.note, self.voice))
        if (self.case is None) == (not has_parts):
            msg = (
                "case: name either a case folder or its parts (--ct with --region, --note, --voice), not both or "
                "neither"
            )
            raise CaseError(msg)
        with spinner("Reading the case (a dictation is transcribed here)"):
            if self.case is not None:
                return read_case(self.case, repair=self.repair)[0]
            return assemble_case(
                NO_PSEUDONYM, ct=self.ct, note=self.note, voice=self.voice, region=region,
                age_years=self.age, sex=self.sex, repair=self.repair,
            )[0]  # fmt: skip


def takes_case(command: Callable[..., None]) -> Callable[..., None]:
    """A command about one case, for the command line: each field of `CaseOptions` becomes an option of its own.

    Args:
        command: takes the `CaseOptions` first, then options of its own by name.
    """
    fields = inspect.signature(CaseOptions).parameters
    _, *own = inspect.signature(command).parameters.values()

    @wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 - whatever the options' types are
        described = CaseOptions(**{name: given.pop(name) for name in fields})
        command(described, **given)

    shown = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in (*fields.values(), *own)]
    shown.sort(key=lambda parameter: parameter.default is not Parameter.empty)  # what is required comes first
    run.__signature__ = Signature(shown)  # type: ignore[attr-defined]
    return run


def load_engine(bundle: Path | None) -> "DiagnosisEngine":
    """The engine of a bundle, or of the shipped one, with progress shown.

    Raises:
        BundleError: the bundle does not fit its checksums or its contract.
    """
    from diagnosis.cli.progress import spinner

    with spinner("Loading the model"), kept_for_good():
        # Torch is imported here, so that the wait for it is shown too.
        from diagnosis import DiagnosisEngine

        return DiagnosisEngine.load(bundle)
