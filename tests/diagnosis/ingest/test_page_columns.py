"""Two columns of prose are read one after the other; everything else stays as it is."""

import textwrap

import pytest

from diagnosis.ingest.notes import read_note
from diagnosis.ingest.page_columns import in_reading_order

LEFT = (
    "HISTORY: 62-year-old woman, 30 pack-years, quit 5 years ago. Mother died of lung cancer. No history of malignancy."
)
RIGHT = "FINDINGS: A 14 x 9 mm spiculated nodule in the left upper lobe. No pleural effusion. IMPRESSION: Suspicious."


def side_by_side(left, right, width=60):
    rows = max(len(left), len(right))
    return "\n".join(
        f"{a:<{width}}{b}".rstrip()
        for a, b in zip(left + [""] * (rows - len(left)), right + [""] * (rows - len(right)), strict=True)
    )


def test_the_left_column_comes_first():
    left, right = textwrap.wrap(LEFT, 28), textwrap.wrap(RIGHT, 28)
    assert in_reading_order(side_by_side(left, right)) == "\n".join([*left, *right])


def test_a_line_across_stays_in_its_place():
    left, right = textwrap.wrap(LEFT, 28), textwrap.wrap(RIGHT, 28)
    title = "Hospital of Nowhere, Department of Radiology, report of a CT of the chest"
    page = f"{title}\n{side_by_side(left, right)}"
    assert in_reading_order(page) == "\n".join([title, *left, *right])


@pytest.mark.parametrize(
    "page",
    [
        "",
        LEFT,
        "\n".join(textwrap.wrap(f"{LEFT} {RIGHT}", 60)),
        side_by_side(["Lobe", "RUL", "LLL", "RML", "LUL"], ["Size", "8 mm", "5 mm", "4 mm", "3 mm"]),
        side_by_side(textwrap.wrap(LEFT, 60), ["p. 1"], 70),
    ],
)
def test_other_pages_are_not_touched(page):
    assert in_reading_order(page) is None


def test_a_pdf_whose_columns_were_written_line_by_line(tmp_path):
    canvas = pytest.importorskip("reportlab.pdfgen.canvas").Canvas(str(tmp_path / "note.pdf"))
    left, right = textwrap.wrap(LEFT, 38), textwrap.wrap(RIGHT, 38)
    for row, (a, b) in enumerate(zip(left, right, strict=False)):
        canvas.drawString(50, 750 - 14 * row, a)
        canvas.drawString(320, 750 - 14 * row, b)
    canvas.save()
    text = " ".join(read_note(tmp_path / "note.pdf").text.split())
    assert "quit 5 years ago. Mother died of lung cancer." in text
    assert "spiculated nodule in the left upper lobe." in text
