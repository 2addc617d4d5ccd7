"""What identifiers look like in free text: one pattern a kind, tried in the order of the list.

Kinds after 45 CFR 164.514(b)(2) (the eighteen identifiers of HIPAA's safe harbor). Patterns lean to recall: a number
that might be one of a record is taken for one; what is lost are long counts, not measurements, which have units.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

_I = re.IGNORECASE
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d\d"
_CLOCK = r"(?:[,\sT]+(?:at\s+)?\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s*[ap]\.?m\.?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_UNIT = r"(?!\s*(?:mm|cm|ml|cc|mg|mcg|kg|g|hu|%|x\b|×|mAs|kV|mGy|IU|units?|pack|cells?|/))"
_WORD = r"[^\W\d_][\w'\u2019.-]{0,40}"
_LABEL = (
    r"(?:medical\s+record|record|mrn|mr|patient|pt|account|acct|accession|acc|encounter|visit|case|chart|file|order|"
    r"specimen|episode|admission|hospital|health\s+plan|insurance|policy|member|beneficiary|licen[cs]e|passport|"
    r"certificate|serial|device|vehicle|plate|ssn|social\s+security|nhs|chi|npi|dea|driver'?s?\s+licen[cs]e|study|exam|"
    r"req(?:uisition)?|referral|protocol|subject|id(?:entifier)?|dob|uid|mobile|tel|telephone|phone|fax|pager|ext)"
)
_STREET = (
    r"(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|terrace|ter|way|"
    r"highway|hwy|parkway|pkwy|circle|cir|trail|close|crescent|gardens?|grove|mews|row|walk|quay|plaza|alley|loop|"
    r"straße|strasse|str|weg|platz|gasse|allee|rue|via|viale|calle|avenida|rua|laan|straat|gata|gatan|vägen|vej|katu|"
    r"tie|utca|út|ulica|ul|terrasse|gate|veien|vegen|rkp|körút|krt|sétány|tér|plein|gracht|kade|dijk|ring|damm|ufer|"
    r"kuja|polku|chemin|quai|impasse|trg|cesta|nábřeží|náměstí)"
)
_STREET_BEFORE = (
    r"(?:[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|[Ll]argo|[Vv]icolo|[Ss]trada|[Rr]ue|[Aa]venue|[Aa]llée|[Cc]hemin|[Qq]uai|"
    r"[Ii]mpasse|[Cc]alle|[Cc]/|[Pp]aseo|[Pp]laza|[Cc]amino|[Aa]vda\.?|[Aa]venida|[Cc]arrer|[Rr]onda|[Rr]ua|[Pp]raça|"
    r"[Tt]ravessa|[Uu]l\.|[Uu]lica|[Aa]l\.|[Nn]áměstí|[Tt]rg)"
)
"""Streets that name their kind first: there is always a capital after it, and a number at the end."""
_TOP_LEVEL = (
    r"(?:com|org|net|edu|gov|info|io|co|us|uk|eu|de|fr|ch|at|nl|be|it|es|pt|se|no|dk|fi|is|pl|cz|sk|hu|ro|bg|gr|ru|ua|"
    r"cn|jp|in|br|mx|ar|cl|ca|au|nz|za|ie|ee|lv|lt|si|hr|rs|tr|il|ae|sa|kr|tw|sg|my|health|care|hospital|clinic)"
)


@final
@dataclass(frozen=True)
class Pattern:
    """A kind of identifier and how it is recognized; `group` is what is replaced."""

    kind: str
    regex: re.Pattern[str]
    group: int = 0


def _pattern(kind: str, regex: str, group: int = 0, flags: int = _I) -> Pattern:
    return Pattern(kind, re.compile(regex, flags), group)


CONTACT: Sequence[Pattern] = (
    _pattern("EMAIL", r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}"),
    _pattern("URL", r"\b(?:https?|ftp|file)://[^\s<>\"')\]]{1,500}|\bwww\.[^\s<>\"')\]]{1,500}"),
    _pattern(
        "URL", rf"(?<![\w@.])(?:[a-z0-9-]{{1,63}}\.){{1,4}}{_TOP_LEVEL}\b(?![.\w@])(?:/[^\s<>\"')\]]{{0,300}})?", 0, 0
    ),
    _pattern("IP", r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]\d)"),
    _pattern(
        "IP", r"(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}(?![\w:])|(?<!\w)(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b"
    ),
)

DATES: Sequence[Pattern] = (
    _pattern("DATE", rf"(?<![\d.]){_YEAR}[-/.](?:1[0-2]|0?[1-9])[-/.]{_DAY}(?!\d){_CLOCK}"),
    _pattern("DATE", rf"(?<![\d.]){_YEAR}(?:1[0-2]|0[1-9])(?:0[1-9]|[12]\d|3[01])(?!\d)"),
    _pattern("DATE", rf"(?<![\d./]){_DAY}\s?[-/.]\s?{_DAY}\s?[-/.]\s?(?:{_YEAR}|\d\d)(?![\d/]|\.\d){_CLOCK}"),
    _pattern("DATE", rf"\b{_DAY}(?:\s+of)?[\s.-]*{_MONTH}(?:[\s,.'-]*(?:{_YEAR}|\d\d)\b)?{_CLOCK}"),
    _pattern("DATE", rf"\b{_MONTH}\s*{_DAY}\b(?:[\s,]+{_YEAR})?{_CLOCK}"),
    _pattern("DATE", rf"\b{_MONTH}[\s,'-]*(?:of\s+)?{_YEAR}\b"),
    _pattern(
        "DATE", r"\b(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])(?:/\d{2,4})?(?![\d/])(?=\s*(?:at\b|,|\.|;|\)|$|and\b))"
    ),
    _pattern("DATE", r"\b(?:0?[1-9]|1[0-2])/(?:19|20)\d\d\b"),
    _pattern("DATE", r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"),
    _pattern("DATE", rf"(?<![\d.,/-])\b(?:(?:19[2-9]|20[0-4])\d)\b(?![\d./-]\d){_UNIT}"),
)

NUMBERS: Sequence[Pattern] = (
    _pattern(
        "ID",
        rf"\b{_LABEL}\b\s*(?:no|num|number|nr|id|code|#)?\.?\s*(?:is\b)?[:#=\s]{{0,4}}([a-z]{{0,6}}[-/]?\d[\w./-]{{0,40}}\d\b|\d{{3,40}})",
        1,
    ),
    _pattern("ID", r"(?<![\w#])#\s?[a-z]{0,4}\d{3,}\b"),
    _pattern("ID", r"\b\d{3}-\d{2}-\d{4}\b"),
    _pattern("ID", r"\b[a-z]{2}\d{2}(?:\s?[a-z0-9]{4}){3,7}(?:\s?[a-z0-9]{1,3})?\b"),
    _pattern(
        "PHONE", r"(?<![\w.-])(?:\+|00)\d{1,3}(?:[\s().\-/]{0,3}\d{1,5}){2,6}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![\w-])"
    ),
    _pattern(
        "PHONE",
        r"(?<![\w.-])(?=(?:[\s().\-/]{0,3}\d){7})(?:\(\d{2,5}\)\s?\d{2,5}|\(?\d{2,5}\)?[\s.\-/]{1,2}\d{2,5})(?:[\s.\-/]{1,2}\d{2,5}){0,4}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![\w-]|[.,]\d)",
    ),
    _pattern("ID", r"(?<![\w.,])\d(?:[ -]?\d){6,64}(?![\w]|[.,]\d)"),
    _pattern("ID", r"\b(?=[a-z]{0,5}\d)[a-z]{1,5}-?\d{5,}[a-z]{0,3}\b"),
    _pattern("ID", r"\b\d{2,20}[A-Z]{1,4}\d{2,20}\w{0,20}\b|\b\d{2,4}-[A-Z]{1,3}-?\d{3,}\b", 0, 0),
    _pattern("ID", r"\b\d+(?:\.\d+){5,}\b"),
)

ADDRESSES: Sequence[Pattern] = (
    _pattern(
        "ADDRESS",
        rf"\b\d{{1,5}}[a-z]?(?:[-/]\d{{1,4}})?,?\s+(?:{_WORD}\s+){{0,4}}?{_STREET}\b\.?(?:\s+(?:north|south|east|west|[nsew]{{1,2}})\b\.?)?",
    ),
    _pattern(
        "ADDRESS",
        rf"\b(?:{_WORD}\s+){{0,2}}[^\W\d_][\w-]{{0,30}}?(?:street|straße|strasse|straat|gatan|vägen|gata|weg|vej|katu|tie|laan|platz|gasse|utca)\s+\d{{1,4}}[a-z]?\b",
    ),
    _pattern(
        "ADDRESS",
        rf"(?:(?<!\S)\d{{1,6}},?\s+)?(?<!\w){_STREET_BEFORE}\s+(?:(?:de|del|della|dei|delle|di|da|do|dos|du|des|la|le|l')\s*){{0,2}}"
        rf"[^\W\d_a-z]{_WORD[8:]}(?:\s+{_WORD}){{0,4}}?,?\s+\d{{1,5}}[a-zA-Z]?\b",
        0,
        0,
    ),
    _pattern(
        "ADDRESS",
        r"\b(?:the\s+)?(?:corner|intersection|junction)\s+of\s+(?=[^.;\n?!]{0,60}(?:\d|\b[A-Z]))[^;\n?!]{3,40}?\s+and\s+"
        r"(?:\d{1,5}\s+)?[^\W\d_a-z][\w.'-]*(?:\s+(?:[^\W\d_a-z][\w.'-]*|\d{1,5}\b|str\b))*",
        0,
        0,
    ),
    _pattern(
        "ADDRESS",
        r"(?:(?<!\S)\d{3,6}\s+)?\b(?:p\.?\s?o\.?\s?box|psc|unit|box|cmr)\s+\d{1,6}(?:,?\s+box\s+\d{1,6})?\b(?:\s+(?:[ADF]PO\s+A[AEP])\s+\d{5})?",
    ),
    _pattern("ADDRESS", r"\b(?:apt|apartment|suite|ste|room|rm|floor|bldg|building|flat)\.?\s*#?\s?\d{1,5}[a-z]?\b"),
    _pattern("ADDRESS", r"\b(?:[ADF]PO\s+A[AEP]\s+\d{5}|[A-Z]{2}\s+\d{5}(?:-\d{4})?)\b", 0, 0),
    _pattern("ADDRESS", r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b", 0, 0),
    _pattern(
        "ADDRESS",
        r"\b(?:zip(?:\s*code)?|post(?:al|\s)?\s*code)\s*(?:is\b)?[:\s]{0,3}([a-z]{0,2}\d[\w-]{2,9}(?:[ ][a-z]{2}\b)?)",
        1,
    ),
)

AGES: Sequence[Pattern] = (
    _pattern("AGE", r"\b((?:9\d|1[0-2]\d))(?=[\s-]*(?:years?|yrs?|y/?o|y\.o\.?|yo)\b)", 1),
    _pattern("AGE", r"\b(?:aged?|age:|age\s+of)\s*((?:9\d|1[0-2]\d))\b", 1),
)
