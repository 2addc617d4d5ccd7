"""Shorthand and everyday words of reports, written as the text encoder's reader has learned them.

"GGN", "no Ca++", "spic +++", "well circ", "w/o" are written in full; a scale and its word in a list ("Lobulation:
none", "Calcium: nil") become a phrase ("no lobulation"); "solid, no ground glass" and "Density: soft tissue" become
"solid", and so does "solid throughout", which is heard as calcified throughout; "Spiculation: present" and "there is
spiculation" become "moderate spiculation", since the bare name is heard as its absence; "not calcified" becomes
"non-calcified", a calcified nodule a densely calcified one. Words of degree (`degrees`), of edges (`edges`) and others
(`synonyms`) that the reader has not learned are written with those that it has. Only what has one meaning where it
stands: the short name of a scale before its number ("spic: 4/5") stays.
"""

import re
from collections.abc import Iterator

from diagnosis.preprocessing.degrees import ITEM_END, is_denied, learned_degrees
from diagnosis.preprocessing.edges import learned_edges
from diagnosis.preprocessing.scale_numbers import learned_numbers
from diagnosis.preprocessing.synonyms import learned_words

_NOT_A_SCALE = r"(?!\.?\s*(?:[:=\d]|-\s|score|grade|is\b))"
_PLUS = {"+++": "marked", "++": "considerable", "+": "some", "+/-": "questionable", "±": "questionable"}
_GRADED = re.compile(
    r"(?<![\w-])(?P<name>spic(?:ulation|ulated)?|lob(?:ulation|ulated)?)\s?[:=]?\s?\(?(?P<plus>\+{1,3}(?!\w|/)|\+/-|±)\)?",
    re.IGNORECASE,
)
_DEGREES = {"nearly none": "nearly no", "mild": "slight"}
_NOTHING = (
    r"none(?: seen)?|nope|absent|lacking|nil(?: seen)?|negative|zero|no(?=\s{0,3}(?:[.,;|/)\n]|$))"
    r"|not (?:seen|present|evident|apparent|appreciated|identified|demonstrated|visible|noted|found|detected|observed"
    r"|an? (?:\w+ )?feature)"
)
# Spaces are counted: of a text with thousands of them, each would be tried with each. A line's end is none of them.
_IS = r"(?:\s{0,3}(?:[:=-]|\b(?:is|are|was|were)\b)\s{0,3}|[ \t]{0,3})"
_CALCIUM = r"(?:calcification|calcium|calc|Ca(?=\s?[:=]|\s(?:none|nil)))s?"
_KINDS = (
    "popcorn|laminated|concentric|solid|complete|dense|diffuse|uniform|homogeneous|non-central|eccentric|peripheral"
    "|central"
)
_LISTED = re.compile(
    rf"(?<!no )(?<!without )\b(?:(?P<name>spiculation|lobulation)s?{_IS}"
    rf"(?P<degree>nearly none|{_NOTHING}|minimal|mild|slight|medium|moderate|near marked|marked|severe|prominent)"
    rf"|{_CALCIUM}{_IS}(?P<nothing>{_NOTHING})"
    rf"|calcifications?(?:\spattern)?{_IS}(?:(?:present|yes)\s{{0,3}}[,;(-]\s{{0,3}})?(?P<kind>{_KINDS}){ITEM_END})"
    r"\b(?![ \t]{0,3}-?[ \t]{0,3}(?:like|spic|lob|calc|nodul|lesion|attenuat|consist|textur|component|part|/|,?\s*\d))",
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
_NOT_OF_VESSELS = (
    r"(?<!coronary )(?<!artery )(?<!arterial )(?<!aortic )(?<!vascular )(?<!valve )(?<!valvular )(?<!pleural )"
)
_FULL: tuple[tuple[str, str], ...] = (
    (rf"(?<=\bdensity:\s){_SOFT_TISSUE}(?:\s(?:attenuation|density))?(?:\sthroughout)?{_END}", "solid"),
    (rf"(?<=\battenuation:\s){_SOFT_TISSUE}(?:\s(?:attenuation|density))?(?:\sthroughout)?{_END}", "solid"),
    (rf"\b{_SOFT_TISSUE}\s(?:attenuation|density)\sthroughout\b", "solid"),
    (
        rf"{_NOT_OF_VESSELS}\bcalci(?:fication|um)s?\s?[:=]\s?(?:present|yes)\b",
        "dense calcification",
    ),
    (r"\bcalcified\s?[:=]\s?yes\b", "densely calcified"),
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
    (r"\bpGG[NO]s?\b", "pure ground-glass nodule"),
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
_ANSWERED = re.compile(r"\b(?P<name>spicul|lobul)(?:ations?|ated)\s{0,3}[:=-]\s{0,3}(?:yes|present)\b", re.IGNORECASE)
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
    yield from _bare(source)
    for match in _ANSWERED.finditer(source):
        yield match.start(), match.end(), f"moderate {match['name'].lower()}ation"
    yield from learned_degrees(source)
    yield from learned_edges(source)
    yield from learned_numbers(source)
    yield from learned_words(source)
    for match in _ONE_OF.finditer(source):
        form = next(i for i in range(len(_FULL)) if match[f"form{i}"] is not None)
        yield match.start(), match.end(), _FULL[form][1]


def _bare(source: str) -> Iterator[tuple[int, int, str]]:
    for match in _BARE.finditer(source):
        if is_denied(source, match.start()):
            continue
        for group in ("first", "second"):
            if match[group]:
                yield match.start(group), match.end(group), f"moderate {match[group].lower()}"
