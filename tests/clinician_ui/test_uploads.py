"""Uploads grow on disk in order, within their limit, and a broken piece leaves no trace."""

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from clinician_ui import server
from clinician_ui.server import take_piece
from clinician_ui.uploads import SLOT_LIFETIME_S, UploadDesk
from diagnosis.errors import InputError, LimitExceededError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def pieces(*parts: bytes):
    for part in parts:
        yield part


async def test_a_file_arrives_piece_by_piece(tmp_path):
    desk = UploadDesk()
    token = desk.open_slot(tmp_path / "new")
    assert desk.size(token) == 0
    big = b"x" * (3 * 2**20 + 5)
    assert await desk.append(token, 0, pieces(b"ab", b"", b"cd")) == 4
    assert await desk.append(token, 4, pieces(big[: 2**20], big[2**20 :])) == 4 + len(big)
    assert desk.size(token) == 4 + len(big)
    path = desk.finish(token)
    assert path.read_bytes() == b"abcd" + big
    assert path.stat().st_mode & 0o077 == 0
    assert desk.size(token) is None
    with pytest.raises(InputError, match="not there, or not complete"):
        desk.finish(token)


async def test_a_piece_must_follow_the_one_before_it(tmp_path):
    desk = UploadDesk()
    token = desk.open_slot(tmp_path)
    await desk.append(token, 0, pieces(b"abcd"))
    for offset in (0, 3, 5):
        with pytest.raises(InputError, match="does not follow the one before it"):
            await desk.append(token, offset, pieces(b"x"))
    with pytest.raises(InputError, match="does not follow"):
        await desk.append("unknown", 0, pieces(b"x"))


async def test_a_piece_that_breaks_off_is_taken_back(tmp_path):
    async def broken():
        yield b"y" * (2 * 2**20)
        raise ConnectionResetError

    desk = UploadDesk()
    token = desk.open_slot(tmp_path)
    await desk.append(token, 0, pieces(b"abcd"))
    with pytest.raises(InputError, match="could not be written"):
        await desk.append(token, 4, broken())
    assert desk.size(token) == 4
    await desk.append(token, 4, pieces(b"ef"))
    assert desk.finish(token).read_bytes() == b"abcdef"


async def test_no_more_than_the_limit_is_taken(tmp_path):
    desk = UploadDesk()
    token = desk.open_slot(tmp_path, most_bytes=10)
    await desk.append(token, 0, pieces(b"12345678"))
    with pytest.raises(LimitExceededError, match="larger than the 4 GiB"):
        await desk.append(token, 8, pieces(b"901"))
    assert await desk.append(token, 8, pieces(b"90")) == 10


async def test_slots_expire_and_close_with_their_files(tmp_path):
    now = [0.0]
    desk = UploadDesk(clock=lambda: now[0])
    first, second = desk.open_slot(tmp_path), desk.open_slot(tmp_path)
    desk.close(first)
    desk.close(first)
    assert len(list(tmp_path.iterdir())) == 1
    now[0] = SLOT_LIFETIME_S + 1
    assert desk.size(second) is None
    desk.open_slot(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written; check its permissions"):
        UploadDesk().open_slot(tmp_path / "file" / "below")


def test_the_route_takes_pieces_and_says_why_not(tmp_path, monkeypatch):
    desk = UploadDesk()
    monkeypatch.setattr(server, "DESK", desk)
    client = TestClient(Starlette(routes=[Route("/dx/upload/{token}", take_piece, methods=["PUT"])]))
    token = desk.open_slot(tmp_path)
    assert client.put(f"/dx/upload/{token}?offset=0", content=b"abc").json() == {"size": 3}
    answer = client.put(f"/dx/upload/{token}?offset=0", content=b"abc")
    assert answer.status_code == 409
    assert "does not follow" in answer.text
    assert client.put(f"/dx/upload/{token}?offset=-1", content=b"abc").status_code == 400
    assert client.get(f"/dx/upload/{token}").status_code == 405
