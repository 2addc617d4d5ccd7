"""`diagnosis transcribe FILE`: what a dictation says, and which of its words to check."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from diagnosis.record.note import VoiceNote


def transcribe_command(
    file: Annotated[Path, typer.Argument(help="A recording: wav, flac, mp3, m4a, ogg or webm.")],
    model: Annotated[
        str | None, typer.Option(help="Speech model: base, tiny.en or a folder; the best installed by default.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Words with seconds, probabilities and places in the text.")
    ] = False,
) -> None:
    """Turn a dictation into text; words that change the meaning and were badly heard are marked with a question mark.

    Silence is no error: the text is empty, a warning says so, and the exit code is 0.
    """
    from diagnosis.ingest.transcript_safety import transcript_warnings, words_to_check

    voice_note = _transcribed(file, model)
    checks, warnings = frozenset(words_to_check(voice_note)), transcript_warnings(voice_note)
    if as_json:
        typer.echo(json.dumps(_report(voice_note, checks, warnings), indent=2, ensure_ascii=False))
        return
    if voice_note.words:
        typer.echo(_marked(voice_note, checks))
    for warning in warnings:
        typer.secho(f"warning: {warning}", err=True, fg=typer.colors.YELLOW)


def _transcribed(file: Path, model: str | None) -> "VoiceNote":
    """Transcribe with a bar over the seconds of the recording, on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from diagnosis.ingest.audio import read_audio
    from diagnosis.ingest.transcription import transcribe_audio

    audio = read_audio(file)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Transcribing", total=audio.duration_s)
        return transcribe_audio(
            audio, model=model, on_progress=lambda reached_s: progress.update(task, completed=reached_s)
        )


def _report(voice_note: "VoiceNote", checks: frozenset[int], warnings: tuple[str, ...]) -> dict[str, object]:
    spans = voice_note.word_spans
    return {
        "text": voice_note.text,
        "words": [
            {**asdict(word), "start": spans[i][0], "end": spans[i][1], "check": i in checks}
            for i, word in enumerate(voice_note.words)
        ],
        "duration_s": voice_note.duration_s,
        "transcriber": voice_note.transcriber,
        "warnings": list(warnings),
    }


def _marked(voice_note: "VoiceNote", checks: frozenset[int]) -> str:
    """The text, with the words to check as `[word?]`."""
    text = voice_note.text
    for i in sorted(checks, reverse=True):
        start, end = voice_note.word_spans[i]
        end = start + len(text[start:end].rstrip(".,;:?!)"))
        text = f"{text[:start]}[{text[start:end]}?]{text[end:]}"
    return text
