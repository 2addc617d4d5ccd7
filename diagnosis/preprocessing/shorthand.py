"""Shorthand and everyday words of reports, written as the text encoder's reader has learned them.

"GGN", "no Ca++", "spic +++", "well circ", "w/o" are written in full; a scale and its word in a list ("Lobulation:
none", "Calcium: nil") become a phrase ("no lobulation"); "solid, no ground glass" and "Density: soft tissue" become
"solid"; "Spiculation: present" and "there is spiculation" become "some spiculation", which is not heard as "no
spiculation"; "very spiculated" and "not calcified" become "markedly spiculated" and "non-calcified". Only what has one
meaning where it stands: the name of a scale before its number ("spic: 4/5") stays.
"""

import re
from collections.abc import Iterator

_NOT_A_SCALE = r"(?!\.?\s*(?:[:=\d]|-\s|score|grade|is\b))"
_PLUS = {"+++": "marked", "++": "considerable", "+": "some", "+/-": "questionable", "±": "questionable"}
_GRADED = re.compile(
    r"(?<![\w-])(?P<name>spic(?:ulation)?|lob(?:ulation)?)\s?\(?(?P<plus>\+{1,3}(?!\w|/)|\+/-|±)\)?", re.IGNORECASE
)
_DEGREES = {"nearly none": "nearly no", "mild": "slight"}
_NOTHING = r"none(?: seen)?|absent|nil(?: seen)?|negative|not (?:seen|present)|zero|no(?=\s{0,3}(?:[.,;|/)\n]|$))"
# Spaces are counted: of a text with thousands of them, each would be tried with each.
_LISTED = re.compile(
    r"(?<!no )(?<!without )\b(?:(?P<name>spiculation|lobulation)s?\s{0,3}(?:[:=-]|\bis\b)?\s{0,3}"
    rf"(?P<degree>nearly none|{_NOTHING}|minimal|mild|slight|medium|moderate|near marked|marked|severe|prominent)"
    rf"|(?:calcification|calcium|calc|Ca(?=\s?[:=]|\s(?:none|nil)))s?\s{{0,3}}(?:[:=-]|\bis\b)?\s{{0,3}}(?P<nothing>{_NOTHING})"
    r"|calcifications?\s{0,3}(?:[:=-]|\bis\b)?\s{0,3}(?P<kind>popcorn|laminated|solid|non-central|central))"
    r"\b(?![ \t]{0,3}-?[ \t]{0,3}(?:spic|lob|calc|nodul|lesion|attenuat|consist|textur|component|part|/|,?\s*\d))",
    re.IGNORECASE,
)
# "Ground glass" is heard whatever stands before it: of a nodule called solid, its absence says nothing more.
_NO_GROUND_GLASS = (
    r"(?:no|without(?: any)?)\s(?:pure\s)?(?:ground[- ]?glass|GGO?)\b"
    r"(?:\s(?:component|part|portion|element|halo|rim|attenuation|density))?s?"
)
# Where a density is asked for, or all of the nodule is meant, soft tissue is what a solid nodule looks like; elsewhere
# it is what the reader has learned to be said of the inside.
_SOFT_TISSUE = r"(?:of\s)?(?:homogeneous\s|uniform\s)?soft[- ]tissue"
_END = r"(?=\s{0,3}(?:[.,;|\n]|$))"
_FULL: tuple[tuple[str, str], ...] = (
    (rf"(?<=\bdensity:\s){_SOFT_TISSUE}(?:\s(?:attenuation|density))?(?:\sthroughout)?{_END}", "solid"),
    (rf"(?<=\battenuation:\s){_SOFT_TISSUE}(?:\s(?:attenuation|density))?(?:\sthroughout)?{_END}", "solid"),
    (rf"\b{_SOFT_TISSUE}\s(?:attenuation|density)\sthroughout\b", "solid"),
    (r"\bcalci(?:fication|um)s?\s?[:=]\s?(?:present|yes)\b", "calcified"),
    (r"\bcalci(?:fication|um)s?\s?[:=]\s?(?:no|without)\s(?:any\s)?calci(?:fication|um)s?\b", "no calcification"),
    (
        r"(?<!no )(?<!without )\bbenign(?:[- ]appearing|[- ]type|\spattern(?:\sof)?)?\scalcifications?\b",
        "dense calcification",
    ),
    (rf"\bsolid(?: throughout)?(?:[,;]|\swith|\sand)?\s(?:{_NO_GROUND_GLASS}|\({_NO_GROUND_GLASS}\))", "solid"),
    (r"\bsolid(?: throughout)?[,;]\sground[- ]?glass\s(?:is\s)?(?:absent|nil|none)\b", "solid"),
    (r"\bno\sground[- ]?glass\s(?:component|part|portion|element|halo|rim)s?", "solid"),
    (r"\bnil(?=\s(?:calc|spic|lobul))", "no"),
    (r"\bcalc(?:ification)?s?\s?\(-\)", "no calcification"),
    (r"\bspic(?:ulation|ule)?s?\s?\(-\)", "no spiculation"),
    (r"\blob(?:ulation)?s?\s?\(-\)", "no lobulation"),
    (r"\bGGNs?\b", "ground-glass nodule"),
    (r"\bPSNs?\b", "part-solid nodule"),
    (r"\bCa\s?(?:\+\+|2\+)", "calcification"),
    (r"\bw/o\b", "without"),
    (r"\bw/(?=\s)", "with"),
    (r"\bnon[- ]?calc\b", "non-calcified"),
    (r"\bnot calcified\b", "non-calcified"),
    (r"\bnon[- ]?spic\b", "non-spiculated"),
    (r"\bwell[- ]circ\b\.?", "well-circumscribed"),
    (r"\bvery well[- ]defined\b", "well-defined"),
    (r"\bwell[- ]def\b\.?", "well-defined"),
    (r"\bill[- ]def\b\.?", "ill-defined"),
    (r"\bsmooth(?=\s(?:margin|border|edge)s\b(?!\swithout))", "smooth, clear-cut"),
    (r"\b(?:very|highly|extremely|severely)(?=\s(?:spicul|lobul))", "markedly"),
    (r"\b(?:definitely|clearly)(?=\sspiculated)", "considerably"),
    (r"\bmod\.?(?=\s(?:spic|lob|conspic|subtle|well))", "moderate"),
    (r"\bmin\.?(?=\s(?:spic|lob))", "minimal"),
    (rf"(?<![\w-])spics?\b{_NOT_A_SCALE}", "spiculation"),
    (rf"(?<![\w-])lob\b{_NOT_A_SCALE}", "lobulation"),
    (rf"(?<![\w-])calcs?\b{_NOT_A_SCALE}", "calcification"),
    (r"\bspikes\b", "spicules"),
)
# The bare name of a feature is heard as in "no spiculation": where it is said to be there, it is written so. Where its
# clause denies it or asks for it ("none has spiculation", "whether there is lobulation"), it stays.
_BARE = re.compile(
    r"\b(?:there\s(?:is|are)|with|has|have|shows?|showing|demonstrates?|exhibits?)\s"
    r"(?P<first>spiculation|lobulation)s?(?:\sand\s(?P<second>spiculation|lobulation)s?)?(?=\s{0,3}(?:[.,;\n]|$))"
    r"(?!\s{0,3}[.,;]?\s{0,3}(?:\d|grade|level|perhaps|rated|score|slight))",
    re.IGNORECASE,
)
_NOT_STATED = re.compile(
    r"\b(?:no|not|none|nor|neither|never|without|cannot|lacks?|free|absent|absence|denies|denied|if|whether)\b|n['\u2019]t\b",
    re.IGNORECASE,
)
_CLAUSE_ENDS = ".;\n"
_LOOK_BACK = 200
"""Characters of a clause that are looked through, so that a text without full stops takes no longer than others."""
_ANSWERED = re.compile(r"\b(?P<name>spicul|lobul)(?:ations?|ated)\s{0,3}[:=]\s{0,3}(?:yes|present)\b", re.IGNORECASE)
_IS_NOTHING = re.compile(_NOTHING)
_ONE_OF = re.compile("|".join(f"(?P<form{i}>{pattern})" for i, (pattern, _) in enumerate(_FULL)), re.IGNORECASE)


def written_in_full(source: str) -> Iterator[tuple[int, int, str]]:
    """The stretches of a text that are shorthand: start, end, and what they stand for."""
    for match in _GRADED.finditer(source):
        feature = "spiculation" if match["name"].lower().startswith("spic") else "lobulation"
        yield match.start(), match.end(), f"{_PLUS[match['plus']]} {feature}"
    for match in _LISTED.finditer(source):
        degree = (match["degree"] or match["kind"] or match["nothing"]).lower()
        name = (match["name"] or "calcification").lower()
        said = "no" if _IS_NOTHING.fullmatch(degree) else _DEGREES.get(degree, degree)
        yield match.start(), match.end(), f"{said} {name}"
    for match in _BARE.finditer(source):
        begin = max(0, match.start() - _LOOK_BACK)
        clause = max(begin - 1, *(source.rfind(sign, begin, match.start()) for sign in _CLAUSE_ENDS)) + 1
        if _NOT_STATED.search(source, clause, match.start()):
            continue
        for group in ("first", "second"):
            if match[group]:
                yield match.start(group), match.end(group), f"some {match[group].lower()}"
    for match in _ANSWERED.finditer(source):
        yield match.start(), match.end(), f"some {match['name'].lower()}ation"
    for match in _ONE_OF.finditer(source):
        form = next(i for i in range(len(_FULL)) if match[f"form{i}"] is not None)
        yield match.start(), match.end(), _FULL[form][1]
