"""What the browser fetches beside the page, voxels and attribution maps, by addresses that cannot be guessed.

Streamlit's own channel carries small things well and a CT badly: it would hold the whole in memory, twice, as text.
Here a page hands out an address with a random token; the route behind it (`server`) streams the bytes slice by slice.
Whoever knows the token may read, so it is given to the page of one session only, holds nothing of a patient, and
expires.
"""

import secrets
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

ROUTE = "dx"
"""First part of the path of every address, below the dashboard's own."""
LIFETIME_S = 1800.0
"""After a page last named the address."""
MOST_OFFERS = 64
NIFTI_HEADER_BYTES = 352


@final
@dataclass(frozen=True)
class Offer:
    """Bytes that wait to be fetched.

    Attributes:
        size: length in bytes.
        chunks: gives them anew each time.
        media_type: for the answer's header.
    """

    size: int
    chunks: Callable[[], Iterator[bytes]]
    media_type: str = "application/octet-stream"


@final
class Counter:
    """Hands out addresses and finds what lies behind them; safe between threads."""

    def __init__(self, most: int = MOST_OFFERS, clock: Callable[[], float] = time.monotonic) -> None:
        self._offers: OrderedDict[str, tuple[float, Offer]] = OrderedDict()
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()

    def offer(self, offer: Offer) -> str:
        """Lay something out; gives its token. The oldest gives way."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._offers[token] = (self._clock() + LIFETIME_S, offer)
            while len(self._offers) > self._most:
                self._offers.popitem(last=False)
        return token

    def renew(self, token: str) -> bool:
        """Start the lifetime of a token again; False where it has run out or given way."""
        with self._lock:
            found = self._living(token)
            if found is not None:
                self._offers[token] = (self._clock() + LIFETIME_S, found)
                self._offers.move_to_end(token)
            return found is not None

    def find(self, token: str) -> Offer | None:
        """What lies behind a token, or None."""
        with self._lock:
            return self._living(token)

    def _living(self, token: str) -> Offer | None:
        until, offer = self._offers.get(token, (0.0, None))
        if offer is None or until < self._clock():
            self._offers.pop(token, None)
            return None
        return offer


COUNTER = Counter()
"""Shared by the pages, which lay out, and the routes, which give out: both live in one process."""


def nifti_offer(load: Callable[[], tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]]) -> Offer:
    """A CT as an uncompressed NIfTI file of int16 HU, written slice by slice while it is fetched.

    Args:
        load: gives HU (z,y,x) and the affine (4,4) from (z,y,x) to LPS mm; asked again for each fetch, so that an
            address does not keep a CT in memory.
    """
    hu, _ = load()
    size = NIFTI_HEADER_BYTES + 2 * hu.size

    def chunks() -> Iterator[bytes]:
        values, affine_lps = load()
        yield nifti_header(values.shape, affine_lps)
        for plane in values:
            yield np.clip(np.rint(plane), -32768, 32767).astype("<i2").tobytes()

    return Offer(size, chunks)


def nifti_header(shape: tuple[int, ...], affine_lps: npt.NDArray[np.float64]) -> bytes:
    """NIfTI-1 header of an int16 volume with axes (z,y,x), x running fastest; the affine is turned to RAS.

    Source: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
    """
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine_lps[:, [2, 1, 0, 3]]
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    header = bytearray(NIFTI_HEADER_BYTES)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 4, 16)  # int16, 16 bits
    struct.pack_into("<8f", header, 76, 1.0, *spacing, 1.0, 1.0, 1.0, 1.0)
    struct.pack_into("<3f", header, 108, float(NIFTI_HEADER_BYTES), 1.0, 0.0)  # offset, slope, intercept
    struct.pack_into("<B", header, 123, 2)  # mm
    struct.pack_into("<2h", header, 252, 0, 1)  # no quaternion; the affine, in scanner coordinates
    struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    struct.pack_into("<4s", header, 344, b"n+1\0")
    return bytes(header)
