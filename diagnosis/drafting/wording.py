"""How the descriptors of a nodule are said in a draft, and how they are read back from what was said.

Each level of each descriptor has one phrase, and each phrase belongs to one level: what a sentence says of a nodule can
be checked word for word against what it rests on.
"""

from collections.abc import Mapping, Sequence

from diagnosis.vocabulary import DESCRIPTOR_BY_NAME

PHRASES: dict[str, tuple[str, ...]] = {
    "texture": ("ground glass", "mostly ground glass", "part-solid", "mostly solid", "solid"),
    "sphericity": ("linear", "ovoid to linear", "ovoid", "ovoid to round", "round"),
    "margin": (
        "a poorly defined margin",
        "a rather poorly defined margin",
        "a moderately defined margin",
        "a rather sharp margin",
        "a sharp margin",
    ),
    "lobulation": (
        "no lobulation",
        "hardly any lobulation",
        "moderate lobulation",
        "considerable lobulation",
        "marked lobulation",
    ),
    "spiculation": (
        "no spiculation",
        "hardly any spiculation",
        "moderate spiculation",
        "considerable spiculation",
        "marked spiculation",
    ),
    "calcification": (
        "popcorn calcification",
        "laminated calcification",
        "solid calcification",
        "non-central calcification",
        "central calcification",
        "no calcification",
    ),
    "internal_structure": ("soft tissue inside", "fluid inside", "fat inside", "air inside"),
    "subtlety": (
        "extremely subtle on CT",
        "moderately subtle on CT",
        "fairly subtle on CT",
        "moderately obvious on CT",
        "obvious on CT",
    ),
}


def phrase(name: str, value: float) -> str:
    """The phrase of the level nearest to a rating."""
    levels = PHRASES[name]
    return levels[min(max(round(value), 1), len(levels)) - 1]


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Parts in one phrase: a; a and b; a, b and c."""
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def describe(ratings: Mapping[str, float]) -> str:
    """All ratings in one sentence, in a fixed order: "a solid round nodule with a sharp margin, no lobulation"."""
    first = [phrase(name, ratings[name]) for name in ("texture", "sphericity") if name in ratings]
    rest = [
        phrase(name, ratings[name]) for name in PHRASES if name in ratings and name not in {"texture", "sphericity"}
    ]
    head = " , ".join(first)
    return f"{head} nodule with {' , '.join(rest)}" if rest else f"{head} nodule"


def levels_said(text: str) -> dict[str, set[int]]:
    """Levels that a text says, by descriptor; the longest phrase wins where one holds another."""
    found: dict[str, set[int]] = {}
    taken = [False] * len(text)
    every = [(p, name, level) for name, levels in PHRASES.items() for level, p in enumerate(levels, start=1)]
    for words, name, level in sorted(every, key=lambda item: -len(item[0])):
        start = text.find(words)
        while start >= 0:
            end = start + len(words)
            stands_alone = not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())
            if stands_alone and not any(taken[start:end]):
                taken[start:end] = [True] * len(words)
                found.setdefault(name, set()).add(level)
            start = text.find(words, start + 1)
    return found


def display(name: str) -> str:
    """A descriptor's name for people."""
    return DESCRIPTOR_BY_NAME[name].display.lower()
