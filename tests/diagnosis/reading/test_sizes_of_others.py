"""Sizes of an earlier day and of organs, which are not the nodule's size now."""

import pytest

from diagnosis.reading import FactKind, read_text
from diagnosis.reading.nodule_facts import gather
from diagnosis.reading.size_times import SizeTime, time_of_size


def size_now(text):
    return gather(read_text(text), None).longest_mm


@pytest.mark.parametrize(
    "text",
    [
        "Nodule RUL, CT of 2019: 14 mm. Today 11 mm.",
        "Nodule RUL. CT of 2019: 14 mm. Today 11 mm.",
        "Nodule RUL. Today 11 mm. CT of 2019: 14 mm.",
        "Nodule RUL. CT from 2019 showed 14 mm. Now 11 mm.",
        "Nodule RUL. CT 2019-03-04: 14 mm. CT today: 11 mm.",
        "Nodule RUL. 01/2019: 14 mm. Today: 11 mm.",
        "RUL nodule. 2019: 14 mm. 2021: 11 mm.",
        "Nodule RUL, 11 mm (2019: 14 mm).",
        "Nodule RUL: 14 mm (2019), 11 mm (2021).",
        "CT of 2019: 14 mm nodule RUL. Today: 11 mm nodule RUL.",
        "Nodule RUL, prior CT 14 mm, now 11 mm.",
        "Nodule RUL. Previous 14 mm. Today 11 mm.",
        "Nodule RUL 14 mm -> 11 mm.",
        "Nodule RUL: 14 → 11 mm.",
    ],
)
def test_a_size_of_an_earlier_year_is_not_that_of_today(text):
    assert size_now(text) == 11


@pytest.mark.parametrize(
    "text",
    [
        "CT 05/03/2024: 11 mm nodule in the RUL.",
        "CT of 2024: 11 mm nodule in the RUL. Currently on 5 mg of prednisone.",
        "CT chest 2024: RUL nodule 11 mm. LLL nodule now 5 mm.",
        "COMPARISON: CT of 2019. FINDINGS: 11 mm nodule RUL.",
        "Compared with the prior CT 11 mm nodule RUL is unchanged.",
        "Previous 11 mm nodule RUL is unchanged.",
        "Nodule RUL 11 mm (05/2021).",
    ],
)
def test_the_date_of_the_ct_at_hand_makes_no_history(text):
    assert size_now(text) == 11


def test_what_else_is_told_of_today_is_not_the_nodule_s():
    text = "Nodule in the right upper lobe, 11 mm. Now with pain on the left. Currently on 5 mg of prednisone."
    assert {f.name for f in read_text(text) if f.about == "nodule" and f.kind is FactKind.SIDE} <= {"right"}
    assert size_now(text) == 11


def test_a_size_of_today_in_words():
    assert size_now("Nodule in the right upper lobe. CT of 2019: fourteen millimeters. Today eleven millimeters.") == 11


def test_an_earlier_size_is_shown_as_earlier():
    sizes = [f for f in read_text("Nodule RUL, CT of 2019: 8 mm, today 11 mm.") if f.kind is FactKind.SIZE]
    assert [(f.value, f.assertions.is_historical) for f in sizes] == [(8, True), (11, False)]


def test_the_time_of_a_size():
    text = "11 mm (CT of 2019: 8 mm), then 9 mm; now 10 mm"
    times = [time_of_size(text, text.index(size), text.index(size) + len(size)) for size in ("11 mm", "8 mm", "10 mm")]
    assert times == [SizeTime(), SizeTime(2019, is_aside=True), SizeTime(is_of_today=True)]
    assert [time.is_before(times[0]) for time in times] == [False, True, False]
    assert not SizeTime(2019).is_before(SizeTime())


@pytest.mark.parametrize(
    "text",
    [
        "nodule RUL 9 mm no effusion",
        "there is a nodule in the right upper lobe measuring 9 mm no pleural effusion no pneumothorax",
        "nodule right upper lobe 9 mm lymph nodes normal aorta calcified",
        "spiculated nodule right upper lobe 9 mm emphysema present",
        "nodule left lower lobe 9 mm small effusion",
        "small effusion 9 mm solid nodule RUL",
    ],
)
def test_without_commas_a_size_is_the_lesion_s_that_it_goes_with(text):
    assert size_now(text) == 9


@pytest.mark.parametrize(
    "text",
    [
        "no effusion 9 mm nodule",
        "no effusion, 9 mm nodule right upper lobe",
        "no effusion no pneumothorax nine millimeter spiculated nodule",
        "no spiculation or lobulation 9 x 7 mm nodule",
        "No calcification a 9 mm nodule in the left lower lobe.",
        "No lymphadenopathy 0.9 cm nodule.",
    ],
)
def test_a_size_begins_what_is_not_denied_any_more(text):
    assert size_now(text) == pytest.approx(9)
    nodule = next(f for f in read_text(text) if f.name == "nodule")
    assert not nodule.assertions.is_negated


@pytest.mark.parametrize(
    "text",
    [
        "no 9 mm nodule",
        "no suspicious 9 mm nodule",
        "No pleural effusion, pneumothorax, or 9 mm nodule.",
        "no effusion or 9 mm nodule",
        "No nodules or masses, 9 mm or larger.",
    ],
)
def test_a_denied_nodule_stays_denied_with_its_size(text):
    assert size_now(text) is None
    assert next(f for f in read_text(text) if f.name == "nodule").assertions.is_negated


@pytest.mark.parametrize("text", ["Nodule RUL, effusion of 9 mm.", "Nodule RUL, no effusion, pleural thickening 9 mm."])
def test_the_size_of_another_finding_stays_its_own(text):
    assert size_now(text) is None


def test_many_sizes_with_their_years_are_read_in_good_time():
    text = "Nodule RUL. " + " ".join(f"{1950 + i % 70}: {1 + i % 30} mm." for i in range(4000))
    sizes = [f for f in read_text(text) if f.kind is FactKind.SIZE and f.about == "nodule"]
    assert {f.assertions.is_historical for f in sizes} == {True, False}


@pytest.mark.parametrize(
    "text",
    [
        "Aorta calcified, 38 mm, nodule RUL.",
        "Nodule RUL, aorta ectatic, 38 mm.",
        "Nodule RUL. Aorta calcified, 38 mm.",
        "Dilated aorta 38 mm, nodule RUL.",
        "Nodule RUL; aortic root, 38 mm.",
        "Nodule RUL, main pulmonary artery measures 32 mm.",
        "Nodule RUL, 12 mm subcarinal lymph node.",
        "Nodule RUL. Now a 12 mm subcarinal lymph node.",
        "Nodule RUL. Now 12 mm right hilar node.",
        "Nodule RUL with a 12 mm right hilar node.",
    ],
)
def test_the_size_of_an_organ_is_none_of_the_nodule(text):
    assert size_now(text) is None
    assert size_now(f"{text} The nodule is 9 mm.") == 9


@pytest.mark.parametrize(
    "text",
    [
        "Heart enlarged, 9 mm nodule RUL.",
        "Heart enlarged, nodule 9 mm RUL.",
        "Aorta calcified, 9 mm, spiculated nodule RUL.",
        "Aorta calcified, 38 mm, 9 mm nodule RUL.",
        "Nodule beside the pulmonary artery measuring 9 mm.",
        "RUL nodule 9 mm lymph node normal heart normal.",
        "9 mm nodule RUL and aorta 38 mm",
    ],
)
def test_an_organ_beside_it_leaves_the_nodule_its_size(text):
    assert size_now(text) == 9
