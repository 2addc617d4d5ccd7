"""Note and dictation of a case: shown, corrected, confirmed; a new dictation recorded or uploaded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinician_ui.access import may
from clinician_ui.components.banner import render_warnings
from clinician_ui.components.note_highlight import render_note
from clinician_ui.components.phrases import sentence
from clinician_ui.components.waveform import render_dictation
from clinician_ui.dictations import (
    Heard,
    confirm_recording,
    confirm_transcript,
    correct_waiting,
    drop_waiting,
    find_waiting,
    heard_in,
    keep_waiting,
    mark_of_waiting,
    transcribe_recording,
)
from clinician_ui.permissions import Permission
from clinician_ui.services import CaseEntry, edit_case
from clinician_ui.state import Workplace
from diagnosis.errors import AudioError, DiagnosisError, InputError
from diagnosis.record import Case, Explanation, VoiceNote
from diagnosis.store.edits import Edit, EditedPart

SOUND_KINDS = ["wav", "flac", "mp3", "m4a", "ogg", "webm"]
UNCONFIRMED = (
    "No clinician has confirmed this transcript yet: it counts as what a program heard, not as the clinician's word."
)


@final
@dataclass(frozen=True, eq=False)
class Recording:
    """A new recording that waits to be confirmed: its mark, what was heard in it, and the words as corrected so far."""

    mark: str
    heard: Heard
    text: str


@st.fragment
def render_words(place: Workplace, entry: CaseEntry, case: Case, explanation: Explanation | None) -> None:
    """Note and dictation side by side; by themselves, so that writing in them does not draw the whole page anew."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("Note", anchor=False)
        if case.note is not None:
            render_note(case.note, explanation.note if explanation is not None else None)
        else:
            st.caption("This case has no note.")
        if may(Permission.EDIT):
            _render_note_editor(entry, case)
    with right:
        st.header("Dictation", anchor=False)
        if case.voice_note is not None:
            _render_voice(entry, case.voice_note, explanation)
        else:
            st.caption("This case has no dictation.")
        if may(Permission.EDIT):
            _render_recorder(place, entry)


def _render_note_editor(entry: CaseEntry, case: Case) -> None:
    text = case.note.text if case.note is not None else ""
    with _fold("Edit the note" if text else "Write a note", f"fold-note-{entry.token}"):
        edited = st.text_area("Note", text, height=220, key=f"note-{entry.token}", max_chars=20_000)
        if not st.button("Save the note and assess again", key="save-note", type="primary"):
            return
        if edited.strip() == text.strip():
            st.caption("Nothing to save: the note is as it was.")
            return
        if not edited.strip() and case.volume is None and case.voice_note is None:
            st.warning("The note is all that there is of this case: write another one, or leave it as it is.")
            return
        _do(lambda: edit_case(entry, Edit(EditedPart.NOTE, text, edited, is_confirmed=True)))


def _fold(label: str, key: str, *, is_open: bool = False) -> DeltaGenerator:
    """A fold that stays as the reader set it, whatever is drawn anew."""
    return st.expander(label, expanded=is_open, key=key, on_change="rerun")


def _render_voice(entry: CaseEntry, voice: VoiceNote, explanation: Explanation | None) -> None:
    heard = _heard(entry, voice)
    render_dictation(
        voice, explanation.voice if explanation is not None else None, f"dictation-{entry.token}", heard.to_check
    )
    if voice.confirmed_by is None:
        st.caption(UNCONFIRMED)
    if not may(Permission.EDIT):
        return
    key = f"fold-transcript-{entry.token}-{voice.confirmed_by is None}"
    with _fold("Correct and confirm the transcript", key, is_open=voice.confirmed_by is None):
        text = st.text_area("Transcript", voice.text, height=160, key=f"transcript-{entry.token}", max_chars=20_000)
        if st.button("Confirm as my word and assess again", key="confirm-transcript", type="primary"):
            _do(lambda: confirm_transcript(entry, voice, text))


def _heard(entry: CaseEntry, voice: VoiceNote) -> Heard:
    """What to check; of a transcript that was confirmed, nothing. Kept, for listening again takes a while."""
    if voice.confirmed_by is not None:
        return Heard(voice, frozenset(), ())
    key = f"heard-{entry.token}"
    known = st.session_state.get(key)
    if isinstance(known, Heard) and known.voice is voice:
        return known
    heard = st.session_state[key] = heard_in(voice)
    return heard


def _render_recorder(place: Workplace, entry: CaseEntry) -> None:
    """The recorder; open from the start where a recording waits, as after a refresh."""
    key = f"recording-{entry.token}"
    round_ = st.session_state.setdefault(f"{key}-round", 0)
    try:
        mark = mark_of_waiting(entry)
        # Not an expander: a redraw may fold it, and hide a recording that waits to be confirmed.
        if not st.toggle("Record or upload a dictation", value=mark is not None, key=f"{key}-open-{round_}"):
            return
        recorded = st.audio_input("Record a dictation", key=f"{key}-mic-{round_}")
        uploaded = st.file_uploader(
            "Or a sound file", type=SOUND_KINDS, key=f"{key}-file-{round_}", max_upload_size=200
        )
        sound = recorded or uploaded
        if sound is not None and st.session_state.get(f"{key}-kept") != sound.file_id:
            mark = keep_waiting(entry, sound.getvalue(), Path(sound.name).suffix.lower())
            st.session_state[f"{key}-kept"] = sound.file_id
        if mark is not None:
            _render_waiting(place, entry, _waiting(entry, key, mark))
    except DiagnosisError as error:
        st.error(str(error))


def _waiting(entry: CaseEntry, key: str, mark: str) -> Recording:
    """What was heard in the recording that waits; transcribed once, found again after a refresh.

    Raises:
        DiagnosisError: it cannot be transcribed, or it is gone.
    """
    known = st.session_state.get(key)
    if isinstance(known, Recording) and known.mark == mark:
        return known
    kept = find_waiting(entry)
    if kept is None:
        msg = "dictation: the recording is no longer there; it was confirmed or discarded on another page"
        raise AudioError(msg)
    bar = st.progress(0.0, "Listening to the dictation")

    def show(words: str, share: float) -> None:
        bar.progress(share, words)

    try:
        heard = transcribe_recording(kept.sound, kept.suffix if kept.suffix[1:] in SOUND_KINDS else ".wav", show)
    except InputError:
        drop_waiting(entry, mark)  # nothing can be heard in it, however often the page is refreshed
        raise
    finally:
        bar.empty()
    waiting = Recording(mark, heard, heard.voice.text if kept.text is None else kept.text)
    st.session_state[key] = waiting
    return waiting


def _render_waiting(place: Workplace, entry: CaseEntry, waiting: Recording) -> None:
    """A transcript before it counts: it waits for its speaker, and no assessment reads it."""
    voice = waiting.heard.voice
    if not voice.words:
        st.warning("No words were heard. Speak closer to the microphone, and record it again.")
    st.caption("This recording waits for you, over a refresh too. It counts only once you confirm it.")
    render_dictation(voice, None, f"waiting-{entry.token}", waiting.heard.to_check)
    render_warnings([sentence(warning) for warning in waiting.heard.warnings])
    key = f"said-{entry.token}-{waiting.mark}"
    text = st.text_area("What was said", waiting.text, height=160, key=key, max_chars=20_000)
    if text != st.session_state.setdefault(f"{key}-kept", waiting.text):
        correct_waiting(entry, waiting.mark, text)
        st.session_state[f"{key}-kept"] = text
    if st.button("Confirm as my word and assess", key="confirm-recording", type="primary", width="stretch"):
        _do(lambda: _confirm(place, entry, waiting, text))
    if st.button("Discard the recording", key="drop-recording", width="stretch"):
        drop_waiting(entry, waiting.mark)
        _forget(entry)
        st.rerun()


def _confirm(place: Workplace, entry: CaseEntry, waiting: Recording, text: str) -> None:
    confirm_recording(place.cases_dir, entry, waiting.heard, text, waiting.mark)
    _forget(entry)


def _forget(entry: CaseEntry) -> None:
    """The recorder starts anew: a widget of another name is an empty one."""
    key = f"recording-{entry.token}"
    st.session_state.pop(key, None)
    st.session_state[f"{key}-round"] += 1


def _do(change: Callable[[], None]) -> None:
    """Make a change and draw the page anew; say why where it cannot be made."""
    try:
        change()
    except DiagnosisError as error:
        st.error(str(error))
    else:
        st.rerun()
