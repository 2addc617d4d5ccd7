"""Fill in the outputs that README.md and the rooms' pages show: `python tests/readme_outputs.py [NAME ...]`.

Each block between `<!-- output: NAME -->` and `<!-- end -->` holds what the last command shown before it on its page
prints. Figures of a training run come from the metrics that it wrote, since training takes an hour. The trail of an
audit is of what was done in the dashboard, and is not made again.
"""

import io
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

CHECKOUT = Path(__file__).resolve().parent.parent
METRICS = CHECKOUT / "models" / "lung_nodule" / "eval" / "metrics.json"
BLOCK = re.compile(r"(<!-- output: ([\w-]+) -->\n(?:```\w*\n)?)(.*?)((?:```\n)?<!-- end -->)", re.DOTALL)
COMMANDS = re.compile(r"```bash\n(.*?)```", re.DOTALL)
LONG_LIST = re.compile(r'^(  "second_opinions": )\[.*?^  \]', re.DOTALL | re.MULTILINE)
WIDTH = 100
SUBSETS = ("ct", "note", "voice", "ct+note", "ct+voice", "note+voice", "ct+note+voice")


def pages() -> list[Path]:
    """The pages that show commands: README.md first, then those of the rooms."""
    return [CHECKOUT / "README.md", *sorted((CHECKOUT / "diagnosis").glob("*/README.md"))]


def command_before(page: str, place: int) -> list[str]:
    """The last command of this program that a bash block before a place shows, in one line."""
    blocks = "\n".join(found.group(1) for found in COMMANDS.finditer(page, 0, place)).replace("\\\n", " ")
    parts = [part.strip() for line in blocks.splitlines() for part in line.split("&&")]
    return shlex.split([part for part in parts if part.startswith("diagnosis ")][-1])


def printed_by(command: list[str], folder: Path) -> str:
    """What a command prints for people, in a folder that holds the bundles and the sample cases."""
    for name in ("data_samples", "models"):
        (folder / name).symlink_to(CHECKOUT / name)
    environment = {**os.environ, "COLUMNS": str(WIDTH), "NO_COLOR": "1", "PYTHONPATH": str(CHECKOUT)}
    run = [sys.executable, "-m", "diagnosis", *command[1:]]
    found = subprocess.run(run, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    printed = LONG_LIST.sub(r"\1[ ... ]", found.stdout.replace(f"{folder}/", "")).strip("\n")
    return "\n".join(line.rstrip() for line in printed.splitlines()) + "\n"


def training_table() -> str:
    """What `diagnosis train` prints at its end, from the metrics of the shipped bundle."""
    from diagnosis.cli.train import print_metrics

    console = Console(file=io.StringIO(), width=WIDTH)
    print_metrics(json.loads(METRICS.read_text()), "lung_nodule", "Bundle: models/lung_nodule", console)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def metrics_table() -> str:
    """The figures of the shipped bundle beside what a clinician would use instead."""
    from diagnosis.training.card import interval_text

    document = json.loads(METRICS.read_text())
    rows = [
        f"| {subset} | {interval_text(entry['auroc'])} | {entry['ece']['value']:.3f} | {entry['n']} |"
        for subset, entry in document["findings"]["malignancy"].items()
        if subset in SUBSETS
    ]
    rows += [
        f"| *{name.replace('_', ' ')}* | {interval_text(entry['auroc'])} | - | {entry['n']} |"
        for name, entry in document["baselines"].items()
    ]
    against = {
        what: "{value:+.3f} [{low:+.3f}, {high:+.3f}]".format(**document["differences"][f"ct+note+voice-vs-{what}"])
        for what in ("diameter", "best-single")
    }
    consensus = document["consensus"]
    return (
        'LIDC-IDRI nodules, "leave the readers out" (nobody who describes also labels), five folds by patient, '
        "pooled;\n"
        "intervals by bootstrap over patients; baselines in italics.\n\n"
        "| input | AUROC [95 %] | ECE | n |\n|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        f"All three parts against the diameter: {against['diameter']}; against the best single part: "
        f"{against['best-single']}.\n"
        f"CT alone against the consensus of all readers: {interval_text(consensus['ct']['auroc'])} "
        f"(diameter {interval_text(consensus['baselines']['diameter']['auroc'])}).\n"
    )


MADE_FROM_METRICS = {"train": training_table, "metrics": metrics_table}
LEFT_IN_THE_DASHBOARD = {"audit"}


def filled(page: str, names: list[str]) -> str:
    """A page with the named outputs made again, or all of them."""

    def fill(found: re.Match[str]) -> str:
        head, name, _, end = found.groups()
        if (names and name not in names) or name in LEFT_IN_THE_DASHBOARD:
            return found.group()
        if name in MADE_FROM_METRICS:
            return head + MADE_FROM_METRICS[name]() + end
        command = command_before(page, found.start())
        sys.stderr.write(f"{name}: {shlex.join(command)}\n")
        with tempfile.TemporaryDirectory() as folder:
            return head + printed_by(command, Path(folder)) + end

    return BLOCK.sub(fill, page)


if __name__ == "__main__":
    for path in pages():
        path.write_text(filled(path.read_text(encoding="utf-8"), sys.argv[1:]), encoding="utf-8")
