"""A drafted report with what each sentence rests on; a signed one with what was changed; answers to set questions."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from diagnosis.drafting import Answer, Draft, Evidence, EvidenceKind, Section
from diagnosis.store.reports import KeptReport
from diagnosis.vocabulary import counted, subset_words

_KIND_WORDS = {
    EvidenceKind.DESCRIPTOR: "read from the CT",
    EvidenceKind.MEASUREMENT: "measured",
    EvidenceKind.PROBABILITY: "assessment",
    EvidenceKind.GUIDELINE: "guideline",
    EvidenceKind.CASE: "case",
    EvidenceKind.WARNING: "warning",
}
_LONGEST = 90
_SAME_WORDS = frozenset({EvidenceKind.WARNING})
"""Evidence that the sentence repeats word for word: its kind says enough."""


def render_draft(draft: Draft) -> None:
    """Each sentence of the draft with its evidence below it."""
    parts = []
    for section in Section:
        rows = "".join(_sentence(s.text, s.evidence) for s in draft.sentences if s.section is section)
        if rows:
            parts.append(f"<h3>{section.value}</h3><ul>{rows}</ul>")
    st.html(
        '<section class="dx-card dx-draft" tabindex="0" role="region" aria-label="Draft with its evidence">'
        f"{''.join(parts)}</section>"
    )


def render_signed(kept: KeptReport, *, is_outdated: bool) -> None:
    """The report that counts: its words, who signed it and when, and what of it is the clinician's own."""
    report = kept.report
    known = set(report.draft_text.splitlines())
    lines = "".join(_line(line, is_own=bool(line.strip()) and line not in known) for line in report.text.splitlines())
    chip = "of an earlier assessment" if is_outdated else "signed"
    st.html(
        f'<section class="dx-card dx-report" tabindex="0" role="region" aria-label="Signed report"><p>'
        f'<span class="dx-chip {"waits" if is_outdated else "calm"}">{chip}</span> Signed by '
        f"<b>{escape(kept.made_by)}</b> on {kept.made_at:%Y-%m-%d at %H:%M} UTC, of assessment {report.assessment}.</p>"
        f"<div>{lines}</div>"
        '<p class="dx-quiet">Underlined: the clinician\'s own words, which no sentence of the draft stands behind.</p>'
        f"{_changes(report.diff)}</section>"
    )


def render_answers(answers: Sequence[Answer]) -> None:
    """A row for each question; first those that the case answers."""
    rows = "".join(
        f"<tr><td>{escape(_capital(a.question))}</td><td>{escape(a.text)}{_references(a.evidence)}</td></tr>"
        for a in sorted(answers, key=lambda a: not a.is_known)
    )
    st.html(
        '<section class="dx-card dx-answers" tabindex="0" role="region" aria-label="Questions and answers">'
        f'<table class="dx-table"><thead><tr><th>Question</th><th>Answer and what it rests on</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></section>"
    )


def unsupported_lines(draft: Draft, text: str) -> list[str]:
    """Lines of a text that no line of the draft stands behind."""
    known = set(draft.text.splitlines())
    return [line.strip() for line in text.splitlines() if line.strip() and line not in known]


def dropped_sentences(draft: Draft, text: str) -> list[str]:
    """Sentences of the draft that a text does not hold."""
    kept = set(text.splitlines())
    return [sentence.text for sentence in draft.sentences if sentence.text not in kept]


def _sentence(text: str, evidence: Sequence[Evidence]) -> str:
    return f"<li>{escape(text)}{_references(evidence)}</li>"


def _references(evidence: Sequence[Evidence]) -> str:
    told = "".join(f"<span>{words}</span>" for words in dict.fromkeys(_words(e) for e in evidence))
    return f'<div class="dx-evidence">{told}</div>' if told else ""


def _words(evidence: Evidence) -> str:
    """One piece of evidence: where it comes from, and what stands there."""
    value = evidence.value if len(evidence.value) <= _LONGEST else f"{evidence.value[:_LONGEST]}…"
    if evidence.kind is EvidenceKind.WORDS:
        place = f" at {evidence.seconds[0]:.1f} s" if evidence.seconds else ""
        return f"<b>{escape(evidence.source or '')}{place}</b> “{escape(value)}”"
    name = escape(evidence.name.replace("_", " "))
    source = f" doi:{escape(evidence.doi)}" if evidence.doi else ""
    if evidence.kind in _SAME_WORDS:
        return f"<b>{_KIND_WORDS[evidence.kind]}</b> of the assessment"
    if evidence.kind is EvidenceKind.GUIDELINE:
        return f"<b>{name}</b>{source}"
    if evidence.name == "present":  # kinds of evidence, as they are named in files
        value = subset_words("+".join(value.split()))
    told = escape(value) if evidence.kind is EvidenceKind.CASE else f"{name} {escape(value)}"
    return f"<b>{_KIND_WORDS[evidence.kind]}</b> {told}"


def _line(line: str, *, is_own: bool) -> str:
    return f"<div>{f'<u>{escape(line)}</u>' if is_own else escape(line) or '&nbsp;'}</div>"


def _changes(diff: str) -> str:
    """The kept diff, line by line; its two heads and its places are left out."""
    marks = {"+": "ins", "-": "del"}
    lines = [line for line in diff.splitlines()[2:] if line[:1] in marks and line[1:].strip()]
    if not lines:
        return '<p class="dx-quiet">Signed as it was drafted.</p>'
    items = "".join(f"<div><{marks[line[0]]}>{escape(line[1:])}</{marks[line[0]]}></div>" for line in lines)
    return f"<details><summary>Changed from the draft: {counted(len(lines), 'line')}</summary>{items}</details>"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
