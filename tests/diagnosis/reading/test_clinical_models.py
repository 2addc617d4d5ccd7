import math
from dataclasses import replace

import pytest

from diagnosis.reading import NoduleFacts
from diagnosis.reading.brock import WITH_SPICULATION, WITHOUT_SPICULATION, brock, brock_probability
from diagnosis.reading.fleischner import fleischner
from diagnosis.reading.lung_rads import lung_rads
from diagnosis.reading.mayo import mayo, mayo_probability

KNOWN = NoduleFacts(
    age_years=62,
    is_female=False,
    has_smoked=True,
    pack_years=40,
    years_since_quitting=0,
    longest_mm=10,
    mean_mm=10,
    nodule_type="solid",
    is_upper_lobe=False,
    count=1,
    is_spiculated=False,
    has_emphysema=False,
    has_family_lung_cancer=False,
    has_lung_cancer=False,
    has_other_cancer=False,
    is_screening=False,
    change="new",
)


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


@pytest.mark.parametrize(("age", "size", "count"), [(50, 4, 1), (62, 10, 4), (75, 28.5, 7)])
def test_brock_agrees_with_the_restated_equation(age, size, count):
    """Eur Radiol 2019;29:5367, Table 2: one intercept, 0.2761, for uncentered inputs."""
    known = replace(
        KNOWN, age_years=age, longest_mm=size, count=count, is_female=True, is_spiculated=True, is_upper_lobe=True,
        has_emphysema=True, has_family_lung_cancer=True, nodule_type="part-solid",
    )  # fmt: skip
    restated = (
        0.2761 + 0.0287 * age + 0.6011 + 0.2961 + 0.2953 + 0.6581 - 5.3854 * (size / 10) ** -0.5 + 0.7729 + 0.377
        - 0.0824 * count
    )  # fmt: skip
    assert logit(brock_probability(known, WITH_SPICULATION)) == pytest.approx(restated, abs=2e-4)


def test_the_constant_is_the_reference_patient():
    """A man of 62 with four solid 4 mm nodules below the upper lobes and no risk factor."""
    reference = replace(KNOWN, longest_mm=4, count=4)
    assert logit(brock_probability(reference, WITHOUT_SPICULATION)) == pytest.approx(-6.8071, abs=1e-6)
    assert logit(brock_probability(reference, WITH_SPICULATION)) == pytest.approx(-6.7892, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({"is_female": True}, 0.5635),
        ({"is_upper_lobe": True}, 0.7116),
        ({"has_family_lung_cancer": True}, 0.3013),
        ({"has_emphysema": True}, 0.3462),
        ({"nodule_type": "part-solid"}, 0.3395),
        ({"nodule_type": "ground glass"}, -0.3055),
        ({"age_years": 72}, 0.321),
        ({"count": 6}, -0.1606),
        ({"longest_mm": 10}, -5.6693 * (1 - 1.58113883)),
    ],
)
def test_brock_without_spiculation_agrees_with_the_published_points(changes, points):
    """https://www.medicalalgorithms.com/pulmonary-nodule-cancer: the points of each parameter, added to -6.8071."""
    reference = replace(KNOWN, longest_mm=4, count=4)
    probability = brock_probability(replace(reference, **changes), WITHOUT_SPICULATION)
    assert logit(probability) == pytest.approx(-6.8071 + points, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({"age_years": 63}, 0.0391),
        ({"has_smoked": True}, 0.7917),
        ({"has_other_cancer": True}, 1.3388),
        ({"longest_mm": 11}, 0.1274),
        ({"is_spiculated": True}, 1.0407),
        ({"is_upper_lobe": True}, 0.7838),
    ],
)
def test_mayo_agrees_with_the_published_points(changes, points):
    """https://www.medicalalgorithms.com, equation of Swensen et al.: X, and what each parameter adds to it."""
    reference = replace(KNOWN, has_smoked=False)
    base = -6.8272 + 0.0391 * 62 + 0.1274 * 10
    assert logit(mayo_probability(reference)) == pytest.approx(base, abs=1e-6)
    assert logit(mayo_probability(replace(reference, **changes))) == pytest.approx(base + points, abs=1e-6)


def test_mayo_by_hand():
    """67 years, never smoked, 13 mm in the upper lobe: -6.8272 + 2.6197 + 1.6562 + 0.7838 = -1.7675."""
    known = replace(KNOWN, age_years=67, has_smoked=False, longest_mm=13, is_upper_lobe=True)
    assert mayo_probability(known) == pytest.approx(0.1459, abs=1e-4)


def test_what_is_missing_widens_the_answer_and_is_asked_for():
    opinion = brock(replace(KNOWN, has_emphysema=None))[0]
    assert opinion.missing == ("emphysema",)
    assert opinion.low < opinion.high
    assert opinion.probability is None
    assert brock(KNOWN)[0].probability == opinion.low
    assert mayo(replace(KNOWN, age_years=None)).low is None
    assert mayo(replace(KNOWN, age_years=None)).missing == ("age",)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"age_years": 49}, "age 49 is outside the 50 to 75"),
        ({"has_smoked": False}, "current and former smokers only"),
        ({"longest_mm": 35}, "35 mm is a mass"),
        ({"has_lung_cancer": True}, "earlier lung cancer"),
    ],
)
def test_brock_refuses_outside_its_population(change, reason):
    opinion = brock(replace(KNOWN, **change))[1]
    assert reason in opinion.refusal
    assert opinion.low is None


def test_mayo_refuses_outside_its_population():
    assert "4 to 30 mm" in mayo(replace(KNOWN, longest_mm=3)).refusal
    assert "solitary" in mayo(replace(KNOWN, count=2)).refusal
    assert "within five years" in mayo(replace(KNOWN, has_other_cancer=True, other_cancer_years_ago=3)).refusal


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mean_mm": 5.4, "has_smoked": False}, "no routine follow-up"),
        ({"mean_mm": 5.4}, "optional CT at 12 months"),
        ({"mean_mm": 5.5, "has_smoked": False}, "CT at 6-12 months, then consider CT"),
        ({"mean_mm": 8.4}, "CT at 6-12 months, then CT at 18-24"),
        ({"mean_mm": 8.5}, "consider CT at 3 months, PET/CT, or tissue sampling"),
        ({"mean_mm": 9, "count": 3, "has_smoked": False}, "CT at 3-6 months, then consider"),
        ({"mean_mm": 5, "nodule_type": "ground glass"}, "no routine follow-up"),
        ({"mean_mm": 6, "nodule_type": "ground glass"}, "every 2 years until 5 years"),
        ({"mean_mm": 7, "nodule_type": "part-solid"}, "annual CT for 5 years"),
        ({"mean_mm": 5, "nodule_type": "part-solid", "count": 2}, "2 and 4 years"),
        ({"mean_mm": 9, "nodule_type": "part-solid", "solid_part_mm": 5.4}, "annual CT for 5 years"),
        ({"mean_mm": 9, "nodule_type": "part-solid", "solid_part_mm": 5.5}, "highly suspicious"),
        ({"mean_mm": 9, "nodule_type": "part-solid", "solid_part_mm": 7, "count": 2}, "most suspicious nodule"),
    ],
)
def test_fleischner_table(changes, words):
    assert words in fleischner(replace(KNOWN, **changes)).recommendation


def test_fleischner_asks_for_the_solid_part_of_a_single_part_solid_nodule():
    assert "solid component" in fleischner(replace(KNOWN, mean_mm=9, nodule_type="part-solid")).missing
    assert "solid component" not in fleischner(KNOWN).missing


def test_fleischner_refuses_and_asks():
    assert "35 years" in fleischner(replace(KNOWN, age_years=30)).refusal
    assert "Lung-RADS" in fleischner(replace(KNOWN, is_screening=True)).refusal
    assert "known cancer" in fleischner(replace(KNOWN, has_other_cancer=True)).refusal
    assert "smoking, ever" in fleischner(replace(KNOWN, mean_mm=7, has_smoked=None)).missing


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({"mean_mm": 5.9, "change": None}, "2"),
        ({"mean_mm": 6, "change": None}, "3"),
        ({"mean_mm": 8, "change": None}, "4A"),
        ({"mean_mm": 15, "change": None}, "4B"),
        ({"mean_mm": 3.9}, "2"),
        ({"mean_mm": 4}, "3"),
        ({"mean_mm": 6}, "4A"),
        ({"mean_mm": 8}, "4B"),
        ({"mean_mm": 7, "change": "growing"}, "4A"),
        ({"mean_mm": 29.9, "nodule_type": "ground glass"}, "2"),
        ({"mean_mm": 30, "nodule_type": "ground glass"}, "3"),
        ({"mean_mm": 7, "nodule_type": "part-solid", "solid_part_mm": 5, "change": None}, "3"),
        ({"mean_mm": 9, "nodule_type": "part-solid", "solid_part_mm": 6, "change": None}, "4A"),
        ({"mean_mm": 9, "nodule_type": "part-solid", "solid_part_mm": 8, "change": None}, "4B"),
        ({"mean_mm": 9, "has_benign_sign": True}, "1"),
        ({"mean_mm": 9, "is_spiculated": True}, "4X"),
    ],
)
def test_lung_rads_table(changes, category):
    assert lung_rads(replace(KNOWN, is_screening=True, **changes)).category == category


@pytest.mark.parametrize("mean_mm", [7, 12])
def test_lung_rads_asks_for_the_earlier_category_of_a_stable_nodule(mean_mm):
    opinion = lung_rads(replace(KNOWN, is_screening=True, change="stable", mean_mm=mean_mm))
    assert opinion.category is None
    assert "Lung-RADS category of the earlier CT, and when it was" in opinion.missing


def test_lung_rads_refuses_outside_screening():
    assert "not a screening CT" in lung_rads(KNOWN).refusal
    screened = replace(KNOWN, is_screening=True)
    assert "50 to 80 years" in lung_rads(replace(screened, age_years=45)).refusal
    assert "20 or more" in lung_rads(replace(screened, pack_years=10)).refusal
    assert "screening exam" in lung_rads(replace(KNOWN, is_screening=None)).missing
