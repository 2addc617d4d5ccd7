"""Punctuation that was dictated: "comma", "full stop", "new paragraph" become marks; every mark keeps its second.

A spoken mark becomes a word of its own (text `,` or a line end), so that it can still be pointed at in the sound;
`VoiceNote.text` joins it to its neighbors. Marks that the recognizer set by itself beside a spoken one give way to it.

Some of these words are ordinary speech too, and nothing is more ordinary in a report than a colon. A word is taken
for a command by what stands beside it:

* `period`, `full stop`, `comma`, `dash`, `slash`, `hyphen`: a command, unless a determiner or an adjective of time
  stands before it ("a period of three months", "postoperative period") or it governs what follows ("period of time",
  "comma-shaped").
* `colon`: speech, unless a heading, or the name of an organ at the start of a sentence, stands before it ("findings
  colon", "lungs colon clear") and no disease of the colon after it.
* `new line`, `next line`: a command, unless a determiner stands before it or a catheter is meant ("a new line", "new
  line placement", "next line therapy").
* `new paragraph`, `question mark`, `semicolon`, brackets: always a command.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from diagnosis.record.note import SpeechSegment, Word


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PARAGRAPH, _LINE, _DASH = "\n\n", "\n", "\N{EN DASH}"
_MARKS: dict[tuple[str, ...], str] = {
    ("comma",): ",",
    ("full", "stop"): ".",
    ("fullstop",): ".",
    # What Whisper makes of "full stop" where no full stop can be; none of it is said otherwise.
    ("fuel", "stop"): ".",
    ("false", "top"): ".",
    ("field", "stop"): ".",
    ("false", "stop"): ".",
    ("full", "top"): ".",
    ("period",): ".",
    ("colon",): ":",
    ("semicolon",): ";",
    ("semi", "colon"): ";",
    ("question", "mark"): "?",
    ("exclamation", "mark"): "!",
    ("exclamation", "point"): "!",
    ("new", "paragraph"): _PARAGRAPH,
    ("next", "paragraph"): _PARAGRAPH,
    ("new", "line"): _LINE,
    ("newline",): _LINE,
    ("next", "line"): _LINE,
    ("hyphen",): "-",
    ("dash",): _DASH,
    ("slash",): "/",
    ("forward", "slash"): "/",
    **{
        (side, noun): mark
        for noun in ("bracket", "brackets", "parenthesis", "parentheses", "paren")
        for side, mark in (("open", "("), ("close", ")"), ("closed", ")"))
    },
}
_LONGEST = max(map(len, _MARKS))
_OWN_MARKS = ".,;:?!"
_BREAKS = frozenset({_LINE, _PARAGRAPH})
_ALWAYS = frozenset({_PARAGRAPH, "?", "!", ";", "(", ")"})
_JOINERS = frozenset({"hyphen", "dash", "slash"})
_SENTENCE_ENDS = frozenset({"period", "stop", "paragraph", "line", "fullstop", "newline"})

_DETERMINERS = _words("a an the this that these those each every any another his her its per")
# Words that cannot end a sentence and so make the period after them a stretch of time ...
_ADJECTIVES_OF_TIME = _words(
    "short long brief longer shorter prolonged extended latent latency incubation refractory menstrual postoperative "
    "post-operative perioperative preoperative postpartum perinatal neonatal month year week day hour minute"
)
# ... and words that can, but not between a determiner and the period: "the follow-up period".
_NOUNS_OF_TIME = _words("follow-up followup surveillance observation recovery treatment holiday washout")
_AFTER_PERIOD = frozenset({"of", "between", "since", "during"})
_AFTER_LINE = _words(
    "placement placed insertion inserted tip tips terminates terminating therapy treatment chemotherapy with has is "
    "was via position positioned catheter"
)
_HEADINGS = _words(
    "findings finding impression impressions conclusion conclusions history indication indications technique "
    "comparison exam examination procedure recommendation recommendations opinion summary assessment plan report "
    "following follows information details question diagnosis note addendum medications allergies"
)
_ORGANS = _words(
    "lung lungs airway airways pleura pleural heart mediastinum hila hilum vessels aorta bones bone skeleton spine "
    "abdomen liver spleen kidneys pancreas adrenals thyroid esophagus nodes wall tissues other nodule nodules mass "
    "lobe chest thorax lines tubes devices"
)
_DISEASE_OF_COLON = _words(
    "cancer cancers carcinoma adenocarcinoma polyp polyps resection surgery screening interposition primary"
)
_VERBS = _words("is was are were appears shows contains demonstrates and or")
_MAX_LABEL_WORDS = 3


_RUN_ON = re.compile(r"(comma)(?!nd|s\b|nt)([a-z]{3,}\W*)$", re.IGNORECASE)


def apply_spoken_punctuation(segments: Sequence[SpeechSegment]) -> list[SpeechSegment]:
    """Segments in which dictated marks are marks; every word keeps its times and its probability."""
    heard = [(part, index) for index, segment in enumerate(segments) for word in segment.words for part in _parts(word)]
    words = [word for word, _ in heard]
    out: list[tuple[Word, int]] = []
    position = 0
    while position < len(words):
        index = heard[position][1]
        length, mark = _command_at(words, position)
        if mark:
            _append_mark(out, words[position : position + length], mark, index)
        else:
            out.append((_cased(words, position, out[-1][0] if out else None), index))
        position += length
    return _regrouped(out)


def _parts(word: Word) -> list[Word]:
    """A word, or the words of which the recognizer made one: "part-hyphen-solid", "commasix"."""
    if run_on := _RUN_ON.match(word.text):
        middle_s = (word.start_s + word.end_s) / 2
        return [replace(word, text=run_on[1], end_s=middle_s), replace(word, text=run_on[2], start_s=middle_s)]
    parts = [part for part in word.text.split("-") if part]
    if not _JOINERS & {_plain(part) for part in parts}:
        return [replace(word, text="\N{EN DASH}") if word.text == "-" else word]
    step_s = (word.end_s - word.start_s) / len(parts)
    starts_s = [word.start_s + step_s * i for i in range(len(parts))] + [word.end_s]
    return [replace(word, text=part, start_s=starts_s[i], end_s=starts_s[i + 1]) for i, part in enumerate(parts)]


def _plain(text: str) -> str:
    return text.strip("\"'()[]" + _OWN_MARKS).lower()


def _plain_at(words: Sequence[Word], position: int) -> str:
    return _plain(words[position].text) if 0 <= position < len(words) else ""


def _command_at(words: Sequence[Word], position: int) -> tuple[int, str]:
    """Number of words of the command here and its mark; 1 and nothing where there is none."""
    for length in range(_LONGEST, 0, -1):
        spoken = tuple(_plain_at(words, position + i) for i in range(length))
        mark = _MARKS.get(spoken, "")
        if mark and _is_command(mark, words, position, length):
            is_range = mark == _DASH and _has_digit(words, position - 1) and _has_digit(words, position + length)
            return length, "-" if is_range else mark
    return 1, ""


def _has_digit(words: Sequence[Word], position: int) -> bool:
    return any(c.isdigit() for c in _plain_at(words, position))


def _is_command(mark: str, words: Sequence[Word], position: int, length: int) -> bool:
    before, after = _plain_at(words, position - 1), _plain_at(words, position + length)
    if mark in _ALWAYS:
        return True
    if mark == ":":
        return _ends_label(words, position) and after not in _DISEASE_OF_COLON
    if before in _DETERMINERS:
        return False
    if mark == _LINE:
        return before != "no" and after not in _AFTER_LINE
    if mark == "." and length == 1:
        return not _is_stretch_of_time(words, position)
    return mark != "," or after not in {"shaped", "sign"}


def _is_stretch_of_time(words: Sequence[Word], position: int) -> bool:
    before, after = _plain_at(words, position - 1), _plain_at(words, position + 1)
    if before in _ADJECTIVES_OF_TIME:
        return True
    if before in _NOUNS_OF_TIME:
        return _plain_at(words, position - 2) in _DETERMINERS
    return after in _AFTER_PERIOD and _plain_at(words, position + 2) != "note"


def _ends_label(words: Sequence[Word], position: int) -> bool:
    """Whether the words up to `position` end a label, such as "impression" or "upper abdomen"."""
    before, after = _plain_at(words, position - 1), _plain_at(words, position + 1)
    if before in _HEADINGS:
        return True
    starts = (i for i in range(position - 1, -1, -1) if i == 0 or _starts_sentence(words, i))
    return before in _ORGANS and after not in _VERBS and position - next(starts, -99) <= _MAX_LABEL_WORDS


def _starts_sentence(words: Sequence[Word], position: int) -> bool:
    return words[position - 1].text.endswith((".", "?", "!", ":")) or _plain_at(words, position - 1) in _SENTENCE_ENDS


def _append_mark(out: list[tuple[Word, int]], spoken: Sequence[Word], mark: str, index: int) -> None:
    """Append a mark in place of the words that dictated it, and of the recognizer's own mark before it."""
    if not out:
        if mark in {"(", "?"}:
            out.append((_mark_word(spoken, mark), index))
        return
    last, last_index = out[-1]
    if last.text == mark or (mark in _BREAKS and last.text in _BREAKS):
        return
    weaker = "," if mark in {*_BREAKS, "("} else _OWN_MARKS
    if stripped := last.text.rstrip(weaker):
        out[-1] = (replace(last, text=stripped), last_index)
    out.append((_mark_word(spoken, mark), index))


def _mark_word(spoken: Sequence[Word], mark: str) -> Word:
    return Word(mark, spoken[0].start_s, spoken[-1].end_s, min(word.probability for word in spoken))


def _cased(words: Sequence[Word], position: int, last: Word | None) -> Word:
    """The word, with the case that the dictated mark before it asks for."""
    word = words[position]
    if last is None or last.text not in _MARKS.values():
        return word
    if last.text in {".", "?", "!", _LINE, _PARAGRAPH}:
        return replace(word, text=word.text[:1].upper() + word.text[1:])
    # The recognizer took the word "comma" for a sentence of its own and began another one after it.
    began_sentence = words[position - 1].text.endswith(".") and word.text.istitle() and len(word.text) > 1
    return replace(word, text=word.text.lower()) if began_sentence and last.text != ":" else word


def _regrouped(words: Sequence[tuple[Word, int]]) -> list[SpeechSegment]:
    groups = groupby(words, key=lambda pair: pair[1])
    return [SpeechSegment(tuple(word for word, _ in group)) for _, group in groups]
