"""Which seconds of a dictation speak for a finding.

The words of the transcript are attributed like those of a note and placed on the recording by the time each was spoken.
Where the bundle also listens to the sound itself, its log-mel frames get a map of their own, frequency by time.
"""

import numpy as np
import torch

from diagnosis.explanation.parts import SoundFunction
from diagnosis.explanation.path import Refinement, integrate_adaptively
from diagnosis.explanation.text import TEXT_METHOD, TextMap
from diagnosis.explanation.words import sum_to_sentences, sum_to_words
from diagnosis.preprocessing.audio import HOP_S
from diagnosis.record import Faithfulness, SoundAttribution, SpeechSpan, TextAttribution, TextSpan, VoiceNote


def attribute_voice(text_map: TextMap, voice_note: VoiceNote) -> TextAttribution:
    """Attributions of the tokens summed to the spoken words, with their characters and their seconds."""
    groups = sum_to_words(text_map.token_values, text_map.prepared.spans, voice_note.word_spans)
    spans = tuple(_spoken(voice_note, members, value) for members, value in groups)
    as_text = [TextSpan(span.start, span.end, span.text, span.value) for span in spans]
    return TextAttribution(
        spans=spans,
        method=TEXT_METHOD,
        faithfulness=Faithfulness(completeness_gap=text_map.integral.completeness_gap),
        sentences=sum_to_sentences(voice_note.text, as_text),
        baseline=text_map.start.words,
    )


def attribute_sound(function: SoundFunction) -> SoundAttribution:
    """Attribution of the log-mel frames; the path starts at zero, the mean spectrum of the recording itself."""
    baseline = torch.zeros_like(function.values)
    integral = integrate_adaptively(function, function.values, baseline, Refinement(at_once=4))
    return SoundAttribution(
        values=integral.attributions[0].numpy().astype(np.float32),
        hop_s=HOP_S,
        method=TEXT_METHOD,
        faithfulness=Faithfulness(completeness_gap=integral.completeness_gap),
    )


def _spoken(voice_note: VoiceNote, members: list[int], value: float) -> SpeechSpan:
    """A group of neighboring spoken words."""
    first, last = members[0], members[-1]
    start, end = voice_note.word_spans[first][0], voice_note.word_spans[last][1]
    return SpeechSpan(
        start=start,
        end=end,
        start_s=voice_note.words[first].start_s,
        end_s=voice_note.words[last].end_s,
        text=voice_note.text[start:end],
        value=value,
    )
