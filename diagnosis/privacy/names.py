"""Names of people in free text: after a title, after a label such as "Referring physician:", before a degree."""

import re

_PARTICLE = r"(?:de|da|do|dos|das|del|della|di|du|la|le|van|von|der|den|ter|ten|bin|ibn|al|el|af|av|zu|y|e)"
_NAME = r"(?:[A-ZÀ-ÖØ-ÞĀ-ŽА-Я](?:\.|[^\W\d_]*(?:['\u2019-][^\W\d_]+)*))"
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

PATTERNS: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(rf"\b{_TITLES}\b\.?[ \t]+({_FULL})"), 1),
    (re.compile(rf"\b(?i:{_PEOPLE})\s{{0,3}}[:=][ \t]*\n?[ \t]*({_LAST_FIRST}|{_FULL})"), 1),
    (re.compile(rf"\b(?i:{_PEOPLE})[ \t]+({_LAST_FIRST}|{_NAME}(?:[ \t]+{_NAME}){{1,3}})"), 1),
    (re.compile(rf"({_FULL}),?[ \t]+{_DEGREES}"), 1),
)


def find_names(text: str) -> list[tuple[int, int]]:
    """Where names of people stand, as character offsets."""
    return [match.span(group) for pattern, group in PATTERNS for match in pattern.finditer(text)]
