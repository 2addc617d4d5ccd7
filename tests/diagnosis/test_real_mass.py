"""The main job on a real chest CT: a mass that readers boxed, a note, and a dictation spoken for it."""

import subprocess

import numpy as np
import pytest
from programs import require_program

from diagnosis.engine import DiagnosisEngine
from diagnosis.ingest.case_folder import assemble_case
from diagnosis.ingest.lesion_boxes import read_lesion_boxes
from diagnosis.vocabulary import NON_EMPTY_SUBSETS, Modality

NOTE = "There is a 6.5 cm solid mass in the left lower lobe with spiculated, lobulated margins. No calcification."
SPOKEN = "Large solid mass in the left lower lobe, sixty five millimeters, with spiculated and lobulated margins."


@pytest.fixture(scope="module")
def mass(shared_data, tmp_path_factory):
    """The case with all its parts, and the engine with the shipped bundle."""
    root = shared_data / "dicom_cases"
    case_name = "Lung_Dx-A0001_40805"
    lesion = read_lesion_boxes(root / "Lung_Dx_boxes.csv", root)[case_name]
    voice = tmp_path_factory.mktemp("dictation") / "voice.wav"
    subprocess.run([require_program("espeak-ng"), "-v", "en-us", "-s", "150", "-w", str(voice), SPOKEN], check=True)
    note = voice.with_name("note.txt")
    note.write_text(NOTE)
    case, _ = assemble_case("mass", ct=root / case_name, note=note, voice=voice, region=lesion)
    return case, lesion, DiagnosisEngine.load()


@pytest.mark.slow
def test_it_is_flagged_with_a_high_probability_by_every_subset_of_its_parts(mass):
    case, _, engine = mass
    for subset in NON_EMPTY_SUBSETS:
        found = engine.assess(case.restricted_to(subset)).main
        assert found.is_flagged, subset
    assert engine.assess(case).main.probability > 0.9


@pytest.mark.slow
def test_the_peak_of_its_map_lies_in_the_mass(mass):
    case, lesion, engine = mass
    for subset in (set(Modality), {Modality.CT}):
        found = engine.explain(case.restricted_to(frozenset(subset)))
        assert found.volume is not None, found.withheld
        assert np.linalg.norm(np.subtract(found.volume.peak_mm, lesion.center_mm)) < lesion.diameter_mm / 2
