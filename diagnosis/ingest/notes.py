r"""Clinical notes from files: plain text, PDF with a text layer, or JSON `{"text": ..., "authored_at": ...}`.

What a file holds is decided by its first bytes and its ending. The text is kept as it was written, except for what no
reader sees: line ends become `\n`, control characters become spaces, invisible format characters (byte order mark,
zero width, soft hyphen, direction marks) are dropped. All offsets refer to the resulting text. Whatever is larger than
the limits here is refused before it is read.
"""

import json
import re
import time
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnosis.errors import LimitExceededError, NoteError
from diagnosis.ingest.note_sections import find_sections
from diagnosis.ingest.page_columns import in_reading_order
from diagnosis.record.note import ClinicalNote

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

MAX_TEXT_BYTES = 2 * 2**20
MAX_PDF_BYTES = 30 * 2**20
MAX_PDF_PAGES = 100
MAX_PDF_PAGE_BYTES = 4 * 2**20
MAX_PDF_SECONDS = 30.0
MAX_CHARACTERS = 300_000

_TEXT_SUFFIXES = {".txt", ".text", ".md", ""}
_JSON_KEYS = {"text", "authored_at"}
_LINE_ENDS = re.compile(r"\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")


def read_note(path: Path) -> ClinicalNote:
    """Read a clinical note from a .txt, .pdf or .json file.

    Raises:
        NoteError: missing, empty, unreadable, a scan without text, or of another kind.
        LimitExceededError: more bytes, pages, characters or seconds than the limits of this module.
    """
    data = _bytes_of(path)
    suffix = path.suffix.lower()
    if data.lstrip()[:5] == b"%PDF-":
        return note_from_text(_pdf_text(path))
    if suffix == ".pdf":
        msg = "note: it ends in .pdf but is not a PDF; export it again, or save it as .txt"
        raise NoteError(msg)
    if len(data) > MAX_TEXT_BYTES:
        msg = f"note: it has {len(data) / 2**20:.0f} MiB, more than {MAX_TEXT_BYTES // 2**20}; give the note alone"
        raise LimitExceededError(msg)
    if suffix == ".json":
        return _note_from_json(_decoded(data))
    if suffix in _TEXT_SUFFIXES:
        return note_from_text(_decoded(data))
    msg = f"note: files ending in {suffix[:10]!r} are not read; save it as .txt, .pdf or .json"
    raise NoteError(msg)


def note_from_text(text: str, authored_at: datetime | None = None) -> ClinicalNote:
    """A note from text that is already at hand, with its sections.

    Raises:
        NoteError: nothing but white space, or a time without a zone.
        LimitExceededError: more characters than a note has.
    """
    clean = _visible(text)
    if len(clean) > MAX_CHARACTERS:
        msg = f"note: it has {len(clean)} characters, more than {MAX_CHARACTERS}; give the note alone"
        raise LimitExceededError(msg)
    return ClinicalNote(clean, find_sections(clean), authored_at)


def _bytes_of(path: Path) -> bytes:
    if not path.is_file():
        msg = "note: there is no such file; check the path"
        raise NoteError(msg)
    try:
        size = path.stat().st_size
        if size > MAX_PDF_BYTES:
            msg = f"note: it has {size / 2**20:.0f} MiB, more than {MAX_PDF_BYTES // 2**20}; give the note alone"
            raise LimitExceededError(msg)
        data = path.read_bytes()
    except OSError as error:
        msg = f"note: it cannot be opened ({error.strerror}); check its permissions"
        raise NoteError(msg) from error
    if not data.strip():
        msg = "note: the file is empty; leave the note out instead"
        raise NoteError(msg)
    return data


def _visible(text: str) -> str:
    """Text without characters that nobody sees."""
    unified = _LINE_ENDS.sub("\n", text)
    return "".join(map(_shown, unified))


def _shown(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    return "\N{REPLACEMENT CHARACTER}" if category == "Cs" else " "


def _decoded(data: bytes) -> str:
    """Text of a file: by its byte order mark, else UTF-8, else Windows-1252 (of which Latin-1 text is a part)."""
    if data.startswith(b"{\\rtf"):
        msg = "note: it is rich text (RTF); save it as plain text"
        raise NoteError(msg)
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return _decoded_as(data, "utf-16")
    if b"\0" in data:
        msg = "note: it is not text (it holds zero bytes); save it as plain text in UTF-8"
        raise NoteError(msg)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decoded_as(data, "cp1252")


def _decoded_as(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        msg = "note: its characters are in no known encoding; save it as plain text in UTF-8"
        raise NoteError(msg) from error
    controls = sum(unicodedata.category(c) == "Cc" and c not in "\t\n\r\f\v" for c in text)
    if controls > len(text) / 100:
        msg = "note: it is not text (it is full of control characters); save it as plain text in UTF-8"
        raise NoteError(msg)
    return text


def _note_from_json(text: str) -> ClinicalNote:
    try:
        found = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:  # a ValueError of another kind: a number of thousands of digits
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        msg = f'note: it is not valid JSON{where}; write {{"text": "...", "authored_at": "2024-05-01T10:00:00Z"}}'
        raise NoteError(msg) from error
    if not isinstance(found, dict) or "text" not in found or not isinstance(found["text"], str):
        msg = 'note: the JSON has no "text" that is a string; add it'
        raise NoteError(msg)
    if not set(found) <= _JSON_KEYS:
        msg = f'note: the JSON has {len(set(found) - _JSON_KEYS)} unknown keys; only "text" and "authored_at" are read'
        raise NoteError(msg)
    return note_from_text(found["text"], _authored_at(found.get("authored_at")))


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        msg = "note: the JSON gives a key twice; keep one"
        raise NoteError(msg)
    return unique


def _authored_at(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        msg = 'note: "authored_at" is not a time; write it as 2024-05-01T10:00:00+02:00'
        raise NoteError(msg) from error


def _pdf_text(path: Path) -> str:
    """Text layer of a PDF, pages apart by an empty line."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    # pypdf raises its own errors for much of what damaged files hold, and Python's for the rest: NotImplementedError (a
    # RuntimeError, like RecursionError) for an unknown filter, AssertionError for objects of the wrong kind.
    broken = (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
        AssertionError,
        OSError,
    )
    damaged = (PyPdfError, MemoryError, *broken)
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            msg = "note: the PDF is locked with a password; save it without one"
            raise NoteError(msg)
        text = "\n\n".join(_page_texts(reader))
    except damaged as error:
        msg = "note: the PDF is damaged and cannot be read; export it again, or save it as .txt"
        raise NoteError(msg) from error
    if not text.strip():
        msg = "note: the PDF holds no text, only pictures of it (a scan); run text recognition (OCR) on it elsewhere"
        raise NoteError(msg)
    return text


def _page_text(page: "PageObject") -> str:
    """Text of one page; two columns one after the other."""
    plain = page.extract_text()
    if len(plain) > MAX_CHARACTERS:
        return plain
    return in_reading_order(page.extract_text(extraction_mode="layout")) or plain


def _page_texts(reader: "PdfReader") -> list[str]:
    started, texts, characters = time.monotonic(), [], 0
    if len(reader.pages) > MAX_PDF_PAGES:
        msg = f"note: the PDF has {len(reader.pages)} pages, more than {MAX_PDF_PAGES}; give the note alone"
        raise LimitExceededError(msg)
    for number, page in enumerate(reader.pages, 1):
        contents = page.get_contents()
        if contents is not None and len(contents.get_data()) > MAX_PDF_PAGE_BYTES:
            msg = f"note: page {number} of the PDF is larger than {MAX_PDF_PAGE_BYTES // 2**20} MiB; save it as .txt"
            raise LimitExceededError(msg)
        texts.append(_page_text(page))
        characters += len(texts[-1])
        if characters > MAX_CHARACTERS or time.monotonic() - started > MAX_PDF_SECONDS:
            msg = f"note: the PDF is too long to read ({number} of {len(reader.pages)} pages done); give the note alone"
            raise LimitExceededError(msg)
    return texts
