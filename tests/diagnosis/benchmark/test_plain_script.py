"""The peer of the benchmark does the same work: its probabilities are the product's."""

import pytest

from diagnosis.benchmark import made_up
from diagnosis.benchmark.monai_loader import monai_loader
from diagnosis.benchmark.plain_script import PlainScript, ScriptStudy
from diagnosis.ingest.case_folder import assemble_case
from diagnosis.ingest.manifest import voice_note_from_text
from diagnosis.ingest.notes import note_from_text
from diagnosis.record import RegionOfInterest


def test_the_script_says_what_the_engine_says(tiny_engine, tmp_path):
    series = made_up.write_series(tmp_path, 40, 96)
    center = made_up.center_mm(40, shift_mm=3.3)
    note, spoken = "A 12 mm spiculated solid nodule.", "part solid nodule"
    case, _ = assemble_case(
        "c",
        ct=series,
        note=note_from_text(note),
        voice=voice_note_from_text(spoken),
        region=RegionOfInterest(center, 12.0),
    )
    study = ScriptStudy(series, center, note, voice_text=spoken, diameter_mm=12.0)
    found = PlainScript(tiny_engine, None).probability(study)
    assert found == pytest.approx(tiny_engine.assess(case).main.probability, abs=2e-4)


@pytest.mark.filterwarnings("error")
def test_monais_reader_is_made_without_a_word_about_graphics_cards(caplog):
    monai_loader("PydicomReader")
    assert caplog.text == ""
