"""What a clinician should look at before a transcript counts: doubtful words that change its meaning, sound not heard.

A misheard "no", side or number turns a report into its opposite and reads as well as the right word. Such words are
marked where the recognizer was not sure of them; names of findings are marked at a lower probability. "And calcified"
is marked however sure it was: it sounds like "uncalcified", and of 55 such words in 40 dictations by a neural voice 14
were written so. (To let the recognizer compare both readings was tried: by six voices that its margins were not chosen
on it put 9 places right and 11 wrong.)

Of a recording it is said where it sounds like speech but has no words, and whether it is clipped or too quiet.
"""

import re

import numpy as np

from diagnosis.ingest.audio import SAMPLING_RATE_HZ
from diagnosis.record.note import Audio, VoiceNote
from diagnosis.spoken_numbers import NUMBER_VALUES

# A word of the kind is marked below this probability.
MEANING_BELOW = 0.70
NUMBER_BELOW = 0.70
UNIT_BELOW = 0.08
FINDING_BELOW = 0.45

HARD_TO_HEAR_BELOW = 0.65
UNHEARD_SPEECH_S = 1.5
CLIPPED_SHARE = 0.002
QUIET_RMS = 0.003


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MEANING = _words(
    "no not without negative none never neither nor absent absence denies denied free cannot except unlikely likely "
    "possible possibly probable probably suspicious questionable left right bilateral unilateral upper lower middle "
    "superior inferior anterior posterior medial lateral apical basal increased decreased enlarged larger smaller "
    "stable unchanged new resolved improved worsened normal abnormal benign malignant positive acute chronic well "
    "poorly ill solid non-solid subsolid part-solid semisolid calcified non-calcified noncalcified spiculated non- "
    "spiculated unspiculated lobulated non-lobulated unlobulated smooth irregular former current"
)
_NUMBERS = frozenset(NUMBER_VALUES) | _words("hundred half point double")
_UNITS = _words(
    "mm cm ml cc hu % millimeter millimeters millimetre millimetres centimeter centimeters centimetre centimetres "
    "hounsfield percent year years month months week weeks day days"
)
_FINDING = re.compile(
    r"^(non-?|un)?(nodul|mass|tumou?r|cancer|carcinom|adenocarcinom|malignan|metasta|effusion|pneumothora|consolidat|"
    r"opaci|atelecta|infiltrat|pneumonia|o?edema|emphysem|cardiomegal|fractur|granulom|calcif|cavit|lymphadenopath|"
    r"adenopath|fibros|scar|spicul|lobul|bronchiecta|embol|thromb|ground|hyper|hypo)"
)
# Adjectives whose "un-" is heard as the word before them.
_TURNED_BY_UN = _words("calcified spiculated lobulated")
_HEARD_FOR_UN = _words("and an in on um am")
_CONTRACTED_NOT = re.compile(r"n['\N{RIGHT SINGLE QUOTATION MARK}]t$")


def words_to_check(voice_note: VoiceNote) -> tuple[int, ...]:
    """Indices into `voice_note.words` of words that change the meaning and may have been misheard."""
    words = voice_note.words
    return tuple(
        i
        for i, word in enumerate(words)
        if word.probability < _threshold(word.text) or (i > 0 and _may_be_un(words[i - 1].text, word.text))
    )


def _may_be_un(before: str, text: str) -> bool:
    """Whether two words, "and calcified", sound like one that means the opposite."""
    return before.lower() in _HEARD_FOR_UN and _plain(text) in _TURNED_BY_UN


def _plain(text: str) -> str:
    return text.strip(".,;:?!()[]\"'").lower()


def _threshold(text: str) -> float:
    """Probability below which a word is marked; 0 for words that do not change the meaning."""
    word = _plain(text)
    if word in _MEANING or _CONTRACTED_NOT.search(word):
        return MEANING_BELOW
    if word in _NUMBERS or any(character.isdigit() for character in word):
        return NUMBER_BELOW
    if word in _UNITS:
        return UNIT_BELOW
    return FINDING_BELOW if _FINDING.match(word) else 0.0


def transcript_warnings(voice_note: VoiceNote) -> tuple[str, ...]:
    """Sentences for the clinician on a transcript and its recording; none where all is well."""
    warnings = [
        f"from {start_s:.1f} to {end_s:.1f} s there is sound like speech but no words; listen to it"
        for start_s, end_s in unheard_speech_s(voice_note)
    ]
    if not voice_note.words:
        found = "speech was not understood" if warnings else "no speech was found"
        warnings.insert(0, f"{found} in {voice_note.duration_s:.1f} s; the transcript is empty, record it again")
    if voice_note.audio is not None:
        warnings.extend(_recording_warnings(voice_note.audio))
    if voice_note.words and float(np.mean([word.probability for word in voice_note.words])) < HARD_TO_HEAR_BELOW:
        warnings.append("the recording was hard to understand; check every word against it")
    if n_doubtful := len(words_to_check(voice_note)):
        words = (
            "1 word that may change the meaning was"
            if n_doubtful == 1
            else (f"{n_doubtful} words that may change the meaning were")
        )
        warnings.append(f"{words} not heard well; check against the recording")
    return tuple(warnings)


def _recording_warnings(audio: Audio) -> list[str]:
    warnings = []
    clipped = float(np.mean(np.abs(audio.samples) >= 0.999))
    if clipped > CLIPPED_SHARE:
        warnings.append(f"the recording is clipped ({clipped:.1%} of it at full scale); lower the microphone's level")
    if 0 < float(np.sqrt(np.mean(np.square(audio.samples)))) < QUIET_RMS:
        warnings.append("the recording is very quiet; raise the microphone's level or speak closer to it")
    return warnings


def unheard_speech_s(voice_note: VoiceNote) -> tuple[tuple[float, float], ...]:
    """Spans (start, end) in seconds that sound like speech for a while and hold no word."""
    if voice_note.audio is None:
        return ()
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    heard = np.zeros(voice_note.audio.samples.size, bool)
    margin_s = 0.3
    for word in voice_note.words:
        first, last = (round(s * SAMPLING_RATE_HZ) for s in (word.start_s - margin_s, word.end_s + margin_s))
        heard[max(first, 0) : last] = True
    speech = np.zeros_like(heard)
    for span in get_speech_timestamps(
        voice_note.audio.samples, VadOptions(speech_pad_ms=0, min_silence_duration_ms=300)
    ):
        speech[span["start"] : span["end"]] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[False], speech & ~heard, [False]]).astype(np.int8)))
    spans = edges.reshape(-1, 2) / SAMPLING_RATE_HZ
    return tuple((float(a), float(b)) for a, b in spans if b - a >= UNHEARD_SPEECH_S)
