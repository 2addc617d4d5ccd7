import pytest

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.candidates import CandidateStudy, evaluate_candidates
from diagnosis.record import RegionOfInterest


def region(x: float, diameter: float | None = None) -> RegionOfInterest:
    return RegionOfInterest((x, 0.0, 0.0), diameter)


def test_figures_by_hand():
    studies = [
        CandidateStudy((region(100), region(9), region(4)), (region(0, 20),)),  # second hits, one is false
        CandidateStudy((region(6),), (region(0, 6),)),  # outside radius and tolerance
        CandidateStudy((), ()),
    ]
    figures = evaluate_candidates(studies)
    assert figures.sensitivity == 0.5
    assert figures.ranks == (2, None)
    assert figures.false_per_study == pytest.approx(2 / 3)


def test_a_small_lesion_has_a_tolerance():
    assert evaluate_candidates([CandidateStudy((region(4.9),), (region(0, 4),))]).sensitivity == 1


def test_without_truth_there_is_no_sensitivity():
    with pytest.raises(ConfigurationError, match="no study has a known lesion"):
        evaluate_candidates([CandidateStudy((region(0),), ())])


def test_the_first_so_many_of_each_study():
    studies = [
        CandidateStudy((region(100), region(4), region(50)), (region(0, 20),)),
        CandidateStudy((region(1),), (region(0, 6),)),
    ]
    points = evaluate_candidates(studies).froc
    assert [(p.n_candidates, p.sensitivity, p.false_per_study) for p in points] == [
        (1, 0.5, 0.5),
        (2, 1.0, 0.5),
        (3, 1.0, 1.0),
    ]
