"""Addresses that no street type gives away: numbers beside names, and what follows the street - town, region, code.

"6750 Koskikatu 25 Apt. 864, Artilleros" has no word for a street that a list would hold; what makes it an address is a
number, a capitalized word that is no common one, and again a number.
"""

import re

from diagnosis.privacy.eponyms import EPONYMS
from diagnosis.privacy.name_dictionary import is_name, is_word, plain

_CAPITAL = r"[^\W\d_a-z][^\W\d_]{0,40}(?:['\u2019-][^\W\d_]{1,40}){0,3}"
_SMALL = r"(?:de|da|do|dos|des|du|del|della|di|la|le|les|van|von|der|den|u|ul|út|utca|tér|str|al|st)\.?"
_NUMBERED = re.compile(
    r"(?<![\w.,/-])(?:\d{1,6}[ ,]{1,2}){1,2}"
    rf"(?P<words>{_CAPITAL}(?:[ ](?:{_SMALL}|{_CAPITAL})){{0,5}})(?:[ ]\d{{1,5}}\b\.?)?"
)
_NUMBER_AFTER = re.compile(r"[ ](?:u\.|út|utca|tér|st\.?|str\.?)?[ ]?\d{1,5}[a-zA-Z]?\b(?![.,]\d|\s?(?:mm|cm|%))\.?")
_NUMBER_BEFORE = re.compile(r"(?<![\w.,/-])\d{3,6}[ ]$")
_NEXT = re.compile(
    rf"(?P<gap>[ \t]*,?[ \t]*\n?[ \t]*,?[ \t]*)(?P<word>{_CAPITAL}|\d{{3,6}}(?:-\d{{3,4}})?|{_SMALL}(?=[ ]))(?!\w)"
)
_LINE_END = r"[ \t.,;?]*(?=\r?\n|$)"
_LINE = re.compile(
    r"[ \t]*,?[ \t]*(?:\r?\n[ \t>*|]*){1,2},?[ \t]*"
    rf"(?P<line>(?:nan|[A-Z]{{2,3}}|{_CAPITAL}(?:[ -](?:{_SMALL}|{_CAPITAL})){{0,4}}(?:[ ]\([^\W\d_]+\))?)?,?[ ]?"
    rf"(?P<code>\d{{3,6}}(?:[ -]\d{{2,4}})?)?){_LINE_END}",
    re.MULTILINE,
)
"""A line of its own with a region, a country or a postal code, as it follows an address."""
_GIVEN = re.compile(
    r"[ \t]*,?[ \t]+(?:nan\b,?[ \t]*)?(?P<code>\d{4,6}|\d{3}[ ]\d{2}|[A-Z]{1,2}[ -]\d{4,5})\b"
    r"(?![.,]\d|[ ]?(?:mm|cm|%))"
)
"""A postal code on the line of the address; tables that were exported write "nan" where a region is missing."""
_HOME = re.compile(
    r"\b(?:lives?|lived|living|born|gr[eo]w(?:ing|n)?\s+up|raised|resid(?:es?|ed|ing|ent)|moved(?:\s+here)?|"
    r"travell?(?:ed|ing|s)?|flew|emigrated|originally|based|native|I\s+am|I'm)\s+(?:in|from|to|at|near|of)\s+"
    rf"(?P<place>{_CAPITAL}(?:[ -](?:{_SMALL}[ ])?{_CAPITAL}){{0,3}})"
)
_REACH = 8
_LONGEST_TAIL = 8


def find_homes(text: str) -> list[tuple[int, int]]:
    """Where people are said to live, come from or travel to, unless every word of it may be written small."""
    return [
        match.span("place")
        for match in _HOME.finditer(text)
        if any(not is_word(word) and len(word) > 3 for word in re.findall(_CAPITAL, match["place"]))
    ]


def find_numbered(text: str) -> list[tuple[int, int]]:
    """A number before capitalized words, at least one of which is no common word."""
    return [
        match.span()
        for match in _NUMBERED.finditer(text)
        if any(_is_telling(word) for word in re.findall(_CAPITAL, match["words"]))
    ]


def _is_telling(word: str) -> bool:
    is_short = word.isupper() and len(word) <= 5
    return len(word) > 2 and not is_short and plain(word) not in EPONYMS and (not is_word(word) or is_name(word))


def _is_place(line: str) -> bool:
    """Whether a line is a region's abbreviation or words of which none may be written small."""
    words = re.findall(r"[^\W\d_]{2,}", line)
    return line.strip(" ,") == "nan" or all((word.isupper() and len(word) <= 3) or not is_word(word) for word in words)


def with_numbers(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A name or a place with the house number beside it, or None where there is none."""
    after, before = _NUMBER_AFTER.match(text, end), _NUMBER_BEFORE.search(text[max(0, start - _REACH) : start])
    if after is None and before is None:
        return None
    return start - (len(before.group()) if before else 0), after.end() if after else end


def end_of_tail(text: str, end: int) -> int:
    """Where an address ends whose street ends here: town, region, postal code, country may follow.

    On the line of the street any capitalized word belongs to it; on the next only one that is no common word, for a
    heading may begin there.
    """
    for _ in range(_LONGEST_TAIL):
        line = _LINE.match(text, end)
        if line is not None and line["line"] and (line["code"] or _is_place(line["line"])):
            end = line.end("line")
            continue
        given = _GIVEN.match(text, end)
        if given is not None:
            end = given.end()
            continue
        found = _NEXT.match(text, end)
        if found is None:
            break
        word, gap = found["word"], found["gap"]
        is_on_new_line = "\n" in gap
        if is_on_new_line and not word.isdigit() and is_word(word):
            break
        if not gap.strip(" \t") and not gap:
            break
        end = found.end()
    return end
