"""The command line: `diagnosis COMMAND`.

Each command is one small file that parses, calls the rooms below, and prints. Heavy packages are imported inside the
command functions: `diagnosis --help` answers in a fraction of a second. Exit codes: 0 for a finished job, 2 for wrong
usage, and for each kind of bad input the code of its error class (see `diagnosis.errors`); never a traceback.

==============================================  ====================================================================
`options`                                       what several commands take, each declared once
`case_gathering`                                the case that the options describe; the model that it is put to
`output_folder`                                 places for results, asked for before anything is computed
`progress`, `presentation`                      bars and spinners; assessments as tables
`demo`, `assess`                                the four synthetic patients; one case
`candidates`                                    what a CT without a marked region is answered with
`explain`, `similar`, `index`                   why; nodules like this one, and what finds them
`read`, `draft`                                 the facts of the words; a report with its evidence, set questions
`inspect`, `transcribe`                         the series of a CT; a dictation in words
`export`, `pull`, `listen`, `push`              the forms that a hospital takes; the archive
`deidentify`, `phantom`                         cases without an identity; cases of nobody
`batch`, `serve`, `ui`, `audit`                 many studies; HTTP; the dashboard; its trail
`train`, `train_candidates`, `evaluate`         bundles and what they are worth
`benchmark`, `candidates_benchmark`,            how fast, and how good: the search without a click, maps, warnings,
`explain_benchmark`, `familiarity_benchmark`,   neighbors, words
`index_benchmark`, `words_benchmark`
==============================================  ====================================================================
"""

import gc
import io
import os
import sys

import typer
from rich.console import Console

from diagnosis.cli.assess import assess_command
from diagnosis.cli.audit import audit_app
from diagnosis.cli.batch import batch_command
from diagnosis.cli.benchmark import benchmark_command
from diagnosis.cli.candidates_benchmark import candidates_benchmark_command
from diagnosis.cli.deidentify import deidentify_command
from diagnosis.cli.demo import demo_command
from diagnosis.cli.draft import ask_command, draft_command
from diagnosis.cli.evaluate import evaluate_command
from diagnosis.cli.explain import explain_command
from diagnosis.cli.explain_benchmark import explain_benchmark_command
from diagnosis.cli.export import export_command
from diagnosis.cli.familiarity_benchmark import familiarity_benchmark_command
from diagnosis.cli.index import index_command
from diagnosis.cli.index_benchmark import index_benchmark_command
from diagnosis.cli.inspect import inspect_command
from diagnosis.cli.listen import listen_command
from diagnosis.cli.output_folder import require_temporary_folder
from diagnosis.cli.phantom import phantom_command
from diagnosis.cli.pull import pull_command
from diagnosis.cli.push import push_command
from diagnosis.cli.read import read_command
from diagnosis.cli.serve import serve_command
from diagnosis.cli.similar import similar_command
from diagnosis.cli.train import compare_command, train_command
from diagnosis.cli.train_candidates import train_candidates_command
from diagnosis.cli.transcribe import transcribe_command
from diagnosis.cli.ui import ui_command
from diagnosis.cli.words_benchmark import words_benchmark_command
from diagnosis.errors import DiagnosisError, OutputError, system_reason, unforeseen_reason
from diagnosis.version import __version__
from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE

app = typer.Typer(
    name="diagnosis",
    help=f"CT, notes and dictation in; calibrated, explained assessments out.\n\n{NOT_A_MEDICAL_DEVICE}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

app.command("demo")(demo_command)
app.command("assess")(assess_command)
app.command("explain")(explain_command)
app.command("explain-benchmark")(explain_benchmark_command)
app.command("export")(export_command)
app.command("listen")(listen_command)
app.command("pull")(pull_command)
app.command("push")(push_command)
app.command("inspect")(inspect_command)
app.command("deidentify")(deidentify_command)
app.command("transcribe")(transcribe_command)
app.command("read")(read_command)
app.command("draft")(draft_command)
app.command("ask")(ask_command)
app.command("similar")(similar_command)
app.command("phantom")(phantom_command)
app.command("train")(train_command)
app.command("compare")(compare_command)
app.command("index")(index_command)
app.command("index-benchmark")(index_benchmark_command)
app.command("words-benchmark")(words_benchmark_command)
app.command("evaluate")(evaluate_command)
app.command("train-candidates")(train_candidates_command)
app.command("candidates-benchmark")(candidates_benchmark_command)
app.command("familiarity-benchmark")(familiarity_benchmark_command)
app.command("batch")(batch_command)
app.command("benchmark")(benchmark_command)
app.command("serve")(serve_command)
app.command("ui")(ui_command)
app.add_typer(audit_app, name="audit")


def _show_version(asked: bool) -> None:
    if asked:
        Console().print(f"diagnosis {__version__}")
        raise typer.Exit


@app.callback()
def _root(  # the option is answered by its callback
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),  # noqa: ARG001
) -> None:
    """Options of every command."""
    require_temporary_folder()


def main() -> None:
    """Entry point: turns every designed error into one sentence and its exit code."""
    # Weights come from installed packages and folders only; nothing may reach for a hub.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    # Threads that wait for each other sleep instead of spinning: on a shared machine spinning costs many times over.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # A name of a file in another encoding, or a terminal with few letters: told as well as it can be.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except DiagnosisError as error:
        _stop(str(error), error.exit_code)
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped.")
        sys.exit(130)
    except OSError as error:
        # Its own text would name the path, and so perhaps a patient.
        reason = system_reason(error).lower()
        _stop(
            f"system: {reason}; check that the files named can be read, the output be written, and the disk has room",
            OutputError.exit_code,
        )
    except Exception as error:  # noqa: BLE001 - its own text, and the lines of a traceback, may quote the patient's data
        _stop(f"program: {unforeseen_reason(error)}", DiagnosisError.exit_code)
    finally:
        gc.freeze()  # the process ends: looking once more through all that was imported would take a second


def _stop(sentence: str, exit_code: int) -> None:
    Console(stderr=True, highlight=False).print(f"[bold red]Error:[/] {_escape(sentence)}", soft_wrap=True)
    sys.exit(exit_code)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
