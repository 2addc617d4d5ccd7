"""How much there is of a feature, in the words of degree that the text encoder's reader has learned.

A reader that has learned "considerable spiculation" hears "obvious spiculation" or "Spiculation: florid" as nearly none
of it: the name of the feature tells it more than a word of degree that it never met. Adjectives, adverbs and the bare
statement that a feature is there are therefore written with the word of their level. What its clause denies, asks for
or doubts stays as it is, and so does the answer on one scale before the name of the next.
"""

import re
from collections.abc import Iterator

Rewrite = tuple[int, int, str]

CLAUSE_ENDS = ".;\n"
OF_OTHERS = re.compile(
    r"\b(?:lymph|nodes?\b|surgical|resect|excis|lobectomy|liver|hepat|kidney|renal|spleen|splenic|heart|cardiac|aort|breast"
    r"|thyroid|uter|ovar|adrenal|pancrea|prostat|gallbladder|cysts?\b|vertebra|endplate|diaphragm)",
    re.IGNORECASE,
)
"""What has edges, components and calcium too, but is no nodule of the lung."""
LOOK_BACK = 200
"""Characters of a clause that are looked through, so that a text without full stops takes no longer than others."""
_WIDEST_NAME = 20
_ITEM_BEGINS = (".", ",", ";", ":", "(", "|", "\n", "-", "*", " and", " with", " the")
_DENIAL = re.compile(
    r"\b(?:no|not|none|nor|neither|never|without|cannot|lacks?|lacking|free|devoid|absent|absence|negative|denies|denied|if"
    r"|hardly|nothing|fail(?:s|ed)?|rather than|unlike|whether|how|evaluate|exclude|excluded|rule)\b|n['\u2019]t\b|\?",
    re.IGNORECASE,
)
ITEM_END = r"(?=\s{0,3}(?:[.,;|)(\n]|-\s|$|(?:and|with|but)\b))"

_EXTREME = (
    "extreme|gross|florid|striking|dramatic|profuse|abundant|intense|massive|exuberant|strong|maximal|maximum"
    "|high[- ]grade"
)
_DEFINITE = (
    "definite|significant|distinct|clear|obvious|appreciable|notable|noticeable|evident|unequivocal|unmistakable|much"
)
_OFTEN = r"(?:(?:a|quite a)\s)?(?:lot|(?:good|great|fair)\sdeal|plenty)\sof"
_BETWEEN = r"moderate(?:ly)?[- ](?:to[- ])?(?:marked|severe)"
# Level of the scale, the words of degree that stand before a feature's name, and more that stand behind it.
_BEFORE = {
    "marked": rf"(?:very\s|quite\s)?(?:{_EXTREME})",
    "considerable": rf"(?:very\s|quite\s|rather\s)?(?:{_DEFINITE})|{_OFTEN}|{_BETWEEN}",
    "moderate": r"average|partial|an?\s(?:fair|moderate)\s(?:amount|degree)\sof"
    r"|(?:mild|slight|minimal)[- ]to[- ]moderate|(?:a\sfew|several|multiple)\s(?:gentle|shallow|mild|slight|small)",
    "slight": r"(?:an?\s)?(?:suggestion|suspicion|impression)\sof(?:\svery)?(?:\s(?:fine|subtle|slight|mild))?",
    "nearly no": r"(?:next\sto|virtually|practically)\sno",
}
_BEHIND = {
    "marked": r"very\s(?:high|prominent|pronounced|marked|severe|extensive|heavy|obvious)|extensive|heavy|severe|marked"
    "|prominent",
    "considerable": "high|considerable|substantial|pronounced|(?:near(?:ly)?|quite|rather) marked",
    "moderate": "moderately|intermediate|medium|moderate|some",
    "slight": "low|faint|subtle|minor|trace|slightly|minimally|(?:very|only|at most) (?:slight|mild|minimal)"
    "|barely perceptible",
    "nearly no": "(?:nearly|almost|virtually|practically) none|negligible|hardly any",
}
_ADVERBS = {
    "markedly": "grossly|strikingly|profusely|dramatically|massively|intensely|extensively|floridly|abundantly"
    "|maximally|very|highly|extremely|severely",
    "considerably": "obviously|distinctly|notably|noticeably|evidently|significantly|unequivocally|appreciably"
    "|definitely|clearly|rather|pretty",
    "moderately": "(?:mildly|slightly)[- ]to[- ]moderately",
}
_FEATURE = r"(?P<name>spiculation|lobulation)s?"
_ASKED = r"(?P<stem>spicul|lobul)(?:ations?|ated(?=\s?[:=]))"


def _one_of(levels: dict[str, str], prefix: str) -> str:
    return "|".join(f"(?P<{prefix}{i}>{pattern})" for i, pattern in enumerate(levels.values()))


_ALL_BEHIND = {level: f"{_BEHIND.get(level, '(?!)')}|{_BEFORE.get(level, '(?!)')}" for level in (*_BEHIND,)}
# "Subtlety: obvious, spiculation: none": a name with its own answer takes none from before it.
_UNANSWERED = r"(?!\s{0,3}(?:[:=]|(?:none|absent|nil|nearly|no|minimal|slight|mild|moderate|medium|marked|near)\b))"
_BEFORE_NAME = re.compile(rf"(?<![\w-])(?:{_one_of(_BEFORE, 'd')})[ \t]{{1,3}}{_FEATURE}\b{_UNANSWERED}", re.IGNORECASE)
_OF_ANOTHER = re.compile(
    r"\b(?:subtlety|conspicuity|visibility|margins?|borders?|edges?)(?:\s(?:is|are)|\s?[:=])?\s$", re.IGNORECASE
)
_SPICULES = re.compile(
    rf"(?<![\w-])(?:innumerable|countless|{_EXTREME})\s{{1,3}}(?P<name>spicul)(?:es|ae)\b", re.IGNORECASE
)
_BEHIND_NAME = re.compile(
    rf"(?<!no )(?<!without )\b{_ASKED}"
    r"(?:(?P<sign>\s{0,3}(?:[:=-]|\b(?:is|are|was|appears?|seems)\b)\s{0,3})|[ \t]{1,3})"
    rf"(?:{_one_of(_ALL_BEHIND, 'd')})\b{ITEM_END}",
    re.IGNORECASE,
)
_ADVERB = re.compile(rf"(?<![\w-])(?:{_one_of(_ADVERBS, 'd')})(?=\s(?:spiculated|lobulated)\b)", re.IGNORECASE)
_NOT_MUCH = re.compile(
    r"\bnot\s(?:at\sall|in\sany\sway|overtly|frankly|significantly|obviously|definitely|clearly|appreciably|markedly)\s"
    r"(?P<name>spicul|lobul)ated\b",
    re.IGNORECASE,
)
_NOT_VERY = re.compile(r"\bnot\s(?:very|particularly|especially|so)(?=\s(?:spiculated|lobulated)\b)", re.IGNORECASE)
_THERE = (
    "present|seen|noted|evident|identified|appreciated|visible|visualized|observed|demonstrated|found|detected|apparent"
)
_STATED = re.compile(
    rf"(?:(?:^|[.,;:(|\n]|\b(?:and|with|also|the))\s{{0,3}}|\b(?:evidence|presence|signs?)\sof\s|\bpositive\sfor\s)"
    rf"(?P<feature>(?P<name>spiculation|lobulation)s?)"
    rf"(?:[ \t]{{0,3}}(?:(?:is|are|was|were)\s(?:also\s|clearly\s)?)?(?P<there>{_THERE})\b"
    r"(?!\s{0,3}[,:=]?\s{0,3}(?:no|none|to|only|as|\d|grade|level|score|perhaps|rated|slight|minimal|mild|hardly|barely)\b))?",
    re.IGNORECASE,
)
_LIST_WITH_OR = re.compile(r"[^.;:|\n]{0,100}?\b(?:or|nor)\s", re.IGNORECASE)
_OF_IT = re.compile(r"(?:of|for)\s$", re.IGNORECASE)
# What the rest of its clause denies, doubts or tells of another time: "significant spiculation is absent".
_PART_ENDS = re.compile(
    r"[.,;|\n]|\b(?:and|with|without|but|suggest(?:s|ing|ive)|concerning|suspicious|consistent|worrisome"
    r"|which\s(?:may|might|could|would))\b"
)
_TAKEN_BACK = re.compile(
    r"\b(?:not|no longer|never|cannot|absent|excluded|ruled out|unlikely|doubtful|questionable|uncertain|resolved|gone"
    r"|vanished|disappeared|would|could|should|may|might|previously|formerly|earlier|prior)\b|n['\u2019]t\b|\?"
    r"|^\s{0,3}[:=]\s{0,3}(?:no|none|nil|absent|negative)\b",
    re.IGNORECASE,
)
# "Present, though minimal", "present and marked": how much there is stands behind it.
_MEASURED = re.compile(
    r"\s{0,3}[,(]?\s{0,3}(?:(?:and|but|though|although|albeit|yet|if)\s)?(?:only\s|very\s|quite\s|just\s|it\sis\s)?"
    r"(?:min|mild|slight|subtle|faint|trace|limited|barely|hardly|scarcely|not\b|no\b|mod|mark|sever|promin|consider"
    r"|extens|heav|pronounc|strik|florid|gross)",
    re.IGNORECASE,
)


def is_denied(source: str, place: int, ends: str = CLAUSE_ENDS) -> bool:
    """Whether the clause before a place denies what stands there, or only asks for it."""
    begin = max(0, place - LOOK_BACK)
    clause = max(begin - 1, *(source.rfind(sign, begin, place) for sign in ends)) + 1
    return _DENIAL.search(source, clause, place) is not None


def is_of_another(source: str, place: int) -> bool:
    """Whether the clause before a place is about an organ or an operation."""
    begin = max(0, place - LOOK_BACK)
    clause = max(begin - 1, *(source.rfind(sign, begin, place) for sign in CLAUSE_ENDS)) + 1
    return OF_OTHERS.search(source, clause, place) is not None


def _is_denied_item(source: str, place: int) -> bool:
    """The same where a comma begins a new item, unless the list goes on with "or"."""
    goes_on = source[max(0, place - _WIDEST_NAME) : place].rstrip().endswith((" or", " nor", "/"))
    # "No calcification, obvious spiculation, or lobulation": the list of a denial, told by the "or" that ends it.
    goes_on = goes_on or _LIST_WITH_OR.match(source, place) is not None
    return is_denied(source, place, CLAUSE_ENDS if goes_on else CLAUSE_ENDS + ",:|")


def _is_taken_back(source: str, place: int) -> bool:
    """Whether the rest of the clause behind a place denies what stands before it, or tells of another time."""
    end = min(len(source), place + LOOK_BACK)
    ending = _PART_ENDS.search(source, place, end)
    return _TAKEN_BACK.search(source[place : ending.start() if ending else end]) is not None


def _begins_item(source: str, place: int) -> bool:
    before = source[max(0, place - _WIDEST_NAME) : place].rstrip(" \t")
    return not before or before.endswith(_ITEM_BEGINS)


def learned_degrees(source: str) -> Iterator[Rewrite]:
    """The stretches that tell how much there is of a feature, with what they are written as."""
    yield from _before_names(source)
    for match in _BEHIND_NAME.finditer(source):
        # "Slight spiculation obvious": without a sign between them the word belongs to a name that begins its item.
        if match["sign"] is None and not _begins_item(source, match.start()):
            continue
        yield match.start(), match.end(), f"{_level(match, _ALL_BEHIND)} {match['stem'].lower()}ation"
    for match in _NOT_MUCH.finditer(source):
        yield match.start(), match.end(), f"non-{match['name'].lower()}ated"
    for match in _NOT_VERY.finditer(source):
        yield match.start(), match.end(), "slightly"
    yield from _stated(source)


def _before_names(source: str) -> Iterator[Rewrite]:
    for match in _BEFORE_NAME.finditer(source):
        is_of_another = _OF_ANOTHER.search(source, max(0, match.start() - _WIDEST_NAME), match.start()) is not None
        is_denied_here = _is_denied_item(source, match.start()) or _is_taken_back(source, match.end())
        if not is_of_another and not is_denied_here:
            yield match.start(), match.end(), f"{_level(match, _BEFORE)} {match['name'].lower()}"
    for match in _SPICULES.finditer(source):
        if not _is_denied_item(source, match.start()):
            yield match.start(), match.end(), "marked spiculation"
    for match in _ADVERB.finditer(source):
        if not _is_denied_item(source, match.start()):
            yield match.start(), match.end(), _level(match, _ADVERBS)


def _level(match: re.Match[str], levels: dict[str, str]) -> str:
    return next(level for i, level in enumerate(levels) if match[f"d{i}"] is not None)


def _stated(source: str) -> Iterator[Rewrite]:
    """The name of a feature that is said to be there, without a word on how much of it."""
    for match in _STATED.finditer(source):
        is_of_evidence = _OF_IT.search(source, match.start(), match.start("feature")) is not None
        if not (match["there"] or is_of_evidence) or _is_denied_item(source, match.start("feature")):
            continue
        if _is_taken_back(source, match.end()) or _MEASURED.match(source, match.end()):
            continue
        # "Spiculation: present" is one answer: the name and the word behind it are written together.
        yield match.start("feature"), match.end("feature"), f"moderate {match['name'].lower()}"
