"""A lung nodule put into words: the written note and the dictation of a synthetic patient.

A `NoduleDescription` holds what one reader said on the eight LIDC scales and the diameter, never a malignancy
rating. `write_note` and `write_dictation` say it in one of very many ways, all randomness coming from the `rng`
that the caller passes. Every wording belongs to one of two disjoint families, "train" and "held_out", so that
a text reader can be judged on phrases that it has never seen; "all" draws from both.
"""

import random
import re
from dataclasses import dataclass, fields
from typing import final

from diagnosis.phantom import phrases
from diagnosis.phantom.phrases import Family, Phrases
from diagnosis.spoken_numbers import NUMBER_WORDS, TENS_WORDS

LEVELS = {
    "subtlety": 5,
    "internal_structure": 4,
    "calcification": 6,
    "sphericity": 5,
    "margin": 5,
    "lobulation": 5,
    "spiculation": 5,
    "texture": 5,
}
"""The eight LIDC descriptors, in the order of the data set, and the highest level of each (the lowest is 1)."""


@final
@dataclass(frozen=True)
class NoduleDescription:
    """What one reader said of a nodule; None where the reader did not mention it.

    Attributes:
        subtlety: 1 extremely subtle to 5 obvious.
        internal_structure: 1 soft tissue, 2 fluid, 3 fat, 4 air.
        calcification: 1 popcorn, 2 laminated, 3 solid, 4 non-central, 5 central, 6 absent.
        sphericity: 1 linear, 3 ovoid, 5 round.
        margin: 1 poorly defined to 5 sharp.
        lobulation: 1 none to 5 marked.
        spiculation: 1 none to 5 marked.
        texture: 1 ground glass, 3 part-solid, 5 solid.
        diameter_mm: Largest diameter in the plane of the slice.
    """

    subtlety: int | None = None
    internal_structure: int | None = None
    calcification: int | None = None
    sphericity: int | None = None
    margin: int | None = None
    lobulation: int | None = None
    spiculation: int | None = None
    texture: int | None = None
    diameter_mm: float | None = None

    def __post_init__(self) -> None:
        for name, highest in LEVELS.items():
            level = getattr(self, name)
            if level is not None and level not in range(1, highest + 1):
                msg = f"{name} is a level from 1 to {highest}, got {level!r}"
                raise ValueError(msg)
        if self.diameter_mm is not None and not 0.0 < self.diameter_mm <= 200.0:
            msg = f"diameter_mm must be above 0 and at most 200 mm, got {self.diameter_mm!r}"
            raise ValueError(msg)

    @property
    def levels(self) -> dict[str, int]:
        """The descriptors that were mentioned."""
        named = {field.name: getattr(self, field.name) for field in fields(self) if field.name in LEVELS}
        return {name: level for name, level in named.items() if level is not None}


_ABSENT = {"lobulation": 1, "spiculation": 1, "calcification": 6}
_SHORT_NAMES = dict(zip(LEVELS, ["subt", "struct", "calc", "spher", "marg", "lob", "spic", "tex"], strict=True))


def spell_number(value: float, hyphen: str = "-") -> str:
    """Spell a number below 1000 as it is spoken, with at most one decimal: 'twenty-two point five'."""
    whole, decimal = divmod(round(value * 10), 10)
    hundreds, rest = divmod(whole, 100)
    words = [NUMBER_WORDS[hundreds], "hundred"] if hundreds else []
    if rest >= 20:
        words.append(TENS_WORDS[rest // 10 - 2] + (hyphen + NUMBER_WORDS[rest % 10] if rest % 10 else ""))
    elif rest or not hundreds:
        words.append(NUMBER_WORDS[rest])
    return " ".join([*words, "point", NUMBER_WORDS[decimal]] if decimal else words)


@final
class _Writer:
    """One act of writing: what is described, the family of phrases and the randomness."""

    def __init__(self, description: NoduleDescription, rng: random.Random, family: Family, *, spoken: bool) -> None:
        self.description, self.rng, self.family, self.spoken = description, rng, family, spoken

    def pick(self, choices: Phrases) -> str:
        return self.rng.choice(choices.of(self.family))

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def score(self, name: str, level: int) -> str:
        """The level as a number of its scale: '4/5'."""
        form = self.pick(phrases.SPOKEN_SCORES if self.spoken else phrases.SCORES)
        return form.format(level=level, top=LEVELS[name])

    def noun(self, name: str, level: int) -> str:
        if self.chance(0.06):
            return f"{self.pick(phrases.NAMES[name])} {self.score(name, level)}"
        return self.pick(phrases.NOUNS[name][level - 1])

    def adjective(self, name: str, level: int) -> str:
        return self.pick(phrases.ADJECTIVES[name][level - 1])

    def value(self, name: str, level: int) -> str:
        """The word of the scale itself; an adjective in the held-out family."""
        if self.family == "train" or (self.family == "all" and self.chance(0.5)):
            return phrases.VALUES[name].split("|")[level - 1]
        return self.adjective(name, level)

    def shuffled(self) -> list[tuple[str, int]]:
        levels = list(self.description.levels.items())
        self.rng.shuffle(levels)
        return levels

    def size(self) -> str:
        """The diameter in one of the ways that people write or say it; '' where it is not known."""
        exact_mm = self.description.diameter_mm
        if exact_mm is None:
            return ""
        shown_mm = round(exact_mm) if exact_mm >= 5.0 and self.chance(0.4) else round(exact_mm, 1)
        if self.chance(0.6 if self.spoken else 0.1):
            number = spell_number(shown_mm, self.rng.choice("- "))
            return f"{number} {self.rng.choice(('millimeters', 'millimetres'))}"
        in_cm = exact_mm >= 8.0 and self.chance(0.3)
        number = f"{exact_mm / 10:.1f}" if in_cm else f"{shown_mm:g}"
        if not self.spoken and self.chance(0.25):
            shorter = exact_mm * self.rng.uniform(0.6, 1.0)
            number += f" {self.rng.choice('x×')} " + (f"{shorter / 10:.1f}" if in_cm else f"{shorter:.0f}")
        long_unit = "centimeters" if in_cm else self.rng.choice(("millimeters", "millimetres"))
        unit = long_unit if self.spoken or self.chance(0.2) else "cm" if in_cm else "mm"
        return number + ("" if len(unit) == 2 and self.chance(0.2) else " ") + unit

    def sentence(self, name: str, level: int) -> str:
        if self.chance(0.2):
            word = self.value(name, level)
            return self.pick(phrases.STATEMENTS).format(name=self.pick(phrases.NAMES[name]), value=word)
        frame = self.pick(phrases.HEDGED if self.chance(0.08) else phrases.SENTENCES)
        return frame.format(noun=self.noun(name, level), adjective=self.adjective(name, level))

    def sentences_of(self, levels: list[tuple[str, int]]) -> list[str]:
        """A sentence for each descriptor; absent features may share one."""
        absent = [name for name, level in levels if _ABSENT.get(name) == level]
        if len(absent) < 2 or not self.chance(0.3):
            return [self.sentence(name, level) for name, level in levels]
        features = ", ".join(absent[:-1]) + " or " + absent[-1]
        together = self.pick(phrases.ABSENCES).format(features=features)
        rest = [self.sentence(name, level) for name, level in levels if name not in absent]
        rest.insert(self.rng.randint(0, len(rest)), together)
        return rest

    def opening(self, levels: list[tuple[str, int]], place: str, *, sized: bool) -> str:
        """'A 12 mm solid nodule in the lingula', with the descriptors in `levels` as adjectives."""
        adjectives, size = [self.adjective(name, level) for name, level in levels], ""
        if sized and self.description.diameter_mm is not None:
            if self.chance(0.5):
                adjectives.insert(0, self.size())
            else:
                size = self.pick(phrases.SIZES).format(mm=self.size())
                size = size if size[0] == "," else " " + size
        joined = self.rng.choice((", ", " ")).join(adjectives)
        text = self.pick(phrases.OPENINGS).format(adjectives=joined, place=place, size=size)
        return re.sub(r"\ba (?=[aeiou])", "an ", re.sub(r" {2,}", " ", text).strip())

    def with_list(self, levels: list[tuple[str, int]]) -> str:
        nouns = [self.noun(name, level) for name, level in levels]
        if self.chance(0.3):
            nouns = [re.sub("^no ", "without ", noun) for noun in nouns]
        joined = " and ".join([", ".join(nouns[:-1]), nouns[-1]] if len(nouns) > 1 else nouns)
        return joined if joined.startswith("without") else "with " + joined

    def prose(self, place: str) -> list[str]:
        """An opening with some adjectives, perhaps a list after 'with', then sentences for the rest."""
        levels = self.shuffled()
        first, second = self.rng.randint(0, 3), self.rng.randint(0, 4)
        described, listed, rest = levels[:first], levels[first : first + second], levels[first + second :]
        opening = self.opening(described, place, sized=True) + (" " + self.with_list(listed) if listed else "")
        sentences = self.sentences_of(rest)
        while len(sentences) > 1 and self.chance(0.35):
            sentences[-2:] = [self.rng.choice((" and ", ", ", "; ")).join(sentences[-2:])]
        return [opening, *sentences]

    def sentences(self, place: str) -> list[str]:
        """A sentence for each descriptor and one for the size, in any order."""
        parts = self.sentences_of(self.shuffled())
        if self.description.diameter_mm is not None:
            sentence = self.pick(phrases.SIZE_SENTENCES).format(mm=self.size())
            parts.insert(self.rng.randint(0, len(parts)), sentence)
        return [self.opening([], place, sized=False), *parts]

    def telegraphic(self, place: str) -> list[str]:
        """Bare nouns and adjectives in any order."""
        parts = [self.rng.choice((self.noun, self.adjective))(*pair) for pair in self.shuffled()]
        if self.description.diameter_mm is not None:
            parts.insert(self.rng.randint(0, len(parts)), self.size())
        head = self.rng.choice(("nodule", f"nodule {place}", f"{place} nodule", place))
        return [self.rng.choice((", ", "; ", ". ")).join([head, *parts])]

    def form(self, place: str) -> list[str]:
        """A key and a value a line; the value is a word of the scale, a number of it, or both."""
        style = self.rng.choice(("word", "number", "both", "mixed"))
        colon = self.rng.choice((": ", ": ", " = ", " - ", " "))
        lines = []
        for name, level in self.shuffled():
            now = self.rng.choice(("word", "number", "both")) if style == "mixed" else style
            key = _SHORT_NAMES[name] if now != "word" and self.chance(0.2) else self.pick(phrases.NAMES[name])
            word = self.value(name, level)
            number = self.score(name, level) if self.chance(0.7) else str(level)
            lines.append(key + colon + {"word": word, "number": number, "both": f"{number} ({word})"}[now])
        if self.description.diameter_mm is not None:
            key = self.rng.choice(("size", "diameter", "largest diameter", "measurement"))
            lines.insert(self.rng.choice((0, len(lines))), f"{key}{colon}{self.size()}")
        return [self.rng.choice((f"Nodule, {place}", f"Location: {place}", "Pulmonary nodule")), *lines]

    def body(self, place: str) -> list[str]:
        styles = [self.prose, self.prose, self.telegraphic, self.telegraphic]
        if not self.spoken:
            styles += [self.sentences, self.form]
        elif self.chance(0.15):
            styles = [self.sentences]
        return self.rng.choice(styles)(place)

    def heading(self) -> list[str]:
        sex = self.rng.choice(("man", "woman", "male", "female"))
        age = _finish(self.pick(phrases.AGES).format(age=self.rng.randint(28, 90), sex=sex))
        parts = (age, self.pick(phrases.INDICATIONS), self.pick(phrases.METHODS))
        return [part for part in parts if self.chance(0.5)]

    def conclusion(self, place: str) -> list[str]:
        """An impression that repeats at most two descriptors, and never an opinion on malignancy."""
        core = " ".join(self.adjective(*pair) for pair in self.shuffled()[: self.rng.randint(0, 2)])
        text = self.pick(phrases.IMPRESSIONS).format(core=core, place=place).strip()
        title = self.rng.choice(("IMPRESSION: ", "Impression: ", "CONCLUSION: "))
        closing = [self.pick(phrases.CLOSINGS)] if self.chance(0.15) else []
        return ([title + _finish(text)] if self.chance(0.5) else []) + closing


def _finish(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith((".", ":")) else ".")


def describe(
    description: NoduleDescription, place: str, rng: random.Random, family: Family = "all", *, spoken: bool = False
) -> tuple[str, ...]:
    """Only the sentences on the nodule, at a place that the caller names ("right upper lobe").

    Args:
        description: what a reader said.
        place: where the nodule lies, in the words of a report.
        rng: all randomness.
        family: which wordings may be used.
        spoken: whether it is to be spoken: no abbreviations, no slashes.
    """
    lines = _Writer(description, rng, family, spoken=spoken).body(place)
    if spoken:
        lines = [re.sub(r"\b([RL])([UL])L\b", _spoken_lobe, line).replace("/", " to ") for line in lines]
    return tuple(_finish(line) for line in lines)


def write_note(description: NoduleDescription, rng: random.Random, family: Family = "all") -> str:
    """Write the description as a clinician might, with or without sections and neutral other findings.

    Nothing in the text depends on anything but the description; no opinion on malignancy is given.
    """
    writer = _Writer(description, rng, family, spoken=False)
    place = writer.pick(phrases.PLACES)
    lines = writer.body(place)
    separator = "\n" if len(lines) > 1 and writer.chance(0.3) else " "
    if separator == " " or writer.chance(0.8):
        lines = [_finish(line) for line in lines]
    position = rng.choice((0, len(lines)))
    lines[position:position] = [writer.pick(phrases.OTHERS) for _ in range(rng.choice((0, 0, 0, 1, 1, 2)))]
    text = separator.join(lines)
    if writer.chance(0.5):
        return text
    title = rng.choice(("FINDINGS: ", "Findings:\n", ""))
    return "\n".join([*writer.heading(), title + text, *writer.conclusion(place)])


def write_dictation(description: NoduleDescription, rng: random.Random, family: Family = "all") -> str:
    """Write what a radiologist might say: short, sometimes with spoken punctuation and hesitation."""
    writer = _Writer(description, rng, family, spoken=True)
    parts = [re.sub(r"\b([RL])([UL])L\b", _spoken_lobe, part) for part in writer.body(writer.pick(phrases.PLACES))]
    if writer.chance(0.3):
        parts.insert(0, writer.pick(phrases.DICTATED_STARTS))
    if writer.chance(0.2):
        parts.append(writer.pick(phrases.OTHERS).rstrip("."))
    if writer.chance(0.25):
        target = rng.randrange(len(parts))
        parts[target] = f"{writer.pick(phrases.FILLERS)}, {parts[target]}"
    parts = [part.replace("/", " to ") for part in parts]
    if writer.chance(0.2):
        return " period ".join(part.replace(", ", " comma ") for part in parts) + " period"
    return " ".join(_finish(part) for part in parts)


def _spoken_lobe(match: re.Match[str]) -> str:
    return f"{'right' if match[1] == 'R' else 'left'} {'upper' if match[2] == 'U' else 'lower'} lobe"


# What a speech recogniser makes of words of this field; counted on transcripts of synthetic voices.
_MISHEARD = {
    "unspiculated": "and spiculated|inspiculated|un spiculated|unspeculated|and speculated",
    "unlobulated": "un lobulated|and lobulated|non-lobulated|in lobulated|unlawulated",
    "uncalcified": "in calcified|and calcified|un-calcified",
    "non-spiculated": "unspiculated|non-speculated|nonspeculated|not spiculated",
    "non-lobulated": "unlobulated|nonlobulated|not lobulated|non-laminated",
    "spiculated": "speculated|spyculated|speculative",
    "spiculation": "speculation|speculations",
    "spicules": "specules|speckles",
    "lobulated": "laminated|elobulated|obulated|logulated|lobulate it",
    "lobulation": "lamination|l'obulation|ovulation|laboration",
    "nodule": "module|nodual|an agile",
    "lesion": "region|legion|reason",
    "lung": "long|lobe",
    "solid": "so lid|salad",
    "nonsolid": "non solid|non-solid",
    "of soft": "unsoft|on soft",
    "ground": "round|grand",
    "circumscribed": "circum-scribed|circumstribed",
    "conspicuity": "conspecity|conspicuously",
    "calcific": "calcified|calcifying",
    "an": "and|in",
    "a": "the|",
    "period": "perioded|period.",
}
_MISHEARD_WORD = re.compile(r"\b(?:" + "|".join(sorted(_MISHEARD, key=len, reverse=True)) + r")\b", re.IGNORECASE)
_TRAILING = ("you", "thank you.", "here", "Good.", ". .", "the")


def add_transcription_noise(text: str, rng: random.Random, strength: float = 1.0) -> str:
    """Spoil a dictation as a speech recogniser would: misheard and dropped words, moved punctuation.

    Args:
        text: what was spoken.
        rng: all randomness.
        strength: 1 spoils about one word in six, as measured with Whisper base on synthetic voices; 0 none.
    """

    def mishear(match: re.Match[str]) -> str:
        if rng.random() >= 0.4 * strength:
            return match[0]
        return rng.choice(_MISHEARD[match[0].lower()].split("|"))

    flowing = re.sub(r"[.;] (?=\w)", lambda stop: ", " if rng.random() < 0.6 * strength else stop[0], text)
    words = [_garble(word, rng, strength) for word in _MISHEARD_WORD.sub(mishear, flowing).split()]
    spoiled = " ".join(word for word in words if word)
    return f"{spoiled} {rng.choice(_TRAILING)}" if rng.random() < 0.15 * strength else spoiled


def _garble(word: str, rng: random.Random, strength: float) -> str:
    """A word with an odd letter, split, followed by a stray comma, or gone."""
    draw = rng.random() / strength if strength > 0.0 else 1.0
    if draw < 0.01:
        return ""
    if draw < 0.06 and word[-1].isalpha():
        return word + ","
    if draw > 0.22 or len(word) < 5 or not word.isalpha() or word.startswith(("milli", "centi")):
        return word
    place = rng.randrange(1, len(word) - 1)
    replaced = word[:place] + rng.choice("aeioulrnst") + word[place + 1 :]
    return rng.choice((replaced, word[1:], word[:place] + " " + word[place:], word[:place] + word[place + 1 :]))
