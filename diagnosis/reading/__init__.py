"""Words to facts: what a note and a dictation say, where they disagree, and what clinical models make of it. No torch.

=====================  ==========================================================================================
`reader`               `read_note`, `read_dictation`, `read_text`: facts with their places in the original text
`facts`                `Fact`: kind, name, value, characters, seconds, and how it is meant
`sentences`            sentences as character offsets
`context`              negated, uncertain, historical, hypothetical, of a relative: cues with scopes
`context_rules`        the cues
`findings`             mentions of findings; `finding_names` how they are written
`sizes`, `places`      lengths in millimeters; sides, lobes and segments
`size_times`           which sizes are of an earlier day
`organs`               which sizes are an organ's, and none of a lesion
`history`              age, sex, smoking, cancer, relatives, kind of exam
`chest_labels`         the findings of a whole chest report
`contradictions`       `find_contradictions` between note, dictation, CT region and case
`nodule_facts`         what all sources say of one nodule, for the clinical models
`opinion`              the form of a second opinion, and what its models share
`brock`, `mayo`        probability of malignancy
`fleischner`           follow-up of nodules found by chance
`lung_rads`            category of a screening CT
`second_opinions`      all of them on one case
`case_words`           `read_words`: everything above, of one case
=====================  ==========================================================================================

What comes in: records. What goes out: frozen facts whose `start` and `end` are characters of the text as it was
written, or of the transcript. Nothing is guessed: what is not said is asked for, what is contradicted is shown, and a
model outside its population refuses with the reason.

How well, beside `diagnosis words-benchmark`: 120 made-up notes in many styles (telegram, letter, structured report,
dictation, follow-up; `tests/diagnosis/reading/nodule_notes.txt`) state 678 facts. Of the 40 that were kept unseen while
the reader was mended 83 % were read before and 92 % after; of two further sets of 20, each written after the mending
it judged, 91 and 93 %, 88 and 94 %. All were looked at since: 673 of the 678 are read now, and nothing is claimed that
a note does not state. Not read: a family history that names no disease ("no FHx"), "ML" for the middle lobe, and an
answer that leans on an earlier clause ("he has never had any").
"""

from diagnosis.reading.case_words import CaseWords, contradiction_warnings, read_words
from diagnosis.reading.chest_labels import report_labels
from diagnosis.reading.context import Assertions, assertions_of
from diagnosis.reading.contradictions import Contradiction, Saying, Topic, find_contradictions
from diagnosis.reading.facts import Fact, FactKind, Source
from diagnosis.reading.nodule_facts import NoduleFacts
from diagnosis.reading.opinion import SecondOpinion, UsedInput
from diagnosis.reading.reader import read_dictation, read_note, read_text
from diagnosis.reading.second_opinions import known_of, second_opinions

__all__ = [
    "Assertions",
    "CaseWords",
    "Contradiction",
    "Fact",
    "FactKind",
    "NoduleFacts",
    "Saying",
    "SecondOpinion",
    "Source",
    "Topic",
    "UsedInput",
    "assertions_of",
    "contradiction_warnings",
    "find_contradictions",
    "known_of",
    "read_dictation",
    "read_note",
    "read_text",
    "read_words",
    "report_labels",
    "second_opinions",
]
