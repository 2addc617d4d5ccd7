"""Faults of fields are told in words of our own, without the value."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from diagnosis.field_errors import first_field_error


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"


def _refuse(_: str) -> str:
    msg = "must be https, where others cannot listen"
    raise ValueError(msg)


class Place(BaseModel):
    model_config = ConfigDict(extra="forbid")

    center_mm: tuple[Annotated[float, Field(allow_inf_nan=False)], float] = (0.0, 0.0)


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    age: Annotated[float, Field(ge=0, le=125)] | None = None
    spacing: Annotated[float, Field(gt=0, lt=10)] = 1
    count: int = 1
    is_new: bool = False
    name: Annotated[str, Field(min_length=2, max_length=4)] = "abc"
    word: Annotated[str, Field(min_length=1)] = "a"
    sex: Literal["F", "M"] = "F"
    side: Side = Side.LEFT
    tags: Annotated[list[str], Field(min_length=1, max_length=2)] = ["a"]
    place: Place = Place()
    url: Annotated[str, AfterValidator(_refuse)] = ""
    file: Path = Path()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"age": 400}, "age must be at most 125"),
        ({"age": -1}, "age must be at least 0"),
        ({"age": "Jane Roe"}, "age must be a number"),
        ({"spacing": 0}, "spacing must be more than 0"),
        ({"spacing": 10}, "spacing must be less than 10"),
        ({"count": 1.5}, "count must be a whole number"),
        ({"is_new": "maybe"}, "is_new must be true or false"),
        ({"name": 5}, "name must be text"),
        ({"word": ""}, "word must not be empty"),
        ({"name": "a"}, "name must have at least 2 characters"),
        ({"name": "abcde"}, "name must have at most 4 characters"),
        ({"sex": "X"}, "sex must be 'F' or 'M'"),
        ({"side": "up"}, "side must be 'left' or 'right'"),
        ({"tags": []}, "tags must have at least 1 entries"),
        ({"tags": ["a", "b", "c"]}, "tags must have at most 2 entries"),
        ({"tags": "a"}, "tags must be a list"),
        ({"tags": ["a", 1]}, "tags[1] must be text"),
        ({"place": 1}, "place must be a table of fields"),
        ({"place": {"center_mm": [1]}}, "place.center_mm[1] is missing"),
        ({"place": {"center_mm": [float("nan"), 1]}}, "place.center_mm[0] must be a finite number"),
        ({"place": {"radius": 1}}, "place.radius is not known"),
        ({"url": "http"}, "url: must be https, where others cannot listen"),
        ({"file": 1}, "file must be a path"),
        ({"Jane Roe": 1}, "a field is not known; the fields are age, sex"),
        ({"years": 1}, "years is not known; the fields are age, sex"),
        ([], "the file must be a table of fields"),
    ],
)
def test_a_fault_has_words_of_our_own(given: object, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate(given)
    assert first_field_error(caught.value, ("age", "sex")) == words


def test_what_is_no_json_is_told_with_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate_json('{\n "age": Jane}')
    assert first_field_error(caught.value) == "it is not valid JSON at line 2, column 9"
