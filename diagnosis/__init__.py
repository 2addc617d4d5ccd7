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

The rooms, from the doors down to the floor; each knows only what stands below it:

==================================  ===================================================================================
`cli`, `service`, `clinician_ui`    the doors: command line, HTTP, dashboard (a package of its own)
`batch`, `intake`, `benchmark`      many studies; what arrives from the archive; how fast and how good the parts are
`training`, `cohort_evaluation`     cases to a bundle; a bundle on labeled cases, with `study_facts` for the checklists
`engine`, `answer`                  one bundle on one case; what is said of a case, whoever asks
`explanation`                       why, with its own proof
`retrieval`, `drafting`             similar nodules; a report whose sentences show their evidence
`bundle`, `familiarity`             the model's folder; what its training cases were not like
`ingest`, `pacs`, `privacy`         files to cases; the archive; cases without an identity
`preprocessing`, `networks`         cases to tensors; tensors to tensors
`candidates`, `reading`             where to look in a CT; what the words say
`evaluation`, `reporting`, `store`  arrays to numbers; results to files; what was said, and who looked
`phantom`                           synthetic patients whose truth is known
`record`                            what is known of a patient: frozen values
`vocabulary`, `spoken_numbers`      the words of the product; numbers as they are spoken
`settings`, `extras`                the environment; what not everybody installs
`errors`, `field_errors`            what a user can meet, and the words for it; `progress`, `kept_imports` and
                                    `version` beside them
==================================  ===================================================================================

This is not a medical device: a clinician diagnoses.
"""

from typing import TYPE_CHECKING, Any

from diagnosis.kept_imports import kept_imports
from diagnosis.version import __version__

if TYPE_CHECKING:
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.ingest.case_folder import read_case


__all__ = ["DiagnosisEngine", "__version__", "read_case"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol's own signature
    """Load the public names on first use, so that `import diagnosis` costs milliseconds, not seconds."""
    if name == "DiagnosisEngine":
        with kept_imports():
            from diagnosis.engine import DiagnosisEngine

        return DiagnosisEngine
    if name == "read_case":
        from diagnosis.ingest.case_folder import read_case

        return read_case
    msg = f"module 'diagnosis' has no attribute {name!r}"
    raise AttributeError(msg)
