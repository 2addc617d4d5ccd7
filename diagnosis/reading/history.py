# ruff: noqa: E501 - each entry is one pattern, read as a whole
"""The patient in a text: age, sex, smoking, earlier cancer, relatives with lung cancer, and what kind of exam it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from diagnosis.reading.facts import FactKind
from diagnosis.reading.sizes import NUMBER
from diagnosis.spoken_numbers import number_value

NEVER, FORMER, CURRENT, EVER = "never", "former", "current", "ever"
LUNG_CANCER = "lung cancer"
OTHER_CANCER = "extrathoracic cancer"
SCREENING, DIAGNOSTIC = "screening", "diagnostic"
QUIT_YEAR = "quit_year"
YEARS_AGO, CALENDAR_YEAR = "years ago", "calendar year"
"""Units of a time: "8 years ago", "in 2010"; the second becomes the first where the note says when it was written."""


@final
@dataclass(frozen=True)
class Statement:
    """A statement about the patient before its sense is judged; `is_of_patient` where relatives are named beside them."""

    kind: FactKind
    name: str
    start: int
    end: int
    value: float | None = None
    unit: str | None = None
    is_of_patient: bool = False


def _re(pattern: str) -> re.Pattern[str]:
    spaced = pattern.replace(" ?", r"\s*").replace(" ", r"\s+")
    return re.compile(rf"(?<!\w)(?:{spaced})(?!\w)", re.IGNORECASE)


_AGE = _re(
    rf"(?P<age>{NUMBER})[\s-]*(?:years?|yrs?)[\s-]*old(?:er)?|(?P<age2>\d{{1,3}})[\s-]?(?:y/?o|yo|yr|y\.o\.)(?:[MF](?!\w))?|age(?:d|/sex)? ?:? ?(?:of )?(?P<age3>{NUMBER})|[MF]/(?P<age8>\d{{2}})"
    r"|(?P<age4>\d{2,3})[\s-]?(?:M|F)"
    r"|(?:mr|mrs|ms|miss)\.? [a-z][\w'-]*\.?,? \(?(?P<age9>\d{2})(?= ?[,);]| (?:year|yo))"
    r"|(?:patient|pt|he|she|who) (?:is|was) (?:now )?(?P<age5>\d{2})(?= ?(?:[,.;]|and|years)(?! ?(?:mm|cm|\d)))"
    r"|(?P<age6>\d{2}),? (?=(?:(?:retired|year|white|black|asian) )?(?:male|female|man|woman|gentleman|lady)(?!\w))"
    r"|(?:male|female|man|woman|gentleman|lady|sex:? ?[MF]|(?:pt|patient):? [MF])[,/]? ?(?P<age7>\d{2})(?= ?(?:[,.;\n]|$|with|who))"
)
# "Since age 18", "at the age of 60": an age of another time.
_OTHER_TIME = re.compile(r"\b(?:from|since|at|until|till|by|before|after|to)(?:\s+the)?\s*$", re.IGNORECASE)
_SEX = (
    ("F", _re(r"female|woman|lady|girl|mrs|ms|she|her")),
    ("M", _re(r"male|man|gentleman|boy|mr|he|his|him")),
)
# "62F", "65yoF", "54-yr-old M", "sex: F": a letter that stands right behind an age, or behind the word sex.
_LETTER = r"|(?:(?=[MF]/\d\d(?!\d))|(?<=\d)|(?<=\d[\s/-])|(?<=yo)|(?<=yo\s)|(?<=y/o)|(?<=y/o\s)|(?<=old\s)|(?<=sex: )|(?<=sex )|(?<=pt: )|(?<=patient: ))"
_STRONG_SEX = tuple(
    (sex, re.compile(rf"(?<!\w)(?:{words})(?!\w){_LETTER}{sex}(?!\w)", re.IGNORECASE))
    for sex, words in (("F", "female|woman|lady|girl"), ("M", "male|man|gentleman|boy"))
)
# Of a range of pack-years the lower end counts: so much is said for certain.
_PACK_YEARS = _re(
    rf"(?<![./-])(?P<n>{NUMBER})(?: ?(?:-|–|to) ?{NUMBER})?[\s-]*(?:\+ ?)?(?:(?:pack|pk)s?[\s/-]*(?:years?|yrs?)|p\.?y\.?)"
    rf"|(?:pack|pk)[\s-]*(?:years?|yrs?)(?: history)?(?: (?:of|is|are|total)|:| ?=) ?(?:about |approximately )?(?P<n2>{NUMBER})"
)
_PACKS = {
    "a": 1.0,
    "one-half": 0.5,
    "half": 0.5,
    "half a": 0.5,
    "1/2": 0.5,
    "½": 0.5,
    "one and a half": 1.5,
    "1 1/2": 1.5,
    "1½": 1.5,
}
_AMOUNT = rf"one and a half|1 1/2|1½|one-half|half a|half|1/2|½|{NUMBER}|a"
_DURATION = rf",? (?:for|x|×|times) (?:about |over |more than |at least |approximately )?(?:the (?:last|past) )?(?P<years>{NUMBER})[\s-]*(?:years?|yrs?|y)?"
# "From age 20 to 50", "from 1980 to 2010".
_SPAN = r",? (?:from|between) (?:the )?(?:ages? )?(?:of )?(?P<since>\d{2}|(?:19|20)\d\d) ?(?:to|until|till|and|-|–) ?(?:age )?(?P<till>\d{2}|(?:19|20)\d\d)(?! ?(?:mm|cm|/))"
_CIGARETTE_WORD = "ten|fifteen|twenty|thirty|forty|sixty"
_PACKS_A_DAY = _re(
    rf"(?<![./-])(?P<packs>{_AMOUNT})[\s-]*(?:ppd|pks?|packs?(?: of cigarettes)? ?(?:a |per |each |every |/ ?)?(?:day|daily))(?:{_DURATION}|{_SPAN})"
)
_CIGARETTES_A_DAY = _re(
    rf"(?<![./-])(?P<cigarettes>\d{{1,3}}|(?:{_CIGARETTE_WORD})) ?(?P<noun>cigarettes|cigs?|roll-?ups)? ?(?:a |per |each |every |/ ?)?(?:day|daily)(?:{_DURATION}|{_SPAN})"
)
# "20 a day" without a noun is of cigarettes where smoking is spoken of right before it.
_SPEAKS_OF_SMOKING = re.compile(r"\b(?:smok\w+|tobacco|cigarettes?)\b[^.;\n]*$", re.IGNORECASE)
CIGARETTES_IN_A_PACK = 20
_LOOK_BACK = 80
_QUIT_VERB = r"(?:quit|stopped|gave up|ceased|not smoked)(?: smoking| tobacco| cigarettes)?"
_QUIT = _re(
    rf"{_QUIT_VERB} (?:about |approximately |some |over )?(?P<years>{NUMBER}) ?(?:years?|yrs?|y) (?:ago|back|earlier|previously)"
)
_QUIT_YEAR = _re(
    rf"{_QUIT_VERB}(?: date| year)?:?(?: ?,? (?:in|since))? (?:about |approximately )?(?P<year>(?:19|20)\d\d)"
)
# What stands right before it says that somebody else smokes.
_SOMEONE_ELSE = re.compile(
    r"(?:husband|wife|spouse|partner|room-?mates?|co-?workers?|friends?|second-?hand|passive)(?:'s)?"
    r"(?:\s+(?:is|was|also|has|had|have|a|an|heavy|both|died|of|from|with|diagnosed|known))*\s*$",
    re.IGNORECASE,
)
_SMOKING = (
    (NEVER, _re(r"never[- ]smok(?:er|ed|ing)|non-?smoker|lifelong non-?smoker|life-?long never[- ]smoker|has never smoked"
                r"|(?:no|denies(?: any)?|negative for|without)(?: \w+){0,3}? (?:smoking|tobacco)(?: use| history| abuse)?|no history of (?:smoking|tobacco)"
                r"|does not smoke|do not smoke|(?:tobacco|smoking)(?: status| use| history)?:? (?:none|never)")),
    (FORMER, _re(r"(?:former|ex|past|previous|prior|remote)[- ](?:heavy |\d+\+?[ -]?(?:pack|pk)[ -](?:year|yr)s?[ -])?(?:smoker|tobacco|smoking)"
                 r"|not smoked (?:since|for|in)|quit(?: smoking)?|stopped smoking|gave up smoking"
                 r"|(?:tobacco|smoking|smoker)(?: status| use| history)?:? (?:former|ex|stopped)|(?:before|after|since) (?:giving up|quitting|stopping)|smoked?(?:[^.;\n]{0,60}?) (?:until|till)|used to smoke|smoked for|smoking cessation")),
    (CURRENT, _re(r"(?:current|active|heavy|light|chronic|daily)(?: \w+)? smoker|smoker|smokes|currently smok\w+|still smok\w+|continues to smoke|and (?:continues to do so|still does)(?: so)?"
                  r"|(?:tobacco|smoking)(?: status| use| history)?:? (?:current|active|ongoing)|current(?:ly)? (?:tobacco|smoking)|\d+ (?:cigarettes|packs?) (?:a|per) day")),
    (EVER, _re(r"smoking history|history of (?:smoking|tobacco)(?: use)?|tobacco (?:use|abuse)|smoked")),
)  # fmt: skip
_NOT_SMOKER = re.compile(
    r"(?:former|ex|past|previous|prior|never|non|not a|remote|heavy|smoked(?: about| around| up to)?)[\s-]*$",
    re.IGNORECASE,
)
_WHO_QUIT = re.compile(r"smoker\W{1,3}(?:who\s+|has\s+|had\s+)*(?:quit|stopped|gave up|ceased)\b", re.IGNORECASE)
_CANCER_WORD = r"(?:cancers?|carcinomas?|malignanc(?:y|ies)|adenocarcinomas?|sarcomas?|lymphomas?|melanomas?|leuk(?:a)?emias?|neoplasms?|tumou?rs?|ca)"
_ORGAN = (
    r"(?:breast|colon|colonic|colorectal|rectal|bowel|prostate|prostatic|renal(?: cell)?|kidney|bladder|urothelial|thyroid|ovarian|uterine|endometrial"
    r"|cervical|cervix|testicular|gastric|stomach|esophageal|oesophageal|pancreatic|liver|hepatocellular|head and neck|laryngeal|tongue|oral"
    r"|oropharyngeal|nasopharyngeal|skin|bone|brain|germ cell|squamous cell skin)"
)
_LUNG_CANCER = _re(
    rf"(?:lung|bronchogenic|bronchial|pulmonary|small cell|non-?small[- ]cell) ?{_CANCER_WORD}(?! (?:screening|risk))|nsclc|sclc"
    rf"|{_CANCER_WORD} of the (?:left |right )?lungs?"
    rf"|(?:lob|pneumon|segment)ectomy for (?:\w+ )?{_CANCER_WORD}|lung (?:resection|surgery) for (?:\w+ )?{_CANCER_WORD}"
)
_OTHER_CANCER = _re(
    rf"{_ORGAN}(?: \w+)? {_CANCER_WORD}|{_CANCER_WORD} of the {_ORGAN}|melanoma|lymphoma|leuk(?:a)?emia|myeloma|sarcoma"
    r"|rcc|hcc|crc|cll|cml|nhl|dlbcl"
    r"|(?:extrathoracic|known|prior|previous|primary) (?:cancers?|malignanc(?:y|ies))|(?:cancer|malignancy|oncologic) history"
)
# A cancer of no named organ counts where the patient's history is spoken of; "no malignancy is seen" is none of it.
_ANY_CANCER = _re(
    r"(?:(?:history|hx|pmhx?)(?: is)?(?: \w+){0,2}? (?:of|for)|(?:hx|pmhx?):?|(?:past|medical|personal|oncolog\w+|previous)(?: medical)? history:? (?:no|without)|den(?:ies|ied|ying)|(?:has|had|have|having)(?: \w+){0,2}? (?:no|never had|not had)|never had)"
    r"(?: (?:any|other|known|previous|prior|a|personal|past)){0,2} (?P<c>cancers?|malignanc(?:y|ies)|ca(?!\w))"
)
_OF_BOTH = re.compile(r"\b(?:personal|own)(?:,| or| and| nor|/)+\s*(?:family|familial)\b[^.;\n]*$", re.IGNORECASE)
_CANCER_YEARS = re.compile(
    rf"(?P<years>{NUMBER})\s*(?:years?|yrs?)\s+(?:ago|earlier|previously)|(?:(?:in|since)\s+|^\W{{1,3}})(?P<calendar>(?:19|20)\d\d)",
    re.IGNORECASE,
)
_OTHER_TOPIC = re.compile(r"[.;\n]|\b(?:quit|stopped|gave up|ceased|smok\w*|nodules?|mass|ct)\b", re.IGNORECASE)
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
        if 0 < years <= 120 and not _stands_before(_OTHER_TIME, text, match.start()):
            yield Statement(FactKind.AGE, "age", match.start(), match.end(), years, "years")
    strong = [(sex, m) for sex, pattern in _STRONG_SEX for m in pattern.finditer(text)]
    weak = [(sex, m) for sex, pattern in _SEX for m in pattern.finditer(text)]
    for sex, match in strong or weak[:1]:
        yield Statement(FactKind.SEX, sex, match.start(), match.end())


def _smoking(text: str) -> Iterator[Statement]:
    taken = bytearray(len(text))  # characters of statements found
    for status, pattern in _SMOKING:
        for match in pattern.finditer(text):
            word_before = _stands_before(_NOT_SMOKER, text, match.start())
            is_taken = any(taken[match.start() : match.end()])
            is_of_another = _stands_before(_SOMEONE_ELSE, text, match.start())
            has_quit = _WHO_QUIT.match(text, match.end() - len("smoker")) is not None
            if is_taken or is_of_another or (status == CURRENT and (word_before or has_quit)):
                continue
            taken[match.start() : match.end()] = b"\1" * len(match[0])
            yield Statement(FactKind.SMOKING, status, match.start(), match.end())
    yield from _amounts_smoked(text)


def _stands_before(pattern: re.Pattern[str], text: str, start: int) -> bool:
    """Whether a pattern that ends in `$` matches right before a place."""
    return pattern.search(text, max(0, start - _LOOK_BACK), start) is not None


def _amounts_smoked(text: str) -> Iterator[Statement]:
    """Pack-years, and since when no more."""

    def stated(match: re.Match[str], name: str, value: float, unit: str) -> Statement:
        return Statement(FactKind.SMOKING, name, match.start(), match.end(), value, unit)

    for match in _PACK_YEARS.finditer(text):
        yield stated(match, "pack_years", number_value(match["n"] or match["n2"]), "pack-years")
    for match in _PACKS_A_DAY.finditer(text):
        written = " ".join(match["packs"].lower().split())
        packs = _PACKS[written] if written in _PACKS else number_value(written)
        yield stated(match, "pack_years", packs * _years_smoked(match), "pack-years")
    for match in _CIGARETTES_A_DAY.finditer(text):
        if match["noun"] is None and not _stands_before(_SPEAKS_OF_SMOKING, text, match.start()):
            continue
        packs = number_value(match["cigarettes"]) / CIGARETTES_IN_A_PACK
        yield stated(match, "pack_years", packs * _years_smoked(match), "pack-years")
    for match in _QUIT.finditer(text):
        yield stated(match, "years_since_quitting", number_value(match["years"]), "years")
    for match in _QUIT_YEAR.finditer(text):
        yield stated(match, QUIT_YEAR, float(match["year"]), CALENDAR_YEAR)


def _years_smoked(match: re.Match[str]) -> float:
    """Of "for 30 years" and of "from age 20 to 50"."""
    return number_value(match["years"]) if match["years"] else max(0.0, float(match["till"]) - float(match["since"]))


def _cancer(text: str) -> Iterator[Statement]:
    lung = [match.span() for match in _LUNG_CANCER.finditer(text)]
    other = [
        match.span()
        for match in _OTHER_CANCER.finditer(text)
        if not any(match.start() < end and start < match.end() for start, end in lung)
    ]
    any_cancer = (match.span("c") for match in _ANY_CANCER.finditer(text))
    other += [s for s in any_cancer if not any(s[0] < end and start < s[1] for start, end in lung + other)]
    lung, other = ([s for s in spans if not _stands_before(_SOMEONE_ELSE, text, s[0])] for spans in (lung, other))
    for name, spans in ((LUNG_CANCER, lung), (OTHER_CANCER, other)):
        for start, end in spans:
            rest = _OTHER_TOPIC.split(text[end : end + 60])[0]
            when = _CANCER_YEARS.search(rest)
            yield Statement(FactKind.CANCER_HISTORY, name, start, end, *_time_of(when))
            if _stands_before(_OF_BOTH, text, start):
                yield Statement(FactKind.CANCER_HISTORY, name, start, end, is_of_patient=True)


def _time_of(when: re.Match[str] | None) -> tuple[float | None, str | None]:
    if when is None:
        return None, None
    if when["years"]:
        return number_value(when["years"]), YEARS_AGO
    return float(when["calendar"]), CALENDAR_YEAR


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
