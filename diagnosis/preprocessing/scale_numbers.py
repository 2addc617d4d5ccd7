"""Numbers of the LIDC scales as the words of their levels: "Spiculation: 4/5", "margin=2", "texture is rated 5 of 5".

The text encoder's reader hears a number with its scale less surely than the word, the more so where several stand in a
list. Only the scales' own names are taken, each with its own highest level; what has another one ("calcification 2/5"),
and a number alone behind a name without a colon, stays as it is.
"""

import re
from collections.abc import Iterator

_AMOUNTS = ("no", "slight", "moderate", "considerable", "marked")
_NAMES = {
    "subtlety": r"(?:subtlety|conspicuity)",
    "structure": r"internal[\s_]?structure",
    "calcification": r"(?<!coronary )(?<!artery )(?<!arterial )(?<!aortic )(?<!valve )(?<!valvular )(?<!vascular )"
    r"(?<!mitral )(?<!annular )(?<!pleural )(?<!plaque )calcifications?",
    "sphericity": "sphericity",
    "margin": r"(?<!surgical )(?<!resection )(?<!costal )margins?(?:\s(?:sharpness|definition|clarity))?",
    "lobulation": "lobulations?",
    "spiculation": "spiculations?",
    "texture": "texture",
}
_LEVELS = {
    "subtlety": ("extremely subtle", "moderately subtle", "fairly subtle", "moderately obvious", "obvious"),
    "structure": ("soft-tissue", "fluid-containing", "fat-containing", "air-containing"),
    "calcification": tuple(
        f"{kind} calcification" for kind in ("popcorn", "laminated", "solid", "non-central", "central", "no")
    ),
    "sphericity": tuple(f"{shape} shape" for shape in ("linear", "elongated", "ovoid", "nearly round", "round")),
    "margin": tuple(
        f"{edge} margin"
        for edge in (
            "poorly defined",
            "rather ill-defined",
            "moderately defined",
            "fairly well-defined",
            "well-defined",
        )
    ),
    "lobulation": tuple(f"{amount} lobulation" for amount in _AMOUNTS),
    "spiculation": tuple(f"{amount} spiculation" for amount in _AMOUNTS),
    "texture": tuple(
        f"{solid} texture" for solid in ("non-solid", "mostly ground glass", "part-solid", "mostly solid", "solid")
    ),
}
_NAME = "|".join(f"(?P<{scale}>{pattern})" for scale, pattern in _NAMES.items())
_RATED = r"(?:(?:rated|scored|graded)\s(?:as\s|at\s|with\s)?)?(?:(?:score|grade|level|rating)\s(?:of\s)?)?"
_ASKED = r'"?\s{0,3}(?:(?P<sign>[:=])|[(-]|\b(?:is|was|of)\b)?\s{0,3}'
_NUMBER = re.compile(
    rf"(?<![\w-])(?:{_NAME}){_ASKED}(?P<rated>{_RATED})(?P<level>[1-6])"
    r"(?:\s{0,2}(?:/|(?:out\s)?of|on\sa\sscale\sof)\s{0,2}(?P<top>[456])\b(?![./]\d)|(?=\s{0,3}(?:[,;|)(}\n]|\.(?!\d)|$)))",
    re.IGNORECASE,
)


def learned_numbers(source: str) -> Iterator[tuple[int, int, str]]:
    """The stretches that hold a scale and its number, with what they are written as."""
    for match in _NUMBER.finditer(source):
        levels = next(_LEVELS[scale] for scale in _NAMES if match[scale] is not None)
        level = int(match["level"])
        is_its_own = match["top"] is not None or match["sign"] is not None or bool(match["rated"])
        if is_its_own and int(match["top"] or len(levels)) == len(levels) and level <= len(levels):
            yield match.start(), match.end(), levels[level - 1]
