"""Options that several commands take, each declared once: its type, its name on the command line and its help.

Used as `options.NAME`, so that a command reads as the list of what it takes.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from diagnosis import vocabulary

Case = Annotated[Path | None, typer.Argument(help="Case folder with case.json, ct/, note.txt, voice.wav.")]
CaseFolder = Annotated[Path, typer.Argument(help="Case folder with case.json, ct/, note.txt, voice.wav.")]
Ct = Annotated[Path | None, typer.Option("--ct", help="CT: DICOM folder, zip, file, or NIfTI.")]
Region = Annotated[str | None, typer.Option("--region", help="Center of the region: X,Y,Z in LPS mm.")]
Diameter = Annotated[float | None, typer.Option("--diameter", help="Diameter of the region in mm, if known.")]
Note = Annotated[Path | None, typer.Option("--note", help="Clinical note: .txt, .pdf or .json.")]
Voice = Annotated[Path | None, typer.Option("--voice", help="Dictation: wav, flac, mp3, m4a, ogg, webm.")]
Age = Annotated[float | None, typer.Option("--age", help="Age in years.")]
Sex = Annotated[vocabulary.Sex | None, typer.Option("--sex", help="Sex.")]
Bundle = Annotated[Path | None, typer.Option("--bundle", help="Bundle folder (default: models/lung_nodule).")]
Repair = Annotated[
    str | None, typer.Option("--repair", help="'resample': repair a tilted series by resampling, and say so.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Pacs = Annotated[
    Path | None, typer.Option("--pacs", help="Configuration of the archive (YAML); default: DIAGNOSIS_PACS.")
]


class ProtocolName(StrEnum):
    """How to speak with the archive."""

    DICOMWEB = "dicomweb"
    DIMSE = "dimse"


Protocol = Annotated[
    ProtocolName | None, typer.Option("--protocol", help="Default: what is configured, DICOMweb first.")
]
