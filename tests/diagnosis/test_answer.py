"""What is said of one case: at its region, at the best candidate, or without the CT; the same on every way in."""

from dataclasses import replace

import pytest

from diagnosis.answer import answer_case, answer_json
from diagnosis.engine import DiagnosisEngine, cases_of_candidates
from diagnosis.errors import CaseError
from diagnosis.ingest.case_folder import read_case
from diagnosis.record.volume import RegionSource


@pytest.fixture(scope="module")
def engine(tiny_bundle):
    return DiagnosisEngine.load(tiny_bundle)


@pytest.fixture(scope="module")
def sample(checkout):
    return read_case(checkout / "data_samples" / "case_003")[0]


def test_a_marked_region_is_not_searched_for(engine, sample):
    answer = answer_case(engine, sample)
    assert (answer.case, answer.candidates) == (sample, None)
    assert "candidates" not in answer_json(answer)


def test_without_a_region_the_candidate_of_the_highest_probability_is_the_answer(engine, sample):
    steps = []
    answer = answer_case(engine, replace(sample, region=None), lambda done, total: steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1]
    found = answer_json(answer)["candidates"]
    assert [row["probability"] for row in found] == sorted((row["probability"] for row in found), reverse=True)
    assert answer.main.main.probability == found[0]["probability"]
    assert answer.case.region.source is RegionSource.CANDIDATE
    assert "No region was marked" in answer.main.warnings[0]


def test_one_candidate_is_told_as_one(engine, sample):
    answer = answer_case(engine, replace(sample, region=None))
    found = [candidate for candidate, _ in answer.candidates]
    (alone,) = cases_of_candidates(replace(sample, region=None), found[:1])
    assert "1 was proposed by a program and may be wrong." in alone.warnings[0]
    together = cases_of_candidates(replace(sample, region=None), found)
    assert {case.warnings[0] for case in together} == {answer.main.warnings[0]}
    assert f"{len(found)} were proposed by a program and may all be wrong." in answer.main.warnings[0]


def test_where_nothing_can_be_proposed_the_other_parts_are_assessed_or_it_is_said(engine, sample):
    volume = replace(sample.volume, hu=sample.volume.hu * 0)
    answer = answer_case(engine, replace(sample, volume=volume, region=None))
    assert answer.candidates == ()
    assert "No region could be proposed" in answer.main.warnings[0]
    with pytest.raises(CaseError, match=r"no region is marked and none can be proposed: .*; mark one"):
        answer_case(engine, replace(sample, volume=volume, region=None, note=None, voice_note=None))
