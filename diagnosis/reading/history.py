# ruff: noqa: E501 - each entry is one pattern, read as a whole
"""The patient in a text: age, sex, smoking, earlier cancer, relatives with lung cancer, and what kind of exam it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from diagnosis.reading.facts import FactKind
from diagnosis.reading.sizes import NUMBER, number_value

NEVER, FORMER, CURRENT, EVER = "never", "former", "current", "ever"
LUNG_CANCER = "lung cancer"
OTHER_CANCER = "extrathoracic cancer"
SCREENING, DIAGNOSTIC = "screening", "diagnostic"


@final
@dataclass(frozen=True)
class Statement:
    """A statement about the patient before its sense is judged."""

    kind: FactKind
    name: str
    start: int
    end: int
    value: float | None = None
    unit: str | None = None


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)".replace(" ", r"\s+"), re.IGNORECASE)


_AGE = _re(
    rf"(?P<age>{NUMBER})[\s-]*(?:years?|yrs?)[\s-]*old(?:er)?|(?P<age2>\d{{1,3}})[\s-]?(?:y/?o|yo|yr|y\.o\.)|aged? (?:of )?(?P<age3>\d{{1,3}})"
    r"|(?P<age4>\d{2,3})[ -]?(?:M|F)"
)
_SEX = (
    ("F", _re(r"female|woman|lady|girl|mrs|ms|she|her")),
    ("M", _re(r"male|man|gentleman|boy|mr|he|his|him")),
)
_STRONG_SEX = (
    ("F", _re(r"female|woman|lady|girl|(?<=\d\s)F|(?<=\d)F|(?<=yo\s)F")),
    ("M", _re(r"male|man|gentleman|boy|(?<=\d\s)M|(?<=\d)M|(?<=yo\s)M")),
)
_PACK_YEARS = _re(rf"(?P<n>{NUMBER})[\s-]*(?:\+ ?)?(?:pack|pk)[\s-]*(?:years?|yrs?)|(?P<m>{NUMBER}) ?py")
_PACKS_A_DAY = _re(
    rf"(?P<packs>{NUMBER}|a|half a|1/2) ?packs?(?: of cigarettes)? (?:a|per|each|every)? ?day(?:,)? (?:for|x|times) (?:the (?:last|past) )?"
    rf"(?P<years>{NUMBER}) ?(?:years?|yrs?)|(?P<packs2>{NUMBER}) ?ppd (?:for|x) (?P<years2>{NUMBER}) ?(?:years?|yrs?)?"
)
_QUIT = _re(
    rf"(?:quit|stopped|gave up|ceased)(?: smoking| tobacco)? (?:about |approximately |some )?(?P<years>{NUMBER}) ?(?:years?|yrs?) ago"
)
_SMOKING = (
    (NEVER, _re(r"never[- ]smok(?:er|ed|ing)|non-?smoker|lifelong non-?smoker|life-?long never[- ]smoker|has never smoked"
                r"|(?:no|denies(?: any)?|negative for|without)(?: \w+){0,3}? (?:smoking|tobacco)(?: use| history| abuse)?|no history of (?:smoking|tobacco)"
                r"|does not smoke|do not smoke|tobacco:? (?:none|never)|smoking:? (?:none|never)")),
    (FORMER, _re(r"(?:former|ex|past|previous|prior|remote)[- ](?:heavy )?(?:smoker|tobacco|smoking)|quit(?: smoking)?|stopped smoking|gave up smoking"
                 r"|used to smoke|smoked (?:until|till|for)|smoking cessation")),
    (CURRENT, _re(r"(?:current|active|heavy|light|chronic|daily)(?: \w+)? smoker|smoker|smokes|currently smok\w+|still smok\w+|continues to smoke"
                  r"|current(?:ly)? (?:tobacco|smoking)|\d+ (?:cigarettes|packs?) (?:a|per) day")),
    (EVER, _re(r"smoking history|history of (?:smoking|tobacco)(?: use)?|tobacco (?:use|abuse)|smoked")),
)  # fmt: skip
_NOT_SMOKER = re.compile(r"(?:former|ex|past|previous|prior|never|non|not a|remote|heavy)[\s-]*$", re.IGNORECASE)
_CANCER_WORD = r"(?:cancers?|carcinomas?|malignanc(?:y|ies)|adenocarcinomas?|sarcomas?|lymphomas?|melanomas?|leuk(?:a)?emias?|neoplasms?|tumou?rs?|ca)"
_ORGAN = (
    r"(?:breast|colon|colonic|colorectal|rectal|bowel|prostate|prostatic|renal(?: cell)?|kidney|bladder|urothelial|thyroid|ovarian|uterine|endometrial"
    r"|cervical|cervix|testicular|gastric|stomach|esophageal|oesophageal|pancreatic|liver|hepatocellular|head and neck|laryngeal|tongue|oral"
    r"|oropharyngeal|nasopharyngeal|skin|bone|brain|germ cell|squamous cell skin)"
)
_LUNG_CANCER = _re(
    rf"(?:lung|bronchogenic|bronchial|pulmonary|small cell|non-?small[- ]cell) ?{_CANCER_WORD}(?! (?:screening|risk))|nsclc|sclc"
    rf"|{_CANCER_WORD} of the (?:left |right )?lungs?"
)
_OTHER_CANCER = _re(
    rf"{_ORGAN}(?: \w+)? {_CANCER_WORD}|{_CANCER_WORD} of the {_ORGAN}|melanoma|lymphoma|leuk(?:a)?emia|myeloma|sarcoma"
    r"|(?:extrathoracic|known|prior|previous|primary) (?:cancer|malignancy)|history of (?:cancer|malignancy)|(?:cancer|malignancy|oncologic) history"
)
_CANCER_YEARS = re.compile(
    rf"(?P<years>{NUMBER})\s*(?:years?|yrs?)\s+(?:ago|earlier|previously)|(?:in|since)\s+(?P<calendar>(?:19|20)\d\d)",
    re.IGNORECASE,
)
_COUNT = _re(
    r"(?P<one>solitary|single|sole|lone|isolated)(?: \w+){0,4}? nodule|(?P<n>two|three|four|five|six|seven|eight|nine|ten|\d{1,2})"
    r"(?: \w+){0,3}? nodules|nodule count:? (?P<c>\d{1,2})|(?P<many>multiple|several|numerous|many|innumerable|few|scattered|bilateral)(?: \w+){0,3}? nodules"
)
_SCREENING = _re(
    r"(?:lung )?(?:cancer )?screening(?: ct| ldct| chest)?(?: exam(?:ination)?)?|low[- ]dose (?:screening )?ct|ldct"
)
_IMMUNE = _re(
    r"immuno-?(?:suppress\w+|compromis\w+|deficien\w+)|hiv(?: positive)?|aids|(?:organ|kidney|liver|heart|lung|bone marrow|stem cell) transplant(?:ation)?"
    r"|neutropeni\w+"
)
_SYMPTOMS_ONLY_FOR_EXAM = _re(r"(?:diagnostic|contrast-enhanced|staging) (?:chest )?ct")


def find_statements(text: str) -> Iterator[Statement]:
    """What a text says of the patient; the sense of each statement is judged by `reader`."""
    yield from _age_and_sex(text)
    yield from _smoking(text)
    yield from _cancer(text)
    yield from _exam(text)


def _age_and_sex(text: str) -> Iterator[Statement]:
    for match in _AGE.finditer(text):
        written = next(g for g in match.groups() if g is not None)
        years = number_value(written)
        if 0 < years <= 120:
            yield Statement(FactKind.AGE, "age", match.start(), match.end(), years, "years")
    strong = [(sex, m) for sex, pattern in _STRONG_SEX for m in pattern.finditer(text)]
    weak = [(sex, m) for sex, pattern in _SEX for m in pattern.finditer(text)]
    for sex, match in strong or weak[:1]:
        yield Statement(FactKind.SEX, sex, match.start(), match.end())


def _smoking(text: str) -> Iterator[Statement]:
    taken: list[tuple[int, int]] = []
    for status, pattern in _SMOKING:
        for match in pattern.finditer(text):
            word_before = _NOT_SMOKER.search(text, 0, match.start())
            if any(match.start() < end and start < match.end() for start, end in taken) or (
                status == CURRENT and word_before
            ):
                continue
            taken.append(match.span())
            yield Statement(FactKind.SMOKING, status, match.start(), match.end())
    for match in _PACK_YEARS.finditer(text):
        yield Statement(
            FactKind.SMOKING,
            "pack_years",
            match.start(),
            match.end(),
            number_value(match["n"] or match["m"]),
            "pack-years",
        )
    for match in _PACKS_A_DAY.finditer(text):
        packs, years = match["packs"] or match["packs2"], match["years"] or match["years2"]
        amount = {"a": 1.0, "half a": 0.5, "1/2": 0.5}.get(packs.lower())
        value = (number_value(packs) if amount is None else amount) * number_value(years)
        yield Statement(FactKind.SMOKING, "pack_years", match.start(), match.end(), value, "pack-years")
    for match in _QUIT.finditer(text):
        yield Statement(
            FactKind.SMOKING, "years_since_quitting", match.start(), match.end(), number_value(match["years"]), "years"
        )


def _cancer(text: str) -> Iterator[Statement]:
    lung = [match.span() for match in _LUNG_CANCER.finditer(text)]
    other = [
        match.span()
        for match in _OTHER_CANCER.finditer(text)
        if not any(match.start() < end and start < match.end() for start, end in lung)
    ]
    for name, spans in ((LUNG_CANCER, lung), (OTHER_CANCER, other)):
        for start, end in spans:
            rest = re.split(r"[.;\n]", text[end : end + 60])[0]
            when = _CANCER_YEARS.search(rest)
            years = number_value(when["years"]) if when and when["years"] else None
            yield Statement(
                FactKind.CANCER_HISTORY, name, start, end, years, "years ago" if years is not None else None
            )


def _exam(text: str) -> Iterator[Statement]:
    for match in _COUNT.finditer(text):
        number = match["n"] or match["c"]
        count = number_value(number) if number else (1.0 if match["one"] else None)
        yield Statement(FactKind.EXAM, "nodule_count", match.start(), match.end(), count, "nodules")
    for match in _SCREENING.finditer(text):
        yield Statement(FactKind.EXAM, SCREENING, match.start(), match.end())
    for match in _SYMPTOMS_ONLY_FOR_EXAM.finditer(text):
        yield Statement(FactKind.EXAM, DIAGNOSTIC, match.start(), match.end())
    for match in _IMMUNE.finditer(text):
        yield Statement(FactKind.EXAM, "immunosuppression", match.start(), match.end())
