"""The model card and the papers of a bundle; every figure in it is read from the metrics."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import diagnosis
from diagnosis.bundle.metadata import BundleMetadata
from diagnosis.evaluation.metrics_file import interval_text
from diagnosis.training.statements import Statements
from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE, fullest_subset, subset_words

COMPARED_SOUND = ("words", "words and sound", "sound alone", "difference")
"""Figures of the acoustic ablation, each a value with its interval."""


def write_card(folder: Path, metadata: BundleMetadata, document: dict[str, Any], stated: Statements) -> None:
    """Write docs/README.md, docs/data_license.txt and LICENSE."""
    (folder / "docs").mkdir(parents=True, exist_ok=True)
    for name in ("image_encoders", "acoustic_branch"):
        kept = folder / "eval" / f"{name}.json"
        if kept.is_file():
            document = {**document, name: json.loads(kept.read_text(encoding="utf-8"))}
    (folder / "docs" / "README.md").write_text(card_text(metadata, document, stated.limits), encoding="utf-8")
    (folder / "docs" / "data_license.txt").write_text(stated.data_license, encoding="utf-8")
    shutil.copyfile(Path(diagnosis.__file__).parent / "LICENSE", folder / "LICENSE")


def card_text(metadata: BundleMetadata, document: dict[str, Any], limits: Sequence[str]) -> str:
    """The card as Markdown."""
    finding = metadata.findings[0].name
    lines = [*_description(metadata, document["protocol"]), *_figures(finding, document), *_further(finding, document)]
    return "\n".join([*lines, "", "## Limits", "", *(f"* {limit}" for limit in limits), ""])


def _description(metadata: BundleMetadata, protocol: dict[str, Any]) -> list[str]:
    """What the model is, before any figure."""
    main, network = metadata.findings[0], metadata.network_config()
    encoder = network.volume_encoder
    measured = "" if encoder.measured_spacing_mm is None else ", with density, edge and outline measured"
    return [
        f"# {metadata.name} {metadata.version}",
        "",
        f"{metadata.description} {NOT_A_MEDICAL_DEVICE}",
        "",
        f"**Task.** {metadata.task}.",
        f"**Intended use.** {metadata.intended_use}",
        (
            f"**Input.** Region of {_extent(metadata)} around the marked center, HU {metadata.inputs.hu_range[0]:g} to "
            f"{metadata.inputs.hu_range[1]:g}; its diameter where known; a note; a transcript. Any non-empty subset."
        ),
        (
            f"**Network.** {network.n_members} members; volume encoder `{encoder.kind}`{measured}; fusion "
            f"`{network.fusion.method}`; frozen BERT `{network.text_encoder.package}` {network.text_encoder.version}, "
            f"SHA-256 `{network.text_encoder.sha256[:16]}…`, named and verified, not copied."
        ),
        f"**Threshold.** {main.threshold:g}: {main.threshold_rule}.",
        f"**Data.** {metadata.data_source}. {protocol['cases']} cases; {protocol['rule']}.",
        "",
    ]


def _figures(finding: str, document: dict[str, Any]) -> list[str]:
    """Every subset of parts, the baselines, and the differences."""
    protocol = document["protocol"]
    return [
        "## Measured",
        "",
        f"Out of fold: {', '.join(protocol['folds'])}; intervals: {protocol['bootstrap']}; {protocol['calibration']}.",
        "",
        *_finding_table(document["findings"][finding]),
        *_other_findings(finding, document),
        "",
        "`ct-no-diameter` is the CT with the diameter not told; `ct-encoder` the volume encoder before the fusion.",
        "",
        "## Against what a clinician would use instead",
        "",
        "| baseline | AUROC | n |",
        "|---|---|---|",
        *(
            f"| {n.replace('_', ' ')} | {interval_text(e['auroc'])} | {e['n']} |"
            for n, e in document["baselines"].items()
        ),
        "",
        "| difference in AUROC | value [95 % interval] |",
        "|---|---|",
        *(f"| {name.replace('_', ' ')} | {interval_text(e)} |" for name, e in document["differences"].items()),
    ]


def _other_findings(main: str, document: dict[str, Any]) -> list[str]:
    """The table of each finding beside the main one."""
    lines: list[str] = []
    for name, subsets in document["findings"].items():
        if name != main:
            lines += ["", f"### {name.replace('_', ' ').capitalize()}", "", *_finding_table(subsets)]
    return lines


def _further(finding: str, document: dict[str, Any]) -> list[str]:
    """What only some cohorts and runs can say."""
    lines: list[str] = []
    if "consensus" in document:
        consensus = document["consensus"]
        lines += [
            "",
            "## CT alone against the consensus of all readers",
            "",
            (
                f"AUROC {interval_text(consensus['ct']['auroc'])} on {consensus['ct']['n']} nodules; diameter alone "
                f"{interval_text(consensus['baselines']['diameter']['auroc'])}. For comparison with the literature."
            ),
        ]
    if document.get("limits_of_words"):
        lines += ["", "## What the words could carry", "", *_words_table(document["findings"][finding], document)]
    if "acoustic_branch" in document:
        lines += ["", "## What the sound of a dictation adds", "", *_sound_table(document["acoustic_branch"])]
    for key, part in (("descriptors", "the CT alone"), ("descriptors_of_all_parts", "CT, note and voice")):
        if key in document:
            lines += ["", f"## Descriptors from {part}", "", *_descriptor_table(document[key])]
    if finding in document.get("subgroups", {}):
        fullest = subset_words(fullest_subset(document["findings"][finding]))
        lines += ["", f"## By group ({fullest})", "", *_group_table(document["subgroups"][finding])]
    if "fusions" in document:
        lines += ["", "## Fusion methods on the same folds and encoders", "", "AUROC, out of fold.", ""]
        lines += _plain_table(document["fusions"]["columns"], document["fusions"]["rows"])
    if "image_encoders" in document:
        lines += ["", "## Image encoders on the same regions and folds", ""]
        lines += _encoder_table(document["image_encoders"])
    return lines


def _sound_table(sound: dict[str, Any]) -> list[str]:
    """The acoustic branch on and off."""
    return [
        f"{sound['cases']} dictations by synthetic voices, out of fold, seed {sound['seed']}: the words as spoken,",
        "and the same with an encoder of log-mel frames beside them. How a synthetic voice says its words tells",
        "nothing of the patient; the branch is left out of this bundle.",
        "",
        "| what is read | AUROC |",
        "|---|---|",
        *(f"| {name} | {interval_text(sound[name])} |" for name in COMPARED_SOUND),
    ]


def _words_table(subsets: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """The text branches beside a regression on the very ratings that their texts are made of."""
    return [
        "A regression on the ratings and the size themselves, learned from every reader's description against what the",
        "other readers thought. What is lost below it is lost in wording and, for the dictation, in transcription. For",
        "all parts: a regression on these two and on the network's answer to the CT alone, which shows what",
        "perfect reading of the same words could bring.",
        "",
        "| part | from the ratings themselves | from the text |",
        "|---|---|---|",
        *(
            f"| {part} | {interval_text(entry['auroc'])} | {interval_text(subsets[part]['auroc'])} |"
            for part, entry in document["limits_of_words"].items()
            if part in subsets
        ),
    ]


def _plain_table(columns: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *(f"| {' | '.join(row)} |" for row in rows)]


def _descriptor_table(entries: dict[str, Any]) -> list[str]:
    """The network's reading and the first reader's, both against the third reader."""
    rows = [
        "Mean absolute error in levels and weighted kappa against the third reader, whom no network had met; beside it",
        "how near the first reader comes.",
        "",
        "| descriptor | network: error | reader: error | difference | network: kappa | reader: kappa | n |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, entry in entries.items():
        head, reader = entry["head"], entry["reader"]
        rows.append(
            f"| {name.replace('_', ' ')} | {interval_text(head['mean_absolute_error'])} | "
            f"{interval_text(reader['mean_absolute_error'])} | {interval_text(entry['error_difference'])} | "
            f"{interval_text(head['weighted_kappa'])} | {interval_text(reader['weighted_kappa'])} | {head['n']} |"
        )
    return rows


def _group_table(groups: list[dict[str, Any]]) -> list[str]:
    """AUROC, sensitivity and specificity of each group; a dash where it has too few cases."""
    rows = ["| group | n | positive | AUROC | sensitivity | specificity |", "|---|---|---|---|---|---|"]
    for group in groups:
        figures = " | ".join(interval_text(group[name]) for name in ("auroc", "sensitivity", "specificity"))
        rows.append(f"| {group['attribute']}: {group['group']} | {group['n']} | {group['positives']} | {figures} |")
    return rows


def _encoder_table(table: dict[str, Any]) -> list[str]:
    """AUROC, difference to the first encoder, and what a region costs."""
    protocol, first = table["protocol"], next(iter(table["encoders"]))
    threads = protocol["threads"]
    rows = [
        f"{protocol['cases']} nodules, out of fold, with the diameter told and (second) untold. Input:",
        f"{protocol['input']}; for the pretrained network {protocol['pretrained_input']}; its whole crop is",
        f"{protocol['whole_crop']}. Milliseconds and megabytes of one region, {threads} threads.",
        "",
        f"| encoder | AUROC | untold | {first} minus this | ms | MB |",
        "|---|---|---|---|---|---|",
    ]
    for name, entry in table["encoders"].items():
        gain = "-" if name == first else interval_text(entry["first_minus_this"])
        ms, mb = ("-" if entry[key] is None else f"{entry[key]:.1f}" for key in ("ms", "mb"))
        untold = entry["auroc_without_diameter"]
        shown = "-" if untold is None else interval_text(untold)
        rows.append(f"| {name} | {interval_text(entry['auroc'])} | {shown} | {gain} | {ms} | {mb} |")
    slab, crop = (interval_text(table["padding"][place]) for place in ("slab", "crop"))
    return [
        *rows,
        "",
        f"Trees that see the pattern of the padding and nothing else: AUROC {slab} on the slab, {crop} on the",
        "whole crop, which ends with the nodule.",
    ]


def _extent(metadata: BundleMetadata) -> str:
    """`3.8 × 28.0 × 28.0 mm (z, y, x)`."""
    sides = [n * s for n, s in zip(metadata.inputs.shape, metadata.inputs.spacing_mm, strict=True)]
    return " × ".join(f"{side:.1f}" for side in sides) + " mm (z, y, x)"


def _finding_table(subsets: dict[str, Any]) -> list[str]:
    """Each subset of parts; sensitivity and specificity at the bundle's threshold."""
    rows = [
        "| input | AUROC | AUPRC | ECE | sensitivity | specificity | coverage (90 %) | n |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, entry in subsets.items():
        coverage = entry.get("conformal", {}).get("coverage")
        sensitivity, specificity = entry["sensitivity"]["value"], entry["specificity"]["value"]
        rows.append(
            f"| {name} | {interval_text(entry['auroc'])} | {interval_text(entry['auprc'])} | "
            f"{entry['ece']['value']:.3f} | {sensitivity:.2f} | {specificity:.2f} | "
            f"{'-' if coverage is None else f'{coverage:.3f}'} | {entry['n']} |"
        )
    return rows
