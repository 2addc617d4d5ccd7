"""A report drafted from an assessment and the words of a case, in which every sentence shows what it rests on.

=============  ======================================================================================================
`evidence`     `Evidence`: a descriptor head, a span of words, a measurement, a probability, a guideline; `Sentence`
               and `Draft`, which refuse a sentence without evidence
`wording`      how descriptors are said, and how they are read back from what was said
`patient`      age, sex, smoking and cancer, as stated
`drafter`      `draft_report`: clinical information, technique, findings, impression, recommendation
`questions`    `answer`, `answer_all`: set questions from the same evidence; "not known" is an answer
`proof`        `unsupported`: sentences whose evidence does not hold, or that name a number which is not in it
`editing`      `sign`: the clinician's text, what was changed of the draft, and what of it has no evidence
=============  ======================================================================================================

What comes in: records. What goes out: frozen sentences. Nothing is said that has no evidence: a sentence cannot be made
without any, and `unsupported` looks every piece up again in the case and the assessment. What the sources contradict
each other on is said as a contradiction. Ratings of the descriptor head are told only where there is a CT to read them
from; what words alone say is told as what they say. A draft is none of a clinician's until it is signed.
"""

from diagnosis.drafting.drafter import draft_report
from diagnosis.drafting.editing import SignedReport, sign
from diagnosis.drafting.evidence import Draft, Evidence, EvidenceKind, Section, Sentence
from diagnosis.drafting.proof import unsupported
from diagnosis.drafting.questions import QUESTIONS, Answer, answer, answer_all

__all__ = [
    "QUESTIONS",
    "Answer",
    "Draft",
    "Evidence",
    "EvidenceKind",
    "Section",
    "Sentence",
    "SignedReport",
    "answer",
    "answer_all",
    "draft_report",
    "sign",
    "unsupported",
]
