"""What is wrong with a field of a file, in words of our own instead of those of the library that checks it."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

_KINDS = {
    "bool": "true or false",
    "dataclass": "a table of fields",
    "dict": "a table of fields",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "model": "a table of fields",
    "path": "a path",
    "string": "text",
    "tuple": "a list",
}
_WORDS = {
    "enum": "must be {expected}",
    "finite_number": "must be a finite number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
}
_POSITION = re.compile(r"line (\d+) column (\d+)")


def first_field_error(error: "ValidationError", known: Iterable[str] = ()) -> str:
    """The first field that cannot be used and why, such as "region.center_mm[2] must be a finite number".

    A value is never repeated: it may be a patient's, or a password. The name of a field that is not known is, where it
    is a plain word.

    Args:
        error: of pydantic.
        known: names of the fields that there are, for whoever used another.
    """
    first = error.errors(include_input=False, include_url=False)[0]
    place = _place(first["loc"])
    if first["type"] == "json_invalid":
        found = _POSITION.search(first["msg"])
        return "it is not valid JSON" + (f" at line {found[1]}, column {found[2]}" if found else "")
    if first["type"] == "extra_forbidden":
        fields = ", ".join(known) if len(first["loc"]) == 1 else ""
        return f"{place or 'a field'} is not known" + (f"; the fields are {fields}" if fields else "")
    subject = place or "the file"
    if first["type"] == "value_error":  # of a check of ours, in a sentence of its own
        return f"{subject}: {first['ctx']['error']}"
    return f"{subject} {_words(first['type'], first.get('ctx', {}))}"


def _place(location: tuple[int | str, ...]) -> str:
    """`region.center_mm[2]`; parts that are no plain words are left out."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(part for part in parts if part.startswith("[") or part[1:].isidentifier()).removeprefix(".")


def _words(kind: str, context: dict[str, Any]) -> str:
    if kind == "string_too_short" and context["min_length"] == 1:
        return "must not be empty"
    if kind in _WORDS:
        return _WORDS[kind].format(**context)
    wanted = _KINDS.get(kind.split("_", maxsplit=1)[0])
    return f"must be {wanted}" if wanted else "has a value that cannot be used"
