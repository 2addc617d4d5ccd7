"""One sentence planted in a text of a clear chest, so that it is known which words tell.

With a lesion the sentence tells of a nodule in a lobe of the lung, without one of a cyst in another organ: same forms,
same places, so that neither that something was said nor where it stands tells anything. All other sentences are those
of a clear chest and are drawn alike in both.
"""

import re

import numpy as np

Span = tuple[int, int]

LESIONS, LOBES = (
    ("nodule", "mass"),
    ("right upper lobe", "right middle lobe", "right lower lobe", "left upper lobe", "left lower lobe"),
)
OTHERS, ORGANS = (
    ("cyst", "lipoma"),
    ("left hepatic lobe", "right hepatic lobe", "upper pole of the left kidney", "right kidney", "spleen"),
)
FORMS = (
    "A {what} is seen in the {where}.",
    "There is a {mm} mm {what} in the {where}.",
    "{mm} mm {what} within the {where}.",
    "The {where} contains a {what} of {mm} mm.",
)


def with_planted(text: str, rng: np.random.Generator, *, has_lesion: bool) -> tuple[str, Span]:
    """The text with one more sentence among its findings, and the characters of that sentence.

    Args:
        text: a note with sections, or a dictation, of a clear chest.
        rng: draws the sentence and its place.
        has_lesion: whether the sentence tells of a lesion of the lung.
    """
    whats, wheres = (LESIONS, LOBES) if has_lesion else (OTHERS, ORGANS)
    sentence = str(rng.choice(FORMS)).format(what=rng.choice(whats), where=rng.choice(wheres), mm=rng.integers(5, 30))
    place = int(rng.choice(_places(text)))
    head, tail = text[:place], text[place:]
    head += "" if not head or head[-1].isspace() else " "
    gap = "" if not tail or tail[0].isspace() else " "
    return f"{head}{sentence}{gap}{tail}", (len(head), len(head) + len(sentence))


def _places(text: str) -> list[int]:
    """Where a sentence of the findings begins or the last one ends."""
    start = text.find("FINDINGS:")
    first = 0 if start < 0 else start + len("FINDINGS:")
    end = text.find("\n", first)
    last = len(text) if end < 0 else end
    stops = [match.end() for match in re.finditer(r"\.(?=\s|$)", text[first:last])]
    return sorted({first, *(first + stop for stop in stops)})
