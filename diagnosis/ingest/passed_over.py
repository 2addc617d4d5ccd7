"""What lies among the files and was not looked into: links, and archives inside a folder or an archive.

Links can lead anywhere, and an archive inside an archive may hold as much again as the limits allow. Both are often
there for good reasons (the zip that a folder was unpacked from), so they are no fault; but they may hold the rest of a
series, and that is said.
"""

from pathlib import Path

from diagnosis.ingest.archive import ZIP_MAGIC

_MAGICS = (ZIP_MAGIC, b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
_DOCUMENTS = (b"[Content_Types].xml", b"mimetype", b"META-INF/")
"""First members of zip archives that are documents or programs."""
_NAME_AT = 30
"""Where the name of its first member stands in a zip archive."""


def is_archive(path: Path) -> bool:
    """Whether a file that is no DICOM is an archive in which some might lie."""
    with path.open("rb") as file:
        head = file.read(64)
    is_document = head.startswith(ZIP_MAGIC) and head[_NAME_AT:].startswith(_DOCUMENTS)
    return head.startswith(_MAGICS) and not is_document


def passed_over_words(n_links: int, n_archives: int) -> str | None:
    """What to tell of them, or None where there are none."""
    links = "1 symbolic link was not followed" if n_links == 1 else f"{n_links} symbolic links were not followed"
    archives = "1 archive was not opened" if n_archives == 1 else f"{n_archives} archives were not opened"
    told = [words for words, n in ((links, n_links), (archives, n_archives)) if n]
    return f"among the files {' and '.join(told)}; what lies there was not read" if told else None


def passed_over_remedy(n_links: int, n_archives: int) -> str | None:
    """What to do where nothing else lies beside them, or None where there are none."""
    unpack = "unpack the archive" if n_archives == 1 else "unpack the archives"
    todo = [words for words, n in (("put the files in the place of the links", n_links), (unpack, n_archives)) if n]
    return " and ".join(todo) or None
