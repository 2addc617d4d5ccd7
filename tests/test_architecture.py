"""The house: its top level, its import rules, its offline promise, its silence about where it was built."""

import ast
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

MOST_LINES = 400
HEAVY = ("torch", "monai", "numpy", "pandas", "streamlit")
TOP_LEVEL = {"pyproject.toml", "README.md", "diagnosis", "clinician_ui", "models", "tests", "data_samples"}


def tracked(checkout: Path) -> list[str]:
    found = subprocess.run(["git", "ls-files"], cwd=checkout, capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("not a git checkout")
    return found.stdout.splitlines()


def test_the_top_level_is_fixed(checkout):
    names = {name.split("/")[0] for name in tracked(checkout)}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL


def test_no_drawers(checkout):
    drawers = [n for n in tracked(checkout) if re.search(r"(^|/)(utils?|helpers?|common|misc)(\.py|/)", n)]
    assert drawers == []


def test_no_file_is_longer_than_one_reads_in_a_sitting(checkout):
    lengths = {n: len((checkout / n).read_text().splitlines()) for n in tracked(checkout) if n.endswith(".py")}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_the_package_names_every_room(checkout):
    text = ast.get_docstring(ast.parse((checkout / "diagnosis" / "__init__.py").read_text(encoding="utf-8"))) or ""
    rooms = [path.parent.name for path in (checkout / "diagnosis").glob("*/__init__.py")]
    modules = [path.stem for path in (checkout / "diagnosis").glob("[!_]*.py")]
    assert [name for name in sorted(rooms + modules) if f"`{name}`" not in text] == []


def test_each_manual_names_every_module_of_its_room(checkout):
    """A room's `__init__` is what a newcomer reads first: what it does not name is found by chance alone."""
    missing = []
    for manual in [*(checkout / "diagnosis").glob("*/__init__.py"), checkout / "clinician_ui" / "__init__.py"]:
        text = ast.get_docstring(ast.parse(manual.read_text(encoding="utf-8"))) or ""
        named = set(re.findall(r"`([\w/]+)(?:\.\w+)?`", text))
        modules = [path.relative_to(manual.parent) for path in sorted(manual.parent.rglob("*.py"))]
        names = [path.with_suffix("").as_posix() for path in modules if path.stem != "__init__"]
        missing += [
            f"{manual.parent.name}: {name}"
            for name in names
            if name not in named and not name.startswith("migrations/")
        ]
    assert missing == []


def test_import_rules():
    program = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run([program, "--no-cache"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def seconds_of_children() -> float:
    """Of the processor, by the programs that have ended: waiting for others does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_is_instant():
    command = [
        sys.executable,
        "-c",
        "import sys; sys.argv=['diagnosis','--help']; from diagnosis.cli import main; main()",
    ]
    subprocess.run(command, capture_output=True, check=True)  # warm the file cache
    seconds = []
    for _ in range(3):
        start = seconds_of_children()
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds.append(seconds_of_children() - start)
    assert "assess" in found.stdout
    heavy = subprocess.run(
        [sys.executable, "-c", f"import sys, diagnosis.cli; print([m for m in {HEAVY} if m in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert heavy.stdout.strip() == "[]"
    # Half a second on a quiet machine; a busy one takes more of the processor too, for its caches are not ours.
    assert min(seconds) < 1.5


def test_no_unsafe_loading_anywhere(checkout):
    unsafe = re.compile(
        r"pickle\.load|joblib\.load|yaml\.load\(|weights_only=False|allow_pickle=True|\beval\(|\bexec\("
    )
    for path in [*checkout.glob("diagnosis/**/*.py"), *checkout.glob("clinician_ui/**/*.py")]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            # Lightning's own checkpoint of a run on this machine is the one exception, and says so.
            if unsafe.search(line) and "ckpt_path" not in line and ".eval()" not in line:
                pytest.fail(f"{path.name}:{number}: {line.strip()}")
