"""Notes from files of all kinds: what is read, what is refused and with which sentence."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from diagnosis.errors import LimitExceededError, NoteError
from diagnosis.ingest import notes
from diagnosis.ingest.notes import note_from_text, read_note

REPORT = (
    "EXAM: CT chest.\n\nHistory: cough, 40 pack years.\n\nFINDINGS\n12 mm nodule.\n\nIMPRESSION: Likely malignant.\n"
)


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def make_pdf(path: Path, pages: list[str], password: str | None = None) -> Path:
    """A PDF with one line of Helvetica a page; an empty string makes a page without text."""
    writer = pypdf.PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for text in pages:
        page = writer.add_blank_page(595, 842)
        stream = DecodedStreamObject()
        lines = "".join(f"({line}) Tj 0 -14 Td " for line in text.splitlines())
        stream.set_data(f"BT /F1 11 Tf 50 800 Td {lines}ET".encode() if text else b"")
        page[NameObject("/Contents")] = writer._add_object(stream)
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    if password:
        writer.encrypt(password)
    writer.write(path)
    return path


class TestText:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
    def test_encodings(self, tmp_path, encoding):
        text = "Größe 12 µm, naïve"
        assert read_note(write(tmp_path, "note.txt", text.encode(encoding))).text == text

    def test_line_ends_and_invisible_characters(self, tmp_path):
        data = "a\r\nb\rc\fd\u00ade\u200bf\u00a0g\x07h".encode()
        assert read_note(write(tmp_path, "note.txt", data)).text == "a\nb\nc\ndef g h"

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "the file is empty"),
            (b" \n\t ", "the file is empty"),
            (b"text\0with zeros", "zero bytes"),
            (bytes(range(1, 32)) * 9 + b"\xff", "control characters"),
            (b"\xff\xfe\x00\xd8", "no known encoding"),
            (b"{\\rtf1 hello}", "rich text"),
        ],
    )
    def test_what_is_no_text_is_refused(self, tmp_path, data, message):
        with pytest.raises(NoteError, match=message):
            read_note(write(tmp_path, "note.txt", data))

    def test_missing_file(self, tmp_path):
        with pytest.raises(NoteError, match="no such file"):
            read_note(tmp_path / "absent.txt")

    def test_a_folder_is_no_note(self, tmp_path):
        with pytest.raises(NoteError, match="no such file"):
            read_note(tmp_path)

    def test_other_endings_are_refused(self, tmp_path):
        with pytest.raises(NoteError, match=r"ending in '\.docx' are not read; save it as \.txt, \.pdf or \.json"):
            read_note(write(tmp_path, "note.docx", b"PK"))

    def test_limits(self, tmp_path, monkeypatch):
        with pytest.raises(LimitExceededError, match="300001 characters"):
            note_from_text("a" * 300_001)
        with pytest.raises(LimitExceededError, match="3 MiB, more than 2"):
            read_note(write(tmp_path, "note.txt", b"a " * 2**20 + b"b" * 2**20))
        monkeypatch.setattr(notes, "MAX_PDF_BYTES", 10)
        with pytest.raises(LimitExceededError, match="MiB, more than"):
            read_note(write(tmp_path, "note.txt", b"a" * 11))

    def test_messages_do_not_tell_the_file_name(self, tmp_path):
        with pytest.raises(NoteError) as refused:
            read_note(write(tmp_path, "Doe^Jane.txt", b"\0"))
        assert "Doe" not in str(refused.value)


class TestJson:
    def test_text_and_time(self, tmp_path):
        note = read_note(
            write(tmp_path, "n.json", json.dumps({"text": REPORT, "authored_at": "2024-05-01T10:00:00+02:00"}).encode())
        )
        assert note.text == REPORT
        assert note.authored_at == datetime(2024, 5, 1, 8, tzinfo=UTC)
        assert note.authored_at.utcoffset() == timedelta(hours=2)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", r"not valid JSON \(line 1\)"),
            ("[" * 100_000, "not valid JSON"),
            ("[]", 'has no "text"'),
            ('{"text": 3}', 'has no "text"'),
            ('{"text": "a", "patient": "b"}', "1 unknown keys"),
            ('{"text": "a", "text": "b"}', "gives a key twice"),
            ('{"text": "a", "authored_at": "yesterday"}', "is not a time"),
            ('{"text": "a", "authored_at": 5}', "is not a time"),
            ('{"text": "a", "authored_at": "2024-05-01T10:00:00"}', "no time zone"),
            ('{"text": "  "}', "it is empty"),
        ],
    )
    def test_strictness(self, tmp_path, text, message):
        with pytest.raises(NoteError, match=message):
            read_note(write(tmp_path, "n.json", text.encode()))

    def test_half_a_surrogate_becomes_a_replacement_character(self, tmp_path):
        assert read_note(write(tmp_path, "n.json", rb'{"text": "a\ud800b"}')).text == "a\N{REPLACEMENT CHARACTER}b"


class TestPdf:
    def test_text_of_all_pages(self, tmp_path):
        note = read_note(make_pdf(tmp_path / "n.pdf", ["FINDINGS:\n12 mm nodule.", "IMPRESSION: malignant."]))
        assert [s.title for s in note.sections] == ["FINDINGS", "IMPRESSION"]
        assert "12 mm nodule." in note.text

    def test_a_pdf_is_known_by_its_content(self, tmp_path):
        assert "nodule" in read_note(make_pdf(tmp_path / "n.txt", ["nodule"])).text

    def test_a_scan_is_sent_to_text_recognition(self, tmp_path):
        with pytest.raises(NoteError, match=r"only pictures of it \(a scan\); run text recognition"):
            read_note(make_pdf(tmp_path / "n.pdf", ["", ""]))

    def test_a_password_is_asked_to_be_taken_off(self, tmp_path):
        with pytest.raises(NoteError, match="locked with a password"):
            read_note(make_pdf(tmp_path / "n.pdf", ["nodule"], password="secret"))

    def test_an_empty_user_password_opens(self, tmp_path):
        path = make_pdf(tmp_path / "n.pdf", ["nodule"])
        writer = pypdf.PdfWriter(clone_from=path)
        writer.encrypt("", owner_password="owner")
        writer.write(path)
        assert "nodule" in read_note(path).text

    def test_not_a_pdf(self, tmp_path):
        with pytest.raises(NoteError, match=r"ends in \.pdf but is not a PDF"):
            read_note(write(tmp_path, "n.pdf", b"hello"))

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_damaged_pdf_is_refused_or_read(self, tmp_path, share):
        data = make_pdf(tmp_path / "whole.pdf", ["nodule in the left lung"]).read_bytes()
        path = write(tmp_path, "n.pdf", data[: int(len(data) * share)])
        with pytest.raises(NoteError, match=r"damaged|scan"):
            read_note(path)

    def test_limits(self, tmp_path, monkeypatch):
        path = make_pdf(tmp_path / "n.pdf", ["nodule"] * 3)
        monkeypatch.setattr(notes, "MAX_PDF_PAGES", 2)
        with pytest.raises(LimitExceededError, match="3 pages, more than 2"):
            read_note(path)
        monkeypatch.setattr(notes, "MAX_PDF_PAGES", 3)
        monkeypatch.setattr(notes, "MAX_PDF_PAGE_BYTES", 10)
        with pytest.raises(LimitExceededError, match="page 1 of the PDF is larger"):
            read_note(path)
        monkeypatch.setattr(notes, "MAX_PDF_PAGE_BYTES", 10**6)
        monkeypatch.setattr(notes, "MAX_PDF_SECONDS", 0.0)
        with pytest.raises(LimitExceededError, match="too long to read"):
            read_note(path)


def sections(text: str) -> list[tuple[str, str]]:
    note = note_from_text(text)
    return [(s.title, note.text[s.start : s.end]) for s in note.sections]


class TestSections:
    def test_headings_alone_on_a_line_or_with_a_colon(self):
        assert sections(REPORT) == [
            ("EXAM", "CT chest."),
            ("HISTORY", "cough, 40 pack years."),
            ("FINDINGS", "12 mm nodule."),
            ("IMPRESSION", "Likely malignant."),
        ]

    def test_capitals_inside_a_paragraph(self):
        text = "INDICATION: Cough. COMPARISON: None. TECHNIQUE: Helical. FINDINGS: Clear. CONCLUSION: Normal."
        titles = [title for title, _ in sections(text)]
        assert titles == ["INDICATION", "COMPARISON", "TECHNIQUE", "FINDINGS", "CONCLUSION"]

    @pytest.mark.parametrize(
        ("heading", "title"),
        [
            ("Clinical information:", "HISTORY"),
            ("**Impression:**", "IMPRESSION"),
            ("## Findings\n", "FINDINGS"),
            ("1. Technique:", "TECHNIQUE"),
            ("Reason  for exam:", "INDICATION"),
            ("Summary -", "CONCLUSION"),
            ("RECOMMENDATIONS:", "RECOMMENDATION"),
            ("Electronically signed by:", "SIGNATURE"),
        ],
    )
    def test_wordings_are_normalized(self, heading, title):
        assert sections(f"{heading} something said") == [(title, "something said")]

    @pytest.mark.parametrize(
        "text",
        [
            "History of smoking.",
            "Findings are unchanged.",
            "No family history: none known.",
            "Lungs: clear.\nHeart: normal.",
            "The examination was limited.",
            "study-related FINDINGS",
        ],
    )
    def test_ordinary_sentences_are_no_headings(self, text):
        assert sections(text) == []

    def test_organs_stay_in_the_findings(self):
        assert sections("FINDINGS:\nLungs: 8 mm nodule.\nHeart: normal.") == [
            ("FINDINGS", "Lungs: 8 mm nodule.\nHeart: normal.")
        ]

    def test_a_section_that_says_nothing_is_left_out(self):
        assert sections("COMPARISON:\n\nFINDINGS: clear") == [("FINDINGS", "clear")]

    @settings(deadline=None)  # machines may be busy
    @given(st.lists(st.sampled_from(["FINDINGS:", "Impression\n", "\n", " nodule ", "History: ", "no. ", "EXAM", ":"])))
    def test_sections_lie_in_order_inside_the_text_and_are_trimmed(self, parts):
        text = "x" + "".join(parts)
        found = note_from_text(text).sections
        bounds = [edge for s in found for edge in (s.start, s.end)]
        assert bounds == sorted(bounds)
        assert all(text[s.start : s.end].strip() == text[s.start : s.end] != "" for s in found)

    def test_real_reports_are_divided(self, shared_data):
        reports = shared_data / "text" / "iuxray" / "indiana_reports.csv"
        with reports.open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["findings"] and row["impression"]][:500]
        assert len(rows) == 500
        for row in rows:
            text = f"INDICATION: {row['indication']}\nFINDINGS: {row['findings']}\nIMPRESSION: {row['impression']}"
            found = dict(sections(text))
            assert found["FINDINGS"] == " ".join(row["findings"].split(" ")).strip()
            assert found["IMPRESSION"] == row["impression"].strip()
