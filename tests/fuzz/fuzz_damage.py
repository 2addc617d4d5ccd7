"""Ways to damage an input."""

import random
import struct
from collections.abc import Callable

INTERESTING = (b"\0", b"\xff", b"\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"-1")
NUMBERS = (
    b"0",
    b"-1",
    b"1e309",
    b"NaN",
    b"Infinity",
    b"99999999999999999999",
    b"60000",
    b"1e-320",
    b"null",
    b"[]",
    b"{}",
)


def mutated(seed: bytes, others: tuple[bytes, ...], random_: random.Random) -> bytes:
    """The seed after one to six kinds of damage."""
    data = bytearray(seed)
    for _ in range(random_.choice((1, 1, 1, 2, 3, 6))):
        random_.choice(_WAYS)(data, others, random_)
    return bytes(data[: 2**20])


def _flip(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    for _n in range(random_.choice((1, 1, 2, 8))):
        if data:
            data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)


def _overwrite(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    token = random_.choice((*INTERESTING, *NUMBERS, struct.pack("<I", random_.getrandbits(32))))
    place = random_.randrange(len(data) + 1)
    data[place : place + len(token)] = token


def _header_overwrite(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    """Most of what a parser trusts stands at the beginning."""
    place = random_.randrange(min(len(data), 600) + 1)
    data[place : place + 1] = bytes([random_.choice((0, 1, 0x7F, 0x80, 0xFF, random_.randrange(256)))])


def _number(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    places = [i for i in range(min(len(data), 4000)) if 0x30 <= data[i] <= 0x39]
    if places:
        place = random_.choice(places)
        data[place : place + random_.randrange(1, 4)] = random_.choice(NUMBERS)


def _cut(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    del data[random_.randrange(len(data) + 1) :]


def _remove(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    place = random_.randrange(len(data) + 1)
    del data[place : place + random_.choice((1, 2, 4, 16, 200))]


def _repeat(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    place, length = random_.randrange(len(data) + 1), random_.choice((1, 4, 32, 400))
    data[place:place] = data[place : place + length] * random_.choice((1, 2, 50))


def _splice(data: bytearray, others: tuple[bytes, ...], random_: random.Random) -> None:
    other = random_.choice(others)
    place, start = random_.randrange(len(data) + 1), random_.randrange(len(other) + 1)
    data[place : place + 64] = other[start : start + random_.choice((8, 64, 512))]


def _noise(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    place = random_.randrange(len(data) + 1)
    data[place : place + 16] = random_.randbytes(random_.choice((1, 4, 16, 128)))


_WAYS: tuple[Callable[[bytearray, tuple[bytes, ...], random.Random], None], ...] = (
    _flip, _flip, _overwrite, _header_overwrite, _header_overwrite, _number, _cut, _remove, _repeat, _splice, _noise,
)  # fmt: skip
