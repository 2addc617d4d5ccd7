"""One HTML page that says how good a model is, for whom, and how sure that is.

The page needs nothing beside itself: no script, no font, no network. Its numbers are those of the metrics document, so
page and file cannot differ; only the curves are drawn from the scores.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np

from diagnosis.evaluation import figures
from diagnosis.evaluation.checks import FloatArray
from diagnosis.evaluation.claim_sheet import SheetEntry, status_counts
from diagnosis.evaluation.resampling import Interval
from diagnosis.evaluation.scores import SubsetScores, common_cases, headline_subset
from diagnosis.vocabulary import DESCRIPTOR_BY_NAME, MODALITIES, NOT_A_MEDICAL_DEVICE

TEMPLATES = Path(__file__).parent / "templates"
MAX_CURVES = 4


@final
@dataclass(frozen=True, eq=False)
class ReportContents:
    """What a report is made from.

    Attributes:
        title: heading of the page.
        document: as `metrics_document` returned it.
        scores: from finding to subset to scores; the first finding is the main one.
        baselines: from a name to a score of each case of the main finding's headline subset, nan where missing.
        sheet: as `claim_sheet` returned it; empty to leave the section out.
        facts: short statements for the head of the page: bundle, version, data.
        warnings: sentences a reader must see first.
    """

    title: str
    document: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, SubsetScores]]
    baselines: Mapping[str, FloatArray] = field(default_factory=dict)
    sheet: tuple[SheetEntry, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def write_report(contents: ReportContents, path: Path) -> None:
    """Write the page; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_report(contents), encoding="utf-8")


def render_report(contents: ReportContents) -> str:
    """The page as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"interval": _interval, "number": _number, "percent": _percent, "signed": _signed}
    findings = [_finding_section(contents, name) for name in contents.scores]
    return environment.get_template("report.html.j2").render(
        contents=contents,
        document=contents.document,
        findings=findings,
        descriptors=_descriptor_rows(contents.document),
        protocol=_protocol_rows(contents.document.get("protocol", {})),
        sheet_counts=status_counts(contents.sheet),
        not_a_device=NOT_A_MEDICAL_DEVICE,
    )


def curve_subsets(scores: Mapping[str, SubsetScores]) -> dict[str, SubsetScores]:
    """The subsets whose curves are drawn: the headline's, then the single ones; more lines cannot be told apart.

    All on the cases of the headline: curves of other cases, with another share of positives, say nothing of each other.
    A part that is missing in some of these is not drawn.
    """
    main = headline_subset(scores)
    shared = scores[main].case_ids
    drawn = {main: scores[main]}
    for name in [name for name in scores if "+" not in name][: MAX_CURVES - 1]:
        if name != main and set(shared) <= set(scores[name].case_ids):
            drawn[name] = common_cases([scores[main], scores[name]])[1]
    return drawn


def _finding_section(contents: ReportContents, name: str) -> dict[str, Any]:
    """Figures and table rows of one finding."""
    is_main = name == next(iter(contents.scores))
    scores = _by_size(contents.scores[name])
    drawn = curve_subsets(scores)
    subsets = contents.document["findings"][name]
    baselines = contents.document["baselines"] if is_main else {}
    main = headline_subset(scores)
    subgroups = contents.document.get("subgroups", {}).get(name, [])
    return {
        "name": name,
        "headline_subset": main,
        "drawn_n": len(scores[main].case_ids) if len({len(s.case_ids) for s in scores.values()}) > 1 else 0,
        "subsets": {subset: subsets[subset] for subset in scores},
        "headline": subsets[main],
        "baselines": baselines,
        "differences": contents.document["differences"] if is_main else {},
        "subgroups": subgroups,
        "forest": _image(_forest(scores, subsets, baselines)),
        "roc": _image(figures.roc_figure(drawn, contents.baselines if is_main else {})),
        "precision_recall": _image(figures.precision_recall_figure(drawn)),
        "reliability": _image(figures.reliability_figure(scores)),
        "decision": _image(figures.decision_figure(drawn)),
        "subgroup_forest": _image(_subgroup_forest(subgroups, subsets[main])) if subgroups else "",
    }


def _by_size(scores: Mapping[str, SubsetScores]) -> dict[str, SubsetScores]:
    """Single subsets first, then pairs, then all."""
    order = [m.value for m in MODALITIES]

    def key(name: str) -> tuple[int, list[int]]:
        parts = name.split("+")
        return len(parts), [order.index(part) if part in order else len(order) for part in parts]

    return {name: scores[name] for name in sorted(scores, key=key)}


def _forest(scores: Iterable[str], subsets: Mapping[str, Any], baselines: Mapping[str, Any]) -> str:
    """AUROC of all subsets above that of all baselines."""
    rows = [(name, _as_interval(subsets[name]["auroc"]), False) for name in scores]
    rows += [(name.replace("_", " "), _as_interval(entry["auroc"]), True) for name, entry in baselines.items()]
    return figures.forest_figure(rows, "AUROC with 95 % interval")


def _subgroup_forest(subgroups: Iterable[Mapping[str, Any]], headline: Mapping[str, Any]) -> str:
    """AUROC of each group beside that of all cases."""
    rows = [
        (f"{row['attribute']}: {row['group']} (n = {row['n']})", _as_interval(row["auroc"]), False) for row in subgroups
    ]
    return figures.forest_figure(rows, "AUROC with 95 % interval; line: all cases", headline["auroc"]["value"])


def _descriptor_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Descriptors under the names readers know."""
    entries = document.get("descriptors", {})
    return [
        {"display": DESCRIPTOR_BY_NAME[name].display if name in DESCRIPTOR_BY_NAME else name, **entry}
        for name, entry in entries.items()
    ]


def _protocol_rows(protocol: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The protocol as name and text."""
    return [(name.replace("_", " "), str(value)) for name, value in protocol.items()]


def _as_interval(entry: Mapping[str, float | None]) -> Interval:
    """From the document's form."""
    value, low, high = (np.nan if entry[key] is None else float(entry[key] or 0.0) for key in ("value", "low", "high"))
    return Interval(value, low, high)


def _image(svg: str) -> str:
    """A data URI, so that names inside one figure never meet those of another."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode() if svg else ""


def _number(value: float | None, digits: int = 3) -> str:
    """Fixed digits, a true minus, no negative zero; a dash where it is not defined."""
    return "–" if value is None else f"{value:z.{digits}f}".replace("-", "−")


def _signed(value: float | None, digits: int = 3) -> str:
    """As `_number`, with a plus before what is above zero."""
    text = _number(value, digits)
    return f"+{text}" if value is not None and float(text.replace("−", "-")) > 0 else text


def _percent(value: float | None) -> str:
    """Percent with one digit."""
    return "–" if value is None else f"{100 * value:.1f} %"


def _interval(entry: Mapping[str, float | None], *, signed: bool = False, digits: int = 3) -> str:
    """Value and interval as HTML; a dash where the value is not defined."""
    from markupsafe import Markup

    write = _signed if signed else _number
    if entry["value"] is None:
        return "–"
    value, low, high = (write(entry[key], digits) for key in ("value", "low", "high"))
    return Markup('{} <span class="ci">[{}, {}]</span>').format(value, low, high)
