"""Free prose: a nodule described as nobody thought of the scales, for texts that a reader learns from.

`wording` writes by its own templates, and texts that a model is scored with come from there. A text reader that has
met only those learns their sentences by heart: here the same description is told with other words, in other orders, in
shorthand, amid other findings that use the same words of other things, and with slips of the keyboard.
"""

import random
import re
from typing import final

from diagnosis.phantom.free_words import ADJECTIVES, CLAUSES, DEGREES, EDGES, NAMES, NOUNS, SHORTHAND, VALUES, Scale
from diagnosis.phantom.wording import NoduleDescription, spell_number

_PLACES = (
    *("right upper lobe", "left upper lobe", "right middle lobe", "right lower lobe", "left lower lobe", "lingula"),
    *("right apex", "left base", "anterior right upper lobe", "subpleural left lower lobe", "RUL", "LUL", "RML", "RLL"),
)
_THINGS = ("nodule", "nodule", "nodule", "lesion", "pulmonary nodule", "lung nodule", "opacity", "focus", "mass")
_OPENINGS = (
    *("There is {thing} in the {place}{size}", "{thing} in the {place}{size}", "In the {place} there is {thing}{size}"),
    *("The scan shows {thing} in the {place}{size}", "{place}: {thing}{size}", "Seen in the {place} is {thing}{size}"),
    *("The study demonstrates {thing} of the {place}{size}", "{thing}{size}, {place}", "{thing}{size} in the {place}"),
)
_SIZES = (
    *(", {mm}", " measuring {mm}", ", {mm} in size", " of about {mm}", ", max diameter {mm}", " measuring up to {mm}"),
    *(", {mm} in longest dimension", " (approximately {mm})", ", which I measure at {mm}", " sized {mm}"),
)
_SIZE_CLAUSES = ("size is {mm}", "it measures {mm}", "longest diameter {mm}", "{mm} in maximal dimension", "size: {mm}")
_WITH = (
    "with {}",
    "showing {}",
    "it has {}",
    "there is {}",
    "{} noted",
    "{} is present",
    "{} is seen",
    "{}",
    "demonstrates {}",
)
_IS = ("it is {}", "the nodule is {}", "the lesion appears {}", "{}", "it looks {}", "this is {}")
_NEGATED = {"calcification": 6, "lobulation": 1, "spiculation": 1}
_FEATURES = {
    "calcification": ("calcification", "calcifications", "calcium"),
    "lobulation": ("lobulation", "lobulations"),
    "spiculation": ("spiculation", "spiculations", "spicules"),
    "cavitation": ("cavitation", "cavity"),
    "fat": ("fat", "macroscopic fat"),
}
_TOGETHER = ("no {}", "without {}", "there is no {}", "no evidence of {}", "negative for {}", "absence of {}")
_BEFORE = (
    *(
        "Indication: persistent cough.",
        "History: former smoker.",
        "Comparison: none available.",
        "Chest CT without contrast.",
    ),
    *(
        "Technique: thin-section CT.",
        "Clinical question: nodule?",
        "Axial images were obtained from the apices to the adrenals.",
    ),
)
_ELSEWHERE = (
    *(
        "Coronary artery calcification is present.",
        "Calcified hilar lymph nodes.",
        "Heart size is normal.",
        "No effusion.",
    ),
    *(
        "Linear atelectasis at both bases.",
        "Mild emphysema.",
        "A {mm} lymph node in the mediastinum.",
        "Smooth pleural surfaces.",
    ),
    *(
        "A hypodense liver lesion of {mm}, probably a cyst.",
        "Sharp costophrenic angles.",
        "No adenopathy.",
        "Aorta calcified.",
    ),
    *(
        "Round density in the kidney, likely a cyst.",
        "Dependent ground-glass changes at the bases.",
        "No pneumothorax.",
    ),
    *(
        "Degenerative changes of the spine.",
        "Thyroid unremarkable.",
        "No further nodules.",
        "Airways patent.",
        "Bones intact.",
    ),
)
_AFTER = (
    "Impression: as above.",
    "Recommend correlation with priors.",
    "Impression: lung nodule.",
    "See above.",
    "Thank you.",
)
_STARTS = ("okay", "so", "right", "now", "next", "looking at the lungs", "in the lungs", "well", "for this one")


@final
class _Teller:
    """One telling: what is described, and the randomness."""

    def __init__(self, description: NoduleDescription, rng: random.Random, *, spoken: bool) -> None:
        self.description, self.rng, self.spoken = description, rng, spoken
        self.edges, self.edge = rng.choice(EDGES)

    def say(self, table: dict[str, Scale], name: str, level: int) -> str:
        """One of the ways that a table has for a level, its degrees filled in."""
        phrase = self.rng.choice(table[name][level - 1])
        filled = re.sub(r"\{(\w+)\}", self._degree, phrase)
        return re.sub(r"\ba (?=[aeio])", "an ", filled)

    def _degree(self, match: re.Match[str]) -> str:
        if match[1] in ("edges", "edge"):
            return self.edges if match[1] == "edges" else self.edge
        return self.rng.choice(DEGREES[match[1]])

    def size(self, mm: float | None = None) -> str:
        """A length as it is written or spoken."""
        exact = self.description.diameter_mm if mm is None else mm
        assert exact is not None
        shown = round(exact) if exact >= 4 and self.rng.random() < 0.5 else round(exact, 1)
        if self.spoken and self.rng.random() < 0.6:
            if self.rng.random() < 0.4:
                return f"{spell_number(round(exact) / 10)} centimeters"
            return f"{spell_number(shown)} {self.rng.choice(('millimeters', 'millimeter', 'mm'))}"
        if self.rng.random() < 0.4:
            return f"{exact / 10:.1f}{self.rng.choice((' cm', 'cm', ' centimeters', '-cm'))}"
        across = f" x {exact * self.rng.uniform(0.6, 1.0):.0f}" if self.rng.random() < 0.15 else ""
        return f"{shown:g}{across}{self.rng.choice((' mm', 'mm', ' millimeters', '-mm', ' mm'))}"

    def statement(self, name: str, level: int) -> str:
        """A phrase or clause on one descriptor."""
        kind = self.rng.choice(("noun", "noun", "adjective", "adjective", "clause", "scale"))
        if kind == "noun":
            return self.rng.choice(_WITH).format(self.say(NOUNS, name, level))
        if kind == "adjective":
            return self.rng.choice(_IS).format(self.say(ADJECTIVES, name, level))
        if kind == "clause":
            return self.say(CLAUSES, name, level)
        form = self.rng.choice(("{n} {v}", "{n} is {v}", "the {n} is {v}", "{n}: {v}", "{n} - {v}"))
        return form.format(n=self.rng.choice(NAMES[name]), v=self.say(VALUES, name, level))

    def statements(self, levels: list[tuple[str, int]]) -> list[str]:
        """A statement on each descriptor; what is absent may be told in one breath."""
        absent = [name for name, level in levels if _NEGATED.get(name) == level]
        found = [self.statement(*pair) for pair in levels]
        if len(absent) >= 2 and self.rng.random() < 0.35:
            found = [self.statement(*pair) for pair in levels if pair[0] not in absent]
            extra = self.rng.choice(([], [], ["fat"])) if self.description.internal_structure == 1 else []
            words = [self.rng.choice(_FEATURES[name]) for name in (*absent, *extra)]
            self.rng.shuffle(words)
            joined = ", ".join(words[:-1]) + self.rng.choice((" or ", " and ", ", ")) + words[-1]
            found.insert(self.rng.randint(0, len(found)), self.rng.choice(_TOGETHER).format(joined))
        return found

    def prose(self) -> list[str]:
        """An opening with up to three adjectives, then the rest in sentences of one to four statements."""
        levels = list(self.description.levels.items())
        self.rng.shuffle(levels)
        n_first = self.rng.choice((0, 1, 1, 2, 3))
        rng = self.rng
        thing = rng.choice(_THINGS)
        adjectives = [self.say(ADJECTIVES, *pair) for pair in levels[:n_first]]
        sized = self.description.diameter_mm is not None
        before = sized and rng.random() < 0.3
        words = [*([self.size()] if before else []), *adjectives]
        article = "" if rng.random() < 0.25 else "a "
        told = re.sub(
            r"\ba (?=[aeio])", "an ", f"{article}{rng.choice((', ', ' ')).join(words)} {thing}".replace("  ", " ")
        )
        size = rng.choice(_SIZES).format(mm=self.size()) if sized and not before and rng.random() < 0.7 else ""
        opening = rng.choice(_OPENINGS).format(thing=told, place=rng.choice(_PLACES), size=size)
        rest = self.statements(levels[n_first:])
        if sized and not before and not size:
            rest.insert(rng.randint(0, len(rest)), rng.choice(_SIZE_CLAUSES).format(mm=self.size()))
        return [opening, *self._sentences(rest)]

    def _sentences(self, statements: list[str]) -> list[str]:
        sentences, start = [], 0
        while start < len(statements):
            n = self.rng.choice((1, 1, 2, 2, 3, 4))
            joint = self.rng.choice((", ", " and ", ", ", "; ", ", and "))
            sentences.append(joint.join(statements[start : start + n]))
            start += n
        return sentences

    def shorthand(self) -> list[str]:
        """Bare words in any order, in one line."""
        tables = self.rng.choice(((SHORTHAND,), (SHORTHAND, ADJECTIVES), (SHORTHAND, NOUNS, ADJECTIVES)))
        parts = [self.say(self.rng.choice(tables), *pair) for pair in self.description.levels.items()]
        self.rng.shuffle(parts)
        if self.description.diameter_mm is not None:
            parts.insert(self.rng.choice((0, 0, len(parts))), self.size())
        head = self.rng.choice((f"{self.rng.choice(_PLACES)} {self.rng.choice(('nod', 'nodule', ''))}", "nodule", ""))
        return [self.rng.choice((", ", "; ", ". ", " / ", " ")).join(part for part in [head.strip(), *parts] if part)]

    def form(self) -> list[str]:
        """A name and a value for each descriptor."""
        colon = self.rng.choice((": ", " - ", " = ", " ", ":", " is "))
        parts = [
            f"{self.rng.choice(NAMES[name])}{colon}{self.say(VALUES, name, level)}"
            for name, level in self.description.levels.items()
        ]
        self.rng.shuffle(parts)
        if self.description.diameter_mm is not None:
            name = self.rng.choice(("size", "diameter", "dimension", "longest axis", "measurement"))
            parts.insert(self.rng.randint(0, len(parts)), f"{name}{colon}{self.size()}")
        head = self.rng.choice(("Nodule", "Lung nodule", "Lesion 1", "Nodule assessment", ""))
        return [f"{head}: " * bool(head) + self.rng.choice((", ", "; ", ". ", "\n", " | ")).join(parts)]

    def other(self, sentences: tuple[str, ...]) -> str:
        """A sentence on something else; lengths in it are not the nodule's."""
        return self.rng.choice(sentences).format(mm=self.size(self.rng.uniform(4, 25)))


def _finished(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith((".", "?", ":")) else ".")


def write_free_note(description: NoduleDescription, rng: random.Random) -> str:
    """The description as somebody might write it, short or amid a report, sometimes with slips of the keyboard."""
    teller = _Teller(description, rng, spoken=False)
    kind = rng.choice((teller.prose, teller.prose, teller.prose, teller.shorthand, teller.form))
    lines = [_finished(line) for line in kind()]
    if rng.random() < 0.45:
        before = [teller.other(_BEFORE) for _ in range(rng.choice((0, 1, 1, 2)))]
        before += [teller.other(_ELSEWHERE) for _ in range(rng.choice((0, 0, 1, 2)))]
        after = [teller.other(_ELSEWHERE) for _ in range(rng.choice((0, 1, 2, 4)))]
        lines = [*before, *lines, *after, *([rng.choice(_AFTER)] if rng.random() < 0.4 else [])]
    text = rng.choice((" ", " ", "\n")).join(lines)
    if rng.random() < 0.15:
        text = text.lower()
    return _with_slips(text, rng) if rng.random() < 0.25 else text


def write_free_dictation(description: NoduleDescription, rng: random.Random) -> str:
    """The description as somebody might say it: prose, no shorthand, sometimes a start and a remark on the rest."""
    teller = _Teller(description, rng, spoken=True)
    lines = [_finished(line) for line in rng.choice((teller.prose, teller.prose, teller.prose, teller.form))()]
    if rng.random() < 0.3:
        lines[0] = f"{rng.choice(_STARTS)}, {lines[0]}"
    if rng.random() < 0.3:
        lines.append(teller.other(_ELSEWHERE))
    return " ".join(lines)


def _with_slips(text: str, rng: random.Random) -> str:
    """One to three letters swapped, doubled or lost."""
    for _ in range(rng.randint(1, 3)):
        places = [i for i in range(1, len(text) - 1) if text[i].isalpha() and text[i + 1].isalpha()]
        if not places:
            return text
        i = rng.choice(places)
        slip = rng.choice((text[i + 1] + text[i], text[i + 1], text[i] * 2 + text[i + 1]))
        text = text[:i] + slip + text[i + 2 :]
    return text
