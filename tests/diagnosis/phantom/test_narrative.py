import dataclasses
import re

import pytest

from diagnosis.phantom.narrative import write_reading
from diagnosis.phantom.spec import BodySpec, Lobe, NoduleSpec, PhantomSpec
from diagnosis.vocabulary import Sex

OPINIONS = re.compile(
    r"malignan|benign|cancer(?! screening)|carcinoma|suspicious for|metasta|granuloma|hamartoma", re.I
)


def spec(seed: int, lobe: Lobe = Lobe.LEFT_LOWER) -> PhantomSpec:
    body = BodySpec(age_years=71, sex=Sex.FEMALE, pack_years=33)
    return PhantomSpec("words", seed, body=body, nodule=NoduleSpec(diameter_mm=17, lobe=lobe, spiculation=4))


@pytest.mark.parametrize("lobe", list(Lobe))
@pytest.mark.parametrize("seed", range(6))
def test_the_words_put_the_nodule_on_the_right_side_and_give_no_opinion(lobe: Lobe, seed: int) -> None:
    wrong = r"\bleft\b|\bL[UL]L\b|lingula" if lobe.is_right else r"\bright\b|\bR[UL]L\b|middle lobe"
    for part in ("note", "voice"):
        text = write_reading(spec(seed, lobe), part).text
        assert not re.search(wrong, text), text
        assert not OPINIONS.search(text), text


def test_the_note_has_history_technique_comparison_and_findings() -> None:
    text = write_reading(spec(1), "note").text
    assert re.search(r"71-year-old (woman|female)", text)
    assert "without contrast, 2.5 mm axial slices" in text
    for title in ("TECHNIQUE:", "COMPARISON:", "FINDINGS:", "IMPRESSION:"):
        assert title in text


def test_readers_differ_by_at_most_one_level_and_sometimes_do() -> None:
    differences = []
    for seed in range(40):
        truth = spec(seed).nodule
        seen = write_reading(spec(seed), "voice").description
        assert seen is not None
        differences += [abs(seen.levels[name] - rating) for name, rating in truth.ratings.items()]
        assert seen.diameter_mm == pytest.approx(truth.diameter_mm, rel=0.16)
    assert max(differences) == 1
    assert 0.05 < sum(differences) / len(differences) < 0.35


def test_only_the_informative_part_tells_of_a_nodule() -> None:
    told = dataclasses.replace(spec(3), informative="note")
    assert write_reading(told, "note").description is not None
    silent = write_reading(told, "voice")
    assert silent.description is None
    assert "nodule" not in silent.text.lower()
    quiet_note = write_reading(dataclasses.replace(spec(3), informative="voice"), "note")
    assert "nodule" not in quiet_note.text.lower()


def test_two_parts_are_two_readers() -> None:
    assert write_reading(spec(3), "note").text != write_reading(spec(3), "voice").text
