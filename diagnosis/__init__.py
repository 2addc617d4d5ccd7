"""Decision support for CT: images, notes and dictation in; calibrated, explained assessments out.

A case is read from files, prepared into tensors, forwarded through encoders and a fusion, calibrated into an
assessment, explained back onto the patient's own voxels and words, and written where a clinician can use it::

    files ─ingest→ Case ─preprocessing→ ModelInput ─networks→ NetworkOutput ─engine→ Assessment ─reporting→ HTML, JSON
                    │                                  │
                    └──────────── explanation ◄────────┘

Public use is three lines::

    from diagnosis import DiagnosisEngine, read_case
    case, identity = read_case("data_samples/case_001")
    assessment = DiagnosisEngine.load("models/lung_nodule").assess(case)

This is not a medical device: a clinician diagnoses.
"""

from typing import TYPE_CHECKING, Any

from diagnosis.version import __version__

if TYPE_CHECKING:
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.ingest.case_folder import read_case


__all__ = ["DiagnosisEngine", "__version__", "read_case"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol's own signature
    """Load the public names on first use, so that `import diagnosis` costs milliseconds, not seconds."""
    if name == "DiagnosisEngine":
        from diagnosis.engine import DiagnosisEngine

        return DiagnosisEngine
    if name == "read_case":
        from diagnosis.ingest.case_folder import read_case

        return read_case
    msg = f"module 'diagnosis' has no attribute {name!r}"
    raise AttributeError(msg)
