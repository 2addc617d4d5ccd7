"""What the probability would be if something were changed, as a table with a picture in each row (HTML)."""

from collections.abc import Sequence
from html import escape

from diagnosis.record import ChangeKind, Counterfactual
from diagnosis.vocabulary import MODALITY_WORDS

N_SHOWN = 10
"""Changes in sight; the rest is folded away."""
LONGEST = 130
_NO_SMALL_CHANGE = "Taking up to four words or sentences out of the note was not found to change the flag."
_TD = "padding:4px 8px 4px 0;border-bottom:1px solid #d9dfe5;vertical-align:middle;text-align:left"


def change_words(change: Counterfactual) -> str:
    """A change in words, such as `without “Spiculated margin.” (note)`."""
    part = MODALITY_WORDS[change.modality]
    quoted = ", ".join(f"“{' '.join(text.split()).rstrip(',;:')}”" for text in change.texts)
    quoted = quoted if len(quoted) <= LONGEST else f"{quoted[: LONGEST - 1]}…"
    if change.kind is ChangeKind.WORD_NEGATED:
        return f"“no” put before {quoted} ({part})"
    if change.kind is ChangeKind.NEGATION_REMOVED:
        return f"negation taken away before {quoted} ({part})"
    if change.kind is ChangeKind.REGION_BLANKED:
        return "region filled with lung (CT)"
    return f"without the {part}" if change.kind is ChangeKind.MODALITY_LEFT_OUT else f"without {quoted} ({part})"


def strongest_first(changes: Sequence[Counterfactual]) -> list[Counterfactual]:
    """Changes that turn the flag, then the others; within both those first that move the probability most."""
    return sorted(changes, key=lambda c: (not c.is_flipped, -abs(c.probability_after - c.probability_before)))


def changes_html(
    changes: Sequence[Counterfactual], smallest: Counterfactual | None, threshold: float, *, has_note: bool
) -> str:
    """The table: a row for each change; empty where none was asked about.

    Args:
        changes: with their answers.
        smallest: the fewest words or sentences of the note without which the flag changes; None where none were found.
        threshold: probability at which the finding is flagged.
        has_note: whether there is a note whose smallest change was looked for.
    """
    if not changes:
        return ""
    ordered = strongest_first(changes)
    shown, folded = ordered[:N_SHOWN], ordered[N_SHOWN:]
    before = changes[0].probability_before
    html = (
        f'<p style="margin:0 0 6px">{_smallest_words(smallest, has_note=has_note)} The probability is {before:.0%}; '
        f"the dashed line is where the flag begins ({threshold:.0%}), the light mark the probability as assessed.</p>"
        f"{_table(shown, threshold)}"
    )
    if folded:
        more = "1 more change, moving" if len(folded) == 1 else f"{len(folded)} more changes, each moving"
        html += (
            f'<details style="margin-top:6px"><summary style="cursor:pointer">{more} it by less</summary>'
            f"{_table(folded, threshold)}</details>"
        )
    return html


def _smallest_words(smallest: Counterfactual | None, *, has_note: bool) -> str:
    if smallest is not None:
        words = change_words(smallest)
        return (
            f"<b>Smallest change of the note that turns the flag:</b> {escape(words)} gives "
            f"{smallest.probability_after:.0%}."
        )
    return _NO_SMALL_CHANGE if has_note else ""


def _table(changes: Sequence[Counterfactual], threshold: float) -> str:
    heads = "".join(
        f'<th scope="col" style="{_TD};font-weight:600">{name}</th>'
        for name in ("If the case were changed", "Probability", "From 0 % to 100 %", "Flag")
    )
    rows = "".join(_row(change, threshold) for change in changes)
    return (
        '<table style="border-collapse:collapse;width:100%;font-size:14px">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(change: Counterfactual, threshold: float) -> str:
    points = 100 * (change.probability_after - change.probability_before)
    words = change_words(change)
    flag = "<b>changes</b>" if change.is_flipped else "stays"
    return (
        f'<tr><td style="{_TD}">{escape(words[:1].upper() + words[1:])}</td>'
        f'<td style="{_TD};white-space:nowrap;font-variant-numeric:tabular-nums"><b>{change.probability_after:.0%}</b> '
        f'({points:+.1f} points)</td><td style="{_TD}">{_bar(change, threshold)}</td><td style="{_TD}">{flag}</td></tr>'
    )


def _bar(change: Counterfactual, threshold: float) -> str:
    """From 0 to 100 %: where the flag begins, where the probability was, where it would be."""
    before, after = 100 * change.probability_before, 100 * change.probability_after
    low, span = min(before, after), abs(after - before)
    mark = "position:absolute;display:block"
    return (
        '<span style="position:relative;display:block;width:170px;height:12px;background:#eef1f4;border-radius:6px">'
        f'<span style="{mark};left:{low:.1f}%;width:{span:.1f}%;top:4px;height:4px;background:#8b98a5"></span>'
        f'<span style="{mark};left:{100 * threshold:.1f}%;top:-3px;height:18px;border-left:2px dashed #7a4b00"></span>'
        f'<span style="{mark};left:{before:.1f}%;top:-1px;width:4px;height:14px;margin-left:-2px;background:#b4bec8">'
        f'</span><span style="{mark};left:{after:.1f}%;top:-2px;width:4px;height:16px;margin-left:-2px;'
        'background:#1c2733"></span></span>'
    )
