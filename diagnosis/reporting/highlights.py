"""A text with its words tinted by attribution, as HTML. The text itself is never changed, only escaped."""

from collections.abc import Sequence
from html import escape

from diagnosis.record import SpeechSpan, TextSpan
from diagnosis.reporting.colors import tint_css

Span = TextSpan | SpeechSpan


def highlight_html(text: str, spans: Sequence[Span], scale: float | None = None) -> str:
    """The text with a `<mark>` around each attributed word; its title says the value in logits.

    Words that carry less than a twentieth of the strongest stay untinted, so that the eye finds what matters.

    Args:
        text: as it was written.
        spans: attributed words, by their characters in `text`.
        scale: |value| of the strongest, where `text` is only a piece of what was attributed.
    """
    if scale is None:
        scale = strongest(spans)
    parts, position = [], 0
    for span in sorted(spans, key=lambda s: s.start):
        if span.start < position:
            continue
        parts.append(escape(text[position : span.start]))
        parts.append(_mark(text[span.start : span.end], span, scale))
        position = span.end
    return "".join([*parts, escape(text[position:])]).replace("\n", "<br>\n")


def scale_html(spans: Sequence[Span]) -> str:
    """The color scale of highlighted words, in logits; empty where nothing is attributed."""
    scale = strongest(spans)
    if scale == 0:
        return ""
    steps = [-1.0, -0.5, 0.0, 0.5, 1.0]
    boxes = (f'<mark style="background:{tint_css(s * scale, scale)}">{s * scale:+.2f}</mark>' for s in steps)
    return f"Logits a word: {' '.join(boxes)} (orange: for, blue: against)"


def strongest(spans: Sequence[Span]) -> float:
    """Largest |value|; 0 where there are none."""
    return max((abs(span.value) for span in spans), default=0.0)


def _mark(word: str, span: Span, scale: float) -> str:
    if scale == 0 or abs(span.value) < 0.05 * scale:
        return escape(word)
    when = f", {span.start_s:.1f} to {span.end_s:.1f} s" if isinstance(span, SpeechSpan) else ""
    return (
        f'<mark style="background:{tint_css(span.value, scale)}" title="{span.value:+.3f} logits{when}">'
        f"{escape(word)}</mark>"
    )
