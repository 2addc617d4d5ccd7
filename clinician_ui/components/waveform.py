"""The dictation: player, waveform and transcript in one; a word plays from where it was said.

Words are tinted by what they speak for; words that the recognizer was unsure of are underlined, and those among them
that change the meaning, such as "no", a side or a number, are framed: they are to be checked against the sound.
"""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from clinician_ui.components.note_highlight import render_legend
from diagnosis.record import Audio, SpeechSpan, TextAttribution, VoiceNote
from diagnosis.reporting.colors import tint_css
from diagnosis.reporting.highlights import highlight_html

UNSURE_BELOW = 0.6
MOST_BARS = 400
MOST_SECONDS_INLINE = 300.0
"""A longer recording is handed to the browser's own player, outside the page's data."""

_HERE = Path(__file__).parent


def render_dictation(
    voice: VoiceNote, attribution: TextAttribution | None, key: str, to_check: frozenset[int] = frozenset()
) -> None:
    """Draw player, waveform and words; without sound, the words alone.

    Args:
        voice: the dictation.
        attribution: what its words speak for, or None.
        key: names the player.
        to_check: indices of words that a clinician should compare with the sound.
    """
    spans = tuple(s for s in attribution.spans if isinstance(s, SpeechSpan)) if attribution is not None else ()
    if attribution is not None:
        render_legend(attribution)
    if voice.audio is not None and voice.duration_s <= MOST_SECONDS_INLINE:
        player = st.components.v2.component(
            "dictation_player",
            html='<div class="dictation"></div>',
            css=(_HERE / "dictation.css").read_text(encoding="utf-8"),
            js=(_HERE / "dictation.js").read_text(encoding="utf-8"),
        )
        player(data=dictation_data(voice, voice.audio, spans, to_check), key=key)
    else:
        if voice.audio is not None:
            st.audio(_wav(voice.audio), format="audio/wav", alt="The dictation")
        st.html(f'<div class="dx-text">{highlight_html(voice.text, spans) or "No words."}</div>')
    st.caption(_origin(voice))


def _origin(voice: VoiceNote) -> str:
    unsure = sum(word.probability < UNSURE_BELOW for word in voice.words)
    confirmed = f"confirmed by {voice.confirmed_by}" if voice.confirmed_by else "not confirmed by a clinician"
    return (
        f"{voice.duration_s:.0f} s, transcribed by {voice.transcriber}, {confirmed}; {unsure} of {len(voice.words)} "
        f"words with a recognizer's probability under {UNSURE_BELOW:.0%} (dotted)."
    )


def dictation_data(
    voice: VoiceNote, audio: Audio, spans: tuple[SpeechSpan, ...], to_check: frozenset[int] = frozenset()
) -> dict[str, Any]:
    """What the player in the browser draws: sound, bars, and the transcript in pieces in order."""
    return {
        "wav": base64.b64encode(_wav(audio)).decode("ascii"),
        "duration_s": audio.duration_s,
        "bars": _bars(audio),
        "pieces": _pieces(voice, {span.start: span for span in spans}, to_check),
    }


def _pieces(voice: VoiceNote, spans: dict[int, SpeechSpan], to_check: frozenset[int]) -> list[dict[str, Any]]:
    """The transcript in order: words with their times, and what stands between them."""
    scale = max((abs(span.value) for span in spans.values()), default=0.0)
    pieces: list[dict[str, Any]] = []
    position = 0
    for index, (word, (start, end)) in enumerate(zip(voice.words, voice.word_spans, strict=True)):
        if start > position:
            pieces.append({"text": voice.text[position:start]})
        span = spans.get(start)
        is_strong = span is not None and abs(span.value) >= 0.05 * scale > 0
        pieces.append(
            {
                "text": voice.text[start:end],
                "start_s": word.start_s,
                "end_s": word.end_s,
                "color": tint_css(span.value, scale) if span is not None and is_strong else "",
                "value": f"{span.value:+.3f} logits" if span is not None else "",
                "is_unsure": word.probability < UNSURE_BELOW,
                "is_to_check": index in to_check,
            }
        )
        position = end
    return pieces


def _bars(audio: Audio) -> list[float]:
    """Loudest sample of each of at most `MOST_BARS` stretches, scaled to the loudest of all."""
    samples = np.abs(audio.samples)
    step = max(1, -(-samples.size // MOST_BARS))
    padded = np.pad(samples, (0, -samples.size % step))
    peaks = padded.reshape(-1, step).max(axis=1)
    return [round(float(v), 3) for v in peaks / max(float(peaks.max()), 1e-6)]


def _wav(audio: Audio) -> bytes:
    """16-bit PCM."""
    import wave

    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.sampling_rate_hz)
        file.writeframes((np.clip(audio.samples, -1, 1) * 32767).astype("<i2").tobytes())
    return stream.getvalue()
