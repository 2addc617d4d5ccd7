"""Names of people in free text: after a title or a label, before a degree, by a dictionary, and by their capitals.

A capitalized word inside a sentence that is neither a common word nor the name of a sign or a classification is taken
for a name. Sentences of a report begin with words that no common dictionary has (Cardiomegaly), so that at the
beginning of a sentence only a known name counts.
"""

import re

from diagnosis.privacy.eponyms import EPONYMS
from diagnosis.privacy.name_dictionary import is_name, is_word, plain
from diagnosis.privacy.recognizer import begins_sentence

_PARTICLE = r"(?:de|da|do|dos|das|del|della|di|du|la|le|van|von|der|den|ter|ten|bin|ibn|al|el|af|av|zu|y|e)"
_NAME = r"(?:[A-ZÀ-ÖØ-ÞĀ-ŽА-Я](?:\.|[^\W\d_]{0,40}(?:['\u2019-][^\W\d_]{1,40}){0,3}))"
_FULL = rf"{_NAME}(?:[ \t]+(?:{_PARTICLE}[ \t]+){{0,2}}{_NAME}){{0,3}}"
_LAST_FIRST = rf"{_NAME}(?:[ \t-]{_NAME})?,[ \t]?{_NAME}(?:[ \t]{_NAME})?"
_TITLES = (
    r"(?:[Dd]r|DR|[Mm]rs?|MRS?|[Mm]s|MS|[Mm]iss|[Pp]rof(?:essor)?|[Dd]octor|[Nn]urse|[Ss]ister|[Ss]ir|[Mm]adam|Rev|Fr|"
    r"Herr|Frau|Mme|Sra?)"
)
_PEOPLE = (
    r"(?:patient(?:'s)?(?: name)?|name|pt|physician|doctor|provider|radiologist|surgeon|oncologist|"
    r"pulmonologist|cardiologist|pathologist|consultant|clinician|nurse|attending|resident|fellow|technologist|"
    r"referr(?:ed|ing)(?: by)?|referrer|order(?:ed|ing)(?: by)?|request(?:ed|ing)(?: by)?|dictated by|"
    r"transcribed by|signed(?: by)?|electronically signed by|reported by|read by|reviewed by|approved by|"
    r"verified by|interpreted by|performed by|discussed with|spoke with|communicated to|notified|called to|"
    r"informed|seen by|cc|copy to|attn|attention|next of kin|emergency contact|contact|guardian|mother|father|"
    r"wife|husband|son|daughter|brother|sister|partner|sincerely|regards|my name is|i am|i'm|this is|named|"
    r"called|dear|hello|hi)"
)
_DEGREES = r"(?:M\.?D|D\.?O|Ph\.?D|R\.?N|N\.?P|P\.?A(?:-C)?|MBBS|FRCR|FACR|DDS|DVM|Jr|Sr|III|II)\b\.?"

_ONLY_PEOPLE = (
    r"lives|lived|works|worked|says|said|asks|asked|told|tells|shouted|whispered|smokes|smoked|drinks|denies|denied|"
    r"complains|complained|retired|visited|emigrated|married|spent|(?:is|was)\s+(?:a\s+)?\d{1,3}\b(?=[\s-]*y)|"
    r"(?:is|was)\s+(?:born|from|married|divorced|widowed|seen by|accompanied)|"
    r"(?:can|could|may)\s+I\s+(?:please\s+)?speak"
)
"""What only people do: before it a name may begin a sentence."""
_SAID_SMALL = re.compile(
    r"\b(?:name\s+is|named|calls?\s+(?:me|him|her)|known\s+as|speak\s+(?:to|with))\s+"
    r"((?:(?:dr|mr|mrs|ms)\.?\s+)?[^\W\d_]{2,40}(?:[ ][^\W\d_]{2,40})?)",
    re.IGNORECASE,
)
"""A name that is dictated or typed without capitals."""

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_MIN_LETTERS = 3
_REACH = 40
_BEFORE = re.compile(rf"({_NAME})[ \t]+$")
_SMALL_AFTER = re.compile(r"[ \t]+(?:[a-z][ \t]+)?([^\W\d_]{3,40})")
_AFTER = re.compile(rf"[ \t]+({_NAME})")
_NO_NAMES = frozenset({"iban", "fax", "the", "can", "may"})

_SUBJECT = re.compile(rf"(?:^|(?<=[.!?\n>\"])[ \t]*)({_FULL}),?[ \t]+(?:{_ONLY_PEOPLE})\b", re.MULTILINE)
PATTERNS: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(rf"\b{_TITLES}\b\.?[ \t]+({_FULL})"), 1),
    (re.compile(rf"\b(?i:{_PEOPLE})\s{{0,3}}[:=?][ \t]*\n?[ \t]*({_LAST_FIRST}|{_FULL})"), 1),
    (_SUBJECT, 1),
    (re.compile(rf"\b(?i:{_PEOPLE})[ \t]+({_LAST_FIRST}|{_NAME}(?:[ \t]+{_NAME}){{1,3}})"), 1),
    (re.compile(rf"(?<!\w)({_FULL}),?[ \t]+{_DEGREES}"), 1),
)


def find_names(text: str) -> list[tuple[int, int]]:
    """Where names of people stand, as character offsets.

    Raises:
        MissingDependencyError: the dictionary of names is not installed.
    """
    labeled = [
        match.span(group)
        for pattern, group in PATTERNS
        for match in pattern.finditer(text)
        if pattern is not _SUBJECT or _may_be_a_person(match[group])
    ]
    labeled += [match.span(1) for match in _SAID_SMALL.finditer(text) if _may_be_a_person(match[1])]
    return labeled + _joined(text, [span for span in _words(text) if _looks_like_a_name(text, *span)])


def _may_be_a_person(words: str) -> bool:
    """Whether one of the words is no common word, or a name beside being a word."""
    found = [word for word in _WORD.findall(words) if len(word) >= _MIN_LETTERS and plain(word) not in EPONYMS]
    return any(not is_word(word) or (is_name(word) and word[0].isupper()) for word in found if not _is_short(word))


def _is_short(word: str) -> bool:
    """Whether it may be an abbreviation."""
    return word.isupper() and len(word) <= _MIN_LETTERS


def _words(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _WORD.finditer(text)]


def _looks_like_a_name(text: str, start: int, end: int) -> bool:
    """By capitals and dictionaries; a word in small or in capital letters alone has to be a known name and no word."""
    word = text[start:end]
    if len(word) < _MIN_LETTERS or plain(word) in _NO_NAMES | EPONYMS:
        return False
    if not word[0].isupper() or word.isupper():
        return len(word) > _MIN_LETTERS and is_name(word) and not is_word(word)
    inside = not begins_sentence(text, start)
    return inside or not is_word(word) if is_name(word) else inside and not is_word(word)


def _joined(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Names together with the capitalized words beside them that are no common words: the "Tomomi" of "Tomomi Ito"."""
    found = []
    for start, end in spans:
        before = _BEFORE.search(text, max(0, start - _REACH), start)
        after = _AFTER.match(text, end)
        first = before.start(1) if before and not is_word(before.group(1)) else start
        last = after.end(1) if after and not is_word(after.group(1)) else end
        if text[start].islower() and (small := _SMALL_AFTER.match(text, end)) and not is_word(small.group(1)):
            last = small.end(1)
        found.append((first, last))
    return found
