"""The run manifest and the page for people: what was done, what failed and why, where the time went."""

import json
import statistics
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from diagnosis.batch.results import STAGES
from diagnosis.store.ledger import Ledger
from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE

TEMPLATES = Path(__file__).parent / "templates"
N_BINS = 10
MOST_WARNINGS = 20
MOST_REASONS = 40


def write_summary(ledger: Ledger, manifest: dict[str, Any], folder: Path) -> None:
    """Write `run.json` and `summary.html`."""
    (folder / "run.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    (folder / "summary.html").write_text(render_summary(ledger, manifest), encoding="utf-8")


def render_summary(ledger: Ledger, manifest: dict[str, Any]) -> str:
    """The page as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    probabilities: dict[str, list[float]] = defaultdict(list)
    flagged: Counter[str] = Counter()
    warnings: Counter[str] = Counter()
    seconds: dict[str, list[float]] = defaultdict(list)
    for entry in ledger.entries():
        result = json.loads(entry.result or "{}")
        for finding in result.get("findings", ()):
            probabilities[finding["name"]].append(finding["probability"])
            flagged[finding["name"]] += finding["is_flagged"]
        warnings.update(result.get("warnings", ()))
        for stage, value in json.loads(entry.seconds or "{}").items():
            seconds[stage].append(value)
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("summary.html.j2").render(
        m=manifest,
        reasons=list(manifest["studies"]["reasons"].items())[:MOST_REASONS],
        n_more_reasons=max(0, len(manifest["studies"]["reasons"]) - MOST_REASONS),
        findings=[_finding(name, values, flagged[name]) for name, values in sorted(probabilities.items())],
        warnings=sorted(warnings.items(), key=lambda item: (-item[1], item[0]))[:MOST_WARNINGS],
        stages=[_stage(name, seconds[name]) for name in STAGES if seconds[name]],
        disclaimer=NOT_A_MEDICAL_DEVICE,
    )


def _finding(name: str, values: list[float], n_flagged: int) -> dict[str, Any]:
    counts = Counter(min(int(value * N_BINS), N_BINS - 1) for value in values)
    most = max(counts.values())
    bins = [
        {"title": f"{b / N_BINS:.1f} to {(b + 1) / N_BINS:.1f}", "n": counts[b], "percent": 100 * counts[b] / most}
        for b in range(N_BINS)
    ]
    return {"title": name.replace("_", " "), "n": len(values), "n_flagged": n_flagged, "bins": bins}


def _stage(name: str, values: list[float]) -> dict[str, str]:
    ordered = sorted(values)
    high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {
        "name": name,
        "median": f"{statistics.median(values):.3f}",
        "high": f"{high:.3f}",
        "total": f"{sum(values):.1f}",
    }
