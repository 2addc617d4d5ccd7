"""What a bundle says of itself, and whether the cases of this place are still like those it was measured on.

References for drift, each with its source; where a bundle has none the page says "not known":

* probability: counts of the out-of-fold probabilities in the bundle's `eval/metrics.json`, where it has them;
* share flagged, share too uncertain to call: from sensitivity, specificity, prevalence and abstention in that file;
* diameter and slice spacing: 1st to 99th percentile of the training cases in `configs/metadata.json`; 2 % are expected
  outside;
* besides, this place's own first cases, for every variable: that tells of change, not of likeness to the training.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, final

from clinician_ui.archive import open_archive
from diagnosis.bundle.checksums import METADATA, stated_sha256
from diagnosis.errors import BundleError, ConfigurationError, InputError
from diagnosis.evaluation.drift import (
    MIN_CASES,
    PSI_CHANGED,
    PSI_WATCH,
    Comparison,
    RateComparison,
    Reference,
    Verdict,
    compare,
    compare_rate,
    periods,
    reference_of,
    reference_of_counts,
)
from diagnosis.evaluation.metrics_file import read_metrics
from diagnosis.store.history import Observation, read_observations
from diagnosis.vocabulary import subset_words

__all__ = ["MIN_CASES", "PSI_CHANGED", "PSI_WATCH", "Comparison", "RateComparison", "Verdict"]

CARD = Path("docs/README.md")
METRICS = Path("eval/metrics.json")
OWN_FIRST = 100
OUTSIDE_EXPECTED = 0.02
TRAINING = "out-of-fold probabilities of the training cases"
Json = Mapping[str, Any]


@final
@dataclass(frozen=True)
class ModelFacts:
    """A bundle as its page shows it.

    Attributes:
        card: the model card, Markdown.
        metrics: `eval/metrics.json`, or None where the bundle has none.
        metadata: `configs/metadata.json`.
        sha256: hash that names the bundle.
    """

    card: str
    metrics: Json | None
    metadata: Json
    sha256: str

    @property
    def finding(self) -> str:
        """Name of the main finding."""
        return str(next(iter(self.metrics["findings"]))) if self.metrics else ""

    @property
    def subsets(self) -> Mapping[str, Json]:
        """Figures of the main finding by subset of evidence."""
        return dict(self.metrics["findings"][self.finding]) if self.metrics else {}


@final
@dataclass(frozen=True)
class Watched:
    """A variable over time.

    Attributes:
        title: in words.
        reference: where its reference comes from, or why there is none.
        values: of each period: a distribution against a reference, or a share against one.
    """

    title: str
    reference: str
    values: tuple[Comparison | RateComparison | None, ...]


@final
@dataclass(frozen=True)
class DriftTable:
    """All variables over the periods, each of which is given by its first and last moment."""

    n_cases: int
    spans: tuple[tuple[datetime, datetime], ...]
    rows: tuple[Watched, ...]


def read_model_facts(bundle_dir: Path) -> ModelFacts:
    """Card, figures and declaration of a bundle.

    Raises:
        BundleError: not a bundle folder.
    """
    import json

    try:
        metadata = json.loads((bundle_dir / METADATA).read_bytes())
        card = (bundle_dir / CARD).read_text(encoding="utf-8") if (bundle_dir / CARD).is_file() else ""
    except (OSError, ValueError) as error:
        msg = "bundle: its declaration or card cannot be read; name a bundle folder such as models/lung_nodule"
        raise BundleError(msg) from error
    try:
        metrics = read_metrics(bundle_dir / METRICS)
    except InputError:
        metrics = None
    return ModelFacts(card, metrics, metadata, stated_sha256(bundle_dir))


def drift_of(facts: ModelFacts, collection: str) -> DriftTable:
    """Drift of all that is watched, for the cases of one folder that this bundle assessed."""
    return drift_table(facts, read_observations(open_archive(), collection, facts.sha256))


def drift_table(facts: ModelFacts, seen: Sequence[Observation]) -> DriftTable:
    """Drift of observations in order of time (pure)."""
    cuts = periods(len(seen))
    blocks = [seen[cut] for cut in cuts]
    spans = tuple((block[0].made_at, block[-1].made_at) for block in blocks)
    rows = [*_outputs(facts, blocks), *_ranges(facts, blocks), *_against_own(facts, seen, blocks)]
    return DriftTable(len(seen), spans, tuple(rows))


def _outputs(facts: ModelFacts, blocks: list[Sequence[Observation]]) -> list[Watched]:
    subset = _usual_subset(facts, blocks)
    figures = facts.subsets.get(subset, {})
    chosen = [[o for o in block if o.inputs.get("parts") == subset] for block in blocks]
    counts = figures.get("probability_counts")
    reference = reference_of_counts(counts, TRAINING) if counts else None
    words = (
        f"{TRAINING}, {subset_words(subset)}"
        if reference
        else "not known: the bundle does not state how they were distributed"
    )
    finding = facts.finding
    probability = [compare(reference, [o.probabilities.get(finding, float("nan")) for o in b]) for b in chosen]
    flagged = _expected_flagged(figures)
    threshold = figures.get("threshold")
    rates = [
        compare_rate(flagged, sum(o.probabilities.get(finding, 0.0) >= threshold for o in b), len(b))
        if threshold is not None
        else None
        for b in chosen
    ]
    title = f"of {finding or 'the main finding'}, cases with {subset_words(subset) or 'any parts'}"
    share_words = (
        f"out of fold, at {threshold:.2f}: {flagged:.0%}" if flagged is not None else "not known: no measured figures"
    )
    return [
        Watched(f"Probability {title}", words, tuple(probability)),
        Watched(f"Share above the measured threshold {title}", share_words, tuple(rates)),
    ]


def _usual_subset(facts: ModelFacts, blocks: list[Sequence[Observation]]) -> str:
    """The subset of evidence that most cases have, among those that were measured."""
    parts = [str(o.inputs.get("parts")) for block in blocks for o in block]
    known = [part for part in parts if part in facts.subsets]
    return max(sorted(set(known)), key=known.count) if known else next(iter(facts.subsets), "")


def _expected_flagged(figures: Json) -> float | None:
    try:
        share = figures["positives"] / figures["n"]
        hits = figures["sensitivity"]["value"] * share
        return float(hits + (1 - figures["specificity"]["value"]) * (1 - share))
    except (KeyError, TypeError, ZeroDivisionError):
        return None


def _ranges(facts: ModelFacts, blocks: list[Sequence[Observation]]) -> list[Watched]:
    declared = facts.metadata.get("training_range") or {}
    rows = []
    for name, title in (("diameter_mm", "Diameter"), ("slice_spacing_mm", "Slice spacing")):
        limits = declared.get(name)
        if not limits:
            rows.append(Watched(f"{title} outside the training range", "not known", tuple(None for _ in blocks)))
            continue
        low, high = limits
        words = f"training cases, 1st to 99th percentile: {low:.1f} to {high:.1f} mm; 2 % expected outside"
        values = []
        for block in blocks:
            known = [float(o.inputs[name]) for o in block if o.inputs.get(name) is not None]
            outside = sum(not low * 0.995 <= value <= high * 1.005 for value in known)
            values.append(compare_rate(OUTSIDE_EXPECTED, outside, len(known)))
        rows.append(Watched(f"{title} outside the training range", words, tuple(values)))
    return rows


def _against_own(facts: ModelFacts, seen: Sequence[Observation], blocks: list[Sequence[Observation]]) -> list[Watched]:
    if len(seen) < MIN_CASES:
        nothing = tuple(None for _ in blocks)
        return [
            Watched("All variables, against the first cases here", f"not known: fewer than {MIN_CASES} cases", nothing)
        ]
    finding = facts.finding
    variables: tuple[tuple[str, Callable[[Observation], Any]], ...] = (
        ("Probability", lambda o: o.probabilities.get(finding)),
        ("Age", lambda o: o.inputs.get("age_years")),
        ("Diameter", lambda o: o.inputs.get("diameter_mm")),
        ("Slice spacing", lambda o: o.inputs.get("slice_spacing_mm")),
        ("Words of the note", lambda o: o.inputs.get("note_words")),
        ("Words of the dictation", lambda o: o.inputs.get("voice_words")),
        ("Certainty of the transcript", lambda o: o.inputs.get("voice_word_probability")),
    )
    rows = []
    for title, read in variables:
        reference = _own_reference([read(o) for o in seen])
        words = f"this place's own first {reference.n}" if reference else f"not known: fewer than {MIN_CASES} cases"
        values = tuple(compare(reference, _numbers([read(o) for o in block])) for block in blocks)
        rows.append(Watched(f"{title}, against the first cases here", words, values))
    return rows


def _own_reference(values: Sequence[Any]) -> Reference | None:
    first = _numbers(values)[:OWN_FIRST]
    try:
        return reference_of(first, "own")
    except ConfigurationError:
        return None


def _numbers(values: Sequence[Any]) -> list[float]:
    return [float(value) for value in values if value is not None]
