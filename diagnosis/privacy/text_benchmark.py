"""How much of what identifies is found in free text, and what is lost: `python -m diagnosis.privacy.text_benchmark`.

Two sets: sentences with gold spans in the format of Presidio's `synth_dataset_v2.json` (`--sentences`), and reports
(CSV with columns findings and impression, `--reports`), into every third of which identifiers are planted in the ways
that reports hold them; names, streets and towns are drawn from the gold spans of the first set.
"""

import argparse
import csv
import json
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from diagnosis.privacy.text import find_identifiers

SEED = 7
Gold = tuple[int, int, str]
Finder = Callable[[str], Iterable[tuple[int, int]]]
_WORD = re.compile(r"\w+")
TEMPLATES: Sequence[str] = (
    "Patient: {PERSON}   MRN: {ID}   DOB: {DATE}\n",
    "PATIENT NAME: {LAST_FIRST}\nACCESSION #: {ID}\nEXAM DATE: {DATE}\n",
    "Mr. {PERSON} is a {AGE}-year-old man seen at {ADDRESS}.\n",
    "Referring physician: {PERSON}, MD. Phone {PHONE}, fax {PHONE}.\n",
    "Comparison: radiographs of {DATE} and CT of {DATE}.\n",
    "The results were discussed with Dr. {PERSON} by telephone at {PHONE} on {DATE}.\n",
    "The patient's daughter {PERSON} was informed; contact {EMAIL}.\n",
    "Findings were communicated to {PERSON} in the emergency department on {DATE}.\n",
    "Ms. {PERSON} lives in {CITY} and was referred by {PERSON}.\n",
    "Dictated by: {PERSON}\nElectronically signed by {PERSON}, M.D. on {DATE}\n",
    "SSN {SSN}, insurance policy {ID}, see {URL} for images.\n",
    "Per {PERSON}, the nodule was stable since {DATE}.\n",
)


@final
@dataclass
class Tally:
    """Gold spans found of all, by kind, and predicted spans that touch a gold span."""

    found: Counter[str] = field(default_factory=Counter)
    all: Counter[str] = field(default_factory=Counter)
    right: int = 0
    wrong: int = 0
    lost_words: int = 0
    words: int = 0

    def add(self, text: str, gold: Sequence[Gold], spans: Sequence[tuple[int, int]]) -> None:
        """Count one text; a gold span is found where all of its letters and digits are covered."""
        covered = {place for start, end in spans for place in range(start, end)}
        marked = {place for start, end, _ in gold for place in range(start, end)}
        for start, end, kind in gold:
            self.all[kind] += 1
            self.found[kind] += all(p in covered for p in range(start, end) if text[p].isalnum())
        for start, end in spans:
            is_right = any(place in marked for place in range(start, end))
            self.right, self.wrong = self.right + is_right, self.wrong + (not is_right)
        for match in _WORD.finditer(text):
            is_marked = match.start() in marked
            self.words += not is_marked
            self.lost_words += not is_marked and match.start() in covered

    def line(self, kinds: Iterable[str] | None = None) -> str:
        """Recall by kind, precision, and the share of other words that was lost."""
        names = [kind for kind, _ in self.all.most_common() if kinds is None or kind in set(kinds)]
        recall = ", ".join(f"{kind} {self.found[kind]}/{self.all[kind]}" for kind in names)
        whole = sum(self.found[k] for k in names) / max(sum(self.all[k] for k in names), 1)
        precision = self.right / max(self.right + self.wrong, 1)
        lost = self.lost_words / max(self.words, 1)
        return f"recall {whole:.3f} ({recall}); precision {precision:.3f}; other words lost {lost:.4f}"


def read_sentences(path: Path) -> list[tuple[str, list[Gold]]]:
    """Texts with gold spans."""
    return [
        (row["full_text"], [(s["start_position"], s["end_position"], s["entity_type"]) for s in row["spans"]])
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


def planted_reports(path: Path, sentences: list[tuple[str, list[Gold]]]) -> list[tuple[str, list[Gold]]]:
    """Every third report with three templates planted between its sentences."""
    random_ = random.Random(SEED)  # noqa: S311 - a benchmark, no secret
    values = _values(sentences)
    with path.open(encoding="utf-8", newline="") as file:
        reports = [f"{row['findings']}\n{row['impression']}" for row in csv.DictReader(file)]
    made = []
    for report in reports[::3]:
        clean = re.sub(r"\bX{3,}\b", "prior", report)
        parts = re.split(r"(?<=[.])\s+", clean)
        text, gold = "", list[Gold]()
        places = sorted(random_.choices(range(len(parts) + 1), k=3))
        for number, part in enumerate([*parts, ""]):
            for _ in range(places.count(number)):
                text, gold = _planted(text, gold, random_, values)
            text += f"{part}\n" if number % 4 == 3 else f"{part} "
        made.append((text, gold))
    return made


def _values(sentences: list[tuple[str, list[Gold]]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for text, gold in sentences:
        for start, end, kind in gold:
            found[kind].append(text[start:end])
    people = [name for name in found["PERSON"] if name[:1].isupper()]
    streets = [text for text in found["STREET_ADDRESS"] if re.match(r"\d+ \w+ [A-Z]\w+", text) and len(text) < 80]
    return {"PERSON": people, "ADDRESS": streets, "CITY": found["GPE"], "PHONE": found["PHONE_NUMBER"],
            "EMAIL": found["EMAIL_ADDRESS"], "URL": found["DOMAIN_NAME"], "SSN": found["US_SSN"]}  # fmt: skip


def _planted(
    text: str, gold: list[Gold], random_: random.Random, values: dict[str, list[str]]
) -> tuple[str, list[Gold]]:
    template = random_.choice(TEMPLATES)
    for piece in re.split(r"(\{\w+\})", template):
        if not piece.startswith("{"):
            text += piece
            continue
        kind = piece.strip("{}")
        value = _value(kind, random_, values)
        gold = [*gold, (len(text), len(text) + len(value), kind)]
        text += value
    return text, gold


def _value(kind: str, random_: random.Random, values: dict[str, list[str]]) -> str:
    number = random_.randrange
    if kind == "DATE":
        year, month, day = number(1998, 2025), number(1, 13), number(1, 29)
        name = ("January March April June July August October December".split())[number(8)]  # noqa: SIM905 - a list of words
        numeric = (f"{month}/{day}/{year}", f"{year}-{month:02d}-{day:02d}", f"{month:02d}/{day:02d}/{year % 100:02d}")
        worded = (f"{name} {day}, {year}", f"{day} {name[:3]} {year}", f"{name} {year}")
        return random_.choice((*numeric, *worded))
    if kind == "ID":
        return random_.choice(
            (f"{number(10**6, 10**8)}", f"A{number(10**6, 10**7)}", f"{number(10**3, 10**5)}-{number(10, 99)}")
        )
    if kind == "AGE":
        return str(number(90, 103))
    if kind == "LAST_FIRST":
        first, *rest = random_.choice([name for name in values["PERSON"] if " " in name]).split()
        return f"{rest[-1]}, {first}"
    return random_.choice(values[kind])


def measure(texts: list[tuple[str, list[Gold]]], find: Finder) -> Tally:
    """Count all texts."""
    tally = Tally()
    for text, gold in texts:
        tally.add(text, gold, list(find(text)))
    return tally


def finder(*, uses_model: bool) -> Finder:
    """The product's finder as spans."""
    return lambda text: ((span.start, span.end) for span in find_identifiers(text, uses_model=uses_model))


def main() -> None:
    """Measure both sets, without and with the statistical model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=Path, required=True)
    parser.add_argument("--reports", type=Path, required=True)
    asked = parser.parse_args()
    sentences = read_sentences(asked.sentences)
    reports = planted_reports(asked.reports, sentences)
    for uses_model in (False, True):
        find = finder(uses_model=uses_model)
        for name, texts in (("sentences", sentences), ("odd sentences", sentences[1::2]), ("reports", reports)):
            how = "with the model" if uses_model else "rules and dictionary"
            sys.stdout.write(f"{len(texts)} {name}, {how}: {measure(texts, find).line()}\n")


if __name__ == "__main__":
    main()
