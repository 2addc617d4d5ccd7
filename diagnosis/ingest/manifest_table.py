"""The cells of a manifest as text, from CSV as spreadsheets of any country write it, or from Parquet.

A CSV file may be separated by commas, semicolons or tabs, in UTF-8 or (as "Unicode text" of Excel) UTF-16. Where
semicolons separate, a comma in a number is a decimal comma. A first line `sep=;`, which some programs write for Excel,
names the separator. Cells of NA, N/A, NaN and NULL, as R, pandas and databases write them, are blank; so is a column
without a name and without a value, which a spreadsheet leaves behind.
"""

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from diagnosis.errors import ManifestError
from diagnosis.ingest import limits

Cell = str | None
DELIMITERS: Final = (",", ";", "\t")
UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
ZIP_MARK: Final = b"PK\x03\x04"
NAMED_DELIMITER: Final = re.compile(r"sep=([,;\t])\s*", re.IGNORECASE)
BLANKS: Final = frozenset({"", "na", "n/a", "nan", "null"})
"""In small letters."""


@final
@dataclass(frozen=True)
class ManifestTable:
    """A table as it was written: names of the columns, and of each row the cells by column, None where blank."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, Cell], ...]
    has_decimal_commas: bool = False


def read_manifest_table(path: Path) -> ManifestTable:
    """Read a table.

    Raises:
        ManifestError: no such file, not a table, a row of another length, or more rows than the limits.
        LimitExceededError: the file is larger than the limits.
    """
    if not path.is_file():
        msg = "manifest: the file does not exist; name a .csv or .parquet file"
        raise ManifestError(msg)
    limits.check_file_size(path, limits.MAX_MANIFEST_BYTES, "manifest")
    table = _read_parquet(path) if path.suffix.lower() in {".parquet", ".pq"} else _read_csv(path)
    if not table.columns:
        msg = "manifest: the file is empty; write a heading and one row a case"
        raise ManifestError(msg)
    return table


def _read_csv(path: Path) -> ManifestTable:
    encoding = _encoding(path)
    try:
        with path.open(encoding=encoding, newline="") as file:
            first = file.readline()
            named = NAMED_DELIMITER.fullmatch(first)
            delimiter = named.group(1) if named else _delimiter(first)
            if named is None:
                file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            columns = tuple(name.strip() for name in next(reader, []))
            lines = [line for line in _limited(reader) if any(cell.strip() for cell in line)]
    except (csv.Error, UnicodeError) as error:
        msg = f"manifest: it is not a CSV table in UTF-8 ({type(error).__name__}); save it again as CSV UTF-8"
        raise ManifestError(msg) from error
    name = {",": "commas", ";": "semicolons", "\t": "tabs"}[delimiter]
    for number, line in enumerate(lines, start=1):
        if len(line) != len(columns):
            msg = f"manifest: row {number} has {len(line)} cells, the heading {len(columns)}; quote cells with {name}"
            raise ManifestError(msg)
    cells = [[_blank_or(cell) for cell in line] for line in lines]
    kept = [i for i, name in enumerate(columns) if name or any(row[i] is not None for row in cells)]
    rows = tuple({columns[i]: row[i] for i in kept} for row in cells)
    return ManifestTable(tuple(columns[i] for i in kept), rows, has_decimal_commas=delimiter == ";")


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    if head == ZIP_MARK:
        msg = "manifest: it is a workbook or an archive, not a table; save the sheet as CSV UTF-8"
        raise ManifestError(msg)
    return "utf-16" if head.startswith(UTF_16_MARKS) else "utf-8-sig"


def _delimiter(heading: str) -> str:
    """The separator that the heading has most of; commas where it has none."""
    return max(DELIMITERS, key=heading.count)


def _limited(lines: Iterator[list[str]]) -> Iterator[list[str]]:
    for number, line in enumerate(lines):
        if number >= limits.MAX_MANIFEST_ROWS:
            msg = f"manifest: more than {limits.MAX_MANIFEST_ROWS} rows; split it"
            raise ManifestError(msg)
        yield line


def _read_parquet(path: Path) -> ManifestTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        if file.metadata.num_rows > limits.MAX_MANIFEST_ROWS:
            msg = f"manifest: more than {limits.MAX_MANIFEST_ROWS} rows; split it"
            raise ManifestError(msg)
        columns = tuple(file.schema_arrow.names)
        records = file.read().to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        msg = f"manifest: it cannot be read as Parquet ({type(error).__name__}); write it again"
        raise ManifestError(msg) from error
    return ManifestTable(columns, tuple({name: _cell(value) for name, value in record.items()} for record in records))


def _cell(value: object) -> Cell:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _blank_or(str(value))


def _blank_or(text: str) -> Cell:
    text = text.strip()
    return None if text.lower() in BLANKS else text
