"""Plain words of daily reports in place of the graded phrases of a reading form.

`wording` grades every descriptor ("marked spiculation"); a report rather says "stellate". Texts that a reader learns
from are reworded at random; texts that a model is scored with are not, so that a score does not hang on this list.
"""

import random
import re

PLAIN_WORDS = {
    "markedly spiculated": "spiculated|stellate|star-shaped|heavily spiculated|spiculated, with a corona radiata",
    "prominently spiculated": "spiculated|stellate|irregular and spiculated",
    "strongly spiculated": "spiculated|densely spiculated",
    "considerably spiculated": "spiculated|clearly spiculated",
    "marked spiculation": "spiculated margins|a corona radiata|radiating spicules|jagged edges with spicules",
    "prominent spiculation": "spiculated margins|a stellate outline|spicules|strands radiating into the lung",
    "considerable spiculation": "spiculated margins|several spicules",
    "moderately spiculated": "somewhat spiculated|partly spiculated",
    "non-spiculated": "smooth, without spicules|not spiculated",
    "no spiculation": "no spicules|no radiating spicules|smooth edges without spicules",
    "markedly lobulated": "multilobulated|deeply lobulated|lobulated in several places",
    "prominently lobulated": "multilobulated|lobulated",
    "considerably lobulated": "lobulated|clearly lobulated",
    "marked lobulation": "multiple lobes|a multilobulated contour|scalloped borders|a bosselated outline",
    "prominent lobulation": "deep lobulations|a lobulated outline",
    "non-lobulated": "not lobulated|of even contour",
    "no lobulation": "no lobulations|no lobes|an even, unlobulated contour",
    "poorly defined margins": "ill-defined borders|fuzzy margins|blurry edges|margins that fade into the lung",
    "ill-defined margins": "hazy borders|indistinct edges|unsharp margins",
    "sharp margins": "well-circumscribed borders|crisp margins|clearly delineated edges|smooth, sharp borders",
    "well-defined margins": "well-circumscribed margins|clear-cut borders|well-marginated edges",
    "well-defined": "well-circumscribed|well-marginated|clearly outlined",
    "ground glass": "GGO|ground-glass|hazy, non-solid",
    "part-solid": "subsolid with a solid core|semi-solid",
}
"""Graded phrase to what is said in its place; every one is a phrase of `phrases`."""
_GRADED = re.compile(r"(?<![\w-])(?:" + "|".join(sorted(map(re.escape, PLAIN_WORDS), key=len, reverse=True)) + r")\b")


def reword(text: str, rng: random.Random, share: float) -> str:
    """Replace about `share` of the graded phrases of a text by plain words."""

    def plain(match: re.Match[str]) -> str:
        return rng.choice(PLAIN_WORDS[match[0]].split("|")) if rng.random() < share else match[0]

    return _GRADED.sub(plain, text)
