"""CLAIM 2024 and TRIPOD+AI, filled from the facts and from nothing else.

An item is met when every fact behind it is on record, and the sheet says where; it is not met otherwise, and the sheet
says what is missing. It is not applicable only where the study states why. The sheet says that something is reported,
not that it is good.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import final

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.claim_items import CLAIM_ITEMS, STUDY_FACTS, TRIPOD_ITEMS, Item

EXCERPT_CHARACTERS = 160


class SheetStatus(StrEnum):
    """Answer to an item."""

    MET = "met"
    NOT_MET = "not met"
    NOT_APPLICABLE = "not applicable"


@final
@dataclass(frozen=True)
class SheetEntry:
    """One item, its answer, the beginning of what is reported, and where that stands (or what is missing)."""

    item: Item
    status: SheetStatus
    text: str
    evidence: str


def claim_sheet(
    metrics: Mapping[str, object],
    metadata: Mapping[str, object],
    study: Mapping[str, str],
    not_applicable: Mapping[str, str] | None = None,
) -> tuple[SheetEntry, ...]:
    """Both checklists, item by item.

    Args:
        metrics: the metrics document.
        metadata: the bundle's metadata.json.
        study: what only people can state; keys as in `claim_items.STUDY_FACTS`.
        not_applicable: reasons, by study key, why what it asks does not exist here.

    Raises:
        ConfigurationError: a study key that no item asks for.
    """
    reasons = dict(not_applicable or {})
    unknown = sorted(({*study} | {*reasons}) - {*STUDY_FACTS})
    if unknown:
        msg = f"study facts: '{unknown[0]}' is unknown; use one of {', '.join(STUDY_FACTS)}"
        raise ConfigurationError(msg)
    facts = {"metrics": metrics, "metadata": metadata, "study": study}
    return tuple(_answer(item, facts, reasons) for item in (*CLAIM_ITEMS, *TRIPOD_ITEMS))


def status_counts(sheet: Sequence[SheetEntry]) -> dict[str, dict[str, int]]:
    """How many items of each checklist are met, not met, not applicable."""
    counts: dict[str, dict[str, int]] = {}
    for entry in sheet:
        row = counts.setdefault(entry.item.checklist, {status.value: 0 for status in SheetStatus})
        row[entry.status.value] += 1
    return counts


def _answer(item: Item, facts: Mapping[str, object], reasons: Mapping[str, str]) -> SheetEntry:
    """The answer to one item."""
    found = {source: next(_values(facts, source.split(".")), None) for source in item.sources}
    missing = [source for source, value in found.items() if value is None]
    if not missing:
        return SheetEntry(item, SheetStatus.MET, _excerpt(found.values()), ", ".join(item.sources))
    excused = [reasons.get(source.removeprefix("study.")) for source in missing]
    if all(excused):
        text = "; ".join(dict.fromkeys(reason for reason in excused if reason))
        return SheetEntry(item, SheetStatus.NOT_APPLICABLE, text, "stated by the study")
    return SheetEntry(item, SheetStatus.NOT_MET, "", f"missing: {', '.join(missing)}")


def _values(node: object, path: Sequence[str]) -> Iterator[object]:
    """What stands at a path, if it holds something; `*` goes through every entry."""
    if not path:
        if node is not None and node not in ("", [], {}):
            yield node
        return
    if path[0] == "*":
        entries = node.values() if isinstance(node, Mapping) else node if isinstance(node, list | tuple) else ()
        for entry in entries:
            yield from _values(entry, path[1:])
    elif isinstance(node, Mapping) and path[0] in node:
        yield from _values(node[path[0]], path[1:])


def _excerpt(values: Iterable[object]) -> str:
    """The texts among the values, cut to a readable length."""
    texts = [value.strip() for value in values if isinstance(value, str)]
    whole = " ".join(texts)
    return whole if len(whole) <= EXCERPT_CHARACTERS else whole[:EXCERPT_CHARACTERS].rsplit(" ", 1)[0] + " …"
