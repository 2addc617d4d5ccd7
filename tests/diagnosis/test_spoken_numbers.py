"""The value of numbers in digits and words, however they are said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.phantom.wording import spell_number
from diagnosis.spoken_numbers import number_value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("18", 18), ("1,8", 1.8), (".4", 0.4), ("eighteen", 18), ("twenty-one", 21), ("Twenty  one", 21),
        ("one point eight", 1.8), ("1 point 5", 1.5), ("point four", 0.4), ("zero point four five", 0.45),
        ("half", 0.5), ("half a", 0.5), ("one half an", 0.5), ("½", 0.5), ("2½", 2.5), ("1 1/2", 1.5),
        ("2 and 1/2", 2.5), ("two and a half", 2.5), ("one hundred and five", 105), ("one hundred", 100),
    ],
)  # fmt: skip
def test_numbers_in_digits_and_words(written, value):
    assert number_value(written) == pytest.approx(value)


@pytest.mark.parametrize("written", ["", "several", "twenty nodules", "and"])
def test_what_is_no_number_is_refused(written):
    with pytest.raises(ValueError, match="is none"):
        number_value(written)


@given(st.integers(0, 1999), st.sampled_from("- "))
def test_what_is_spelled_is_understood(tenths, hyphen):
    assert number_value(spell_number(tenths / 10, hyphen)) == pytest.approx(tenths / 10)
