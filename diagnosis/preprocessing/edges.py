"""How sharp an edge is, in the words that the text encoder's reader has learned.

"Margin definition: excellent", "not sharp", "in part sharp and in part hazy", "neither crisp nor fuzzy", "clear
borders": the reader hears one word of them, mostly the sharp one, or an "unclear" in a "clear". Where a phrase is about
an edge it is written with the word of its level.
"""

import re
from collections.abc import Iterator

from diagnosis.preprocessing.degrees import ITEM_END, Rewrite, is_of_another

_EDGE = r"(?:margin|border|edge|outline|boundar(?:y|ie))s?"
_MADE = r"(?:defined|circumscribed|delineated|demarcated|marginated|outlined|delimited)"
_SHARP = rf"(?:sharp|crisp|clear|distinct|smooth|clear-cut|(?:well|sharply|clearly)[- ]{_MADE})"
_UNSHARP = rf"(?:fuzzy|hazy|blurred|blurry|indistinct|unsharp|vague|obscured|smudged|unclear|(?:ill|poorly)[- ]{_MADE})"
_PART = r"(?:in part|part|in places|partly|partially|partial|half|sometimes)"
_JOINT = r"(?:\s?[,;])?\s(?:(?:and|but)\s)?"
_INTO_THE_LUNG = (
    r"(?<!not )(?<!n't )(?<!n\u2019t )(?<!never )(?<!without )\b"
    r"(?:lost|fad(?:es?|ing)|merg(?:es?|ing)|melt(?:s|ing)?|blend(?:s|ing)?)\s(?:away\s|imperceptibly\s)?"
    r"(?:in|into|with)\s(?:the\s)?(?:(?:surrounding|adjacent|normal)\s)?(?:lung|parenchyma|background)"
)
# About any edge, whatever words stand around it.
_MIXED: tuple[tuple[str, str], ...] = (
    (rf"\b{_PART}\s{_SHARP}{_JOINT}(?:{_PART}\s|elsewhere\s){_UNSHARP}", "moderately defined"),
    (rf"\b{_PART}\s{_UNSHARP}{_JOINT}(?:{_PART}\s|elsewhere\s){_SHARP}", "moderately defined"),
    (rf"\bneither\s{_SHARP}\snor\s{_UNSHARP}", "moderately defined"),
    (rf"\bneither\s{_UNSHARP}\snor\s{_SHARP}", "moderately defined"),
    (r"\bmoderately\s(?:crisp|clear|clean|distinct)\b(?!-)", "moderately defined"),
    (rf"\bpartially\s(?:well[- ])?{_MADE}", "moderately defined"),
    (rf"\bpartly\s(?:well[- ]{_MADE}|circumscribed|delineated|demarcated|marginated)", "moderately defined"),
    (_INTO_THE_LUNG, "ill-defined"),
    (rf"\bnot\s(?:very|particularly|especially|so|too)\s{_SHARP}", "rather ill-defined"),
    (rf"\bnot\s(?:clearly|sharply|crisply)\s{_MADE}", "not well defined"),
)
# Words that speak of an edge only as the answer on one: "margin definition: good".
_ANSWERS: tuple[tuple[str, str], ...] = (
    (r"excellent|very\s(?:good|clear|clean)", "well-defined"),
    (r"(?:fairly|quite|mostly|reasonably|rather|largely|relatively)\s(?:good|clear)|good", "fairly well-defined"),
    (
        r"(?:moderately|passably|partly|partially|somewhat)\s(?:good|clear)|fair|average|so[- ]so|acceptable|mixed",
        "moderately defined",
    ),
    (r"(?:very\s)?(?:poor|low|bad)", "poorly defined"),
    (
        r"(?:somewhat|rather|slightly|fairly|mildly)\s(?:smudged|smudgy|smeared|woolly|diffuse|soft)",
        "rather ill-defined",
    ),
    (r"smudged|smudgy|smeared|woolly|diffuse|imperceptible|soft", "indistinct"),
    (r"not\s(?:sharp|crisp|clear|distinct|clear-cut|clean|discernible|definable|traceable)", "ill-defined"),
    (r"clear", "clear-cut"),
)
_ANSWER = "|".join(f"(?P<a{i}>{pattern})" for i, (pattern, _) in enumerate(_ANSWERS))
_ASKED = re.compile(
    rf"\b{_EDGE}(?:\s(?:definition|sharpness|clarity|delineation|demarcation))?\s{{0,3}}(?:[:=]|\b(?:is|are|was|were|appears?)\b)"
    rf"\s{{0,3}}(?P<answer>{_ANSWER}){ITEM_END}",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    rf"(?<!not )(?<!no )(?<!un)(?<!lungs )(?<!is )(?<!are )(?<![\w-])(?P<answer>{_ANSWER})[ \t]"
    rf"(?={_EDGE}\b(?!\s(?:between|with|definition)|\s{{0,3}}[:=]))",
    re.IGNORECASE,
)
_NOT = re.compile(
    rf"\b{_EDGE}\s(?P<answer>not\s(?:sharp|crisp|clear|distinct|discernible|definable|traceable)){ITEM_END}",
    re.IGNORECASE,
)
_OF_ANY = re.compile("|".join(f"(?P<m{i}>{pattern})\\b" for i, (pattern, _) in enumerate(_MIXED)), re.IGNORECASE)


def learned_edges(source: str) -> Iterator[Rewrite]:
    """The stretches that tell how sharp an edge is, with what they are written as."""
    for match in _OF_ANY.finditer(source):
        yield match.start(), match.end(), next(said for i, (_, said) in enumerate(_MIXED) if match[f"m{i}"] is not None)
    for match in _NOT.finditer(source):
        yield match.start("answer"), match.end("answer"), "ill-defined"
    for pattern in (_ASKED, _BEFORE):
        for match in pattern.finditer(source):
            said = next(said for i, (_, said) in enumerate(_ANSWERS) if match[f"a{i}"] is not None)
            if not is_of_another(source, match.start()):
                yield match.start("answer"), match.end("answer"), said
