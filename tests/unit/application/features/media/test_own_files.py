"""No call of an operator's own media store takes longer than its port promises."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from adapters.media.own_files import CALL_TIMEOUT, WRITE_TIMEOUT, LimitedFiles
from application.features.media.ports import StoredFile
from application.ports.errors import MediaStorageUnavailable

_NEVER: Final = 100 * WRITE_TIMEOUT


class HangingFiles:
    """A store that hangs, or only in the second chunk of a file, and after the first key."""

    is_opened = False

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        if name == "check":
            raise AttributeError(name)

        async def hang(*_: object) -> None:
            await asyncio.sleep(_NEVER)  # on the clock of the test

        return hang

    @asynccontextmanager
    async def open_file(self, *_: object) -> AsyncIterator[StoredFile | None]:
        if not self.is_opened:
            await asyncio.sleep(_NEVER)  # on the clock of the test
        yield StoredFile(2, self._read())

    async def list_files(self) -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(_NEVER)  # on the clock of the test

    async def _read(self) -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(_NEVER)  # on the clock of the test


async def open_file(files: LimitedFiles) -> None:
    async with files.open_file("a"):
        pass


@pytest.mark.parametrize(
    ("call", "seconds"),
    [
        (lambda files: files.write("a", io.BytesIO(), "image/jpeg"), WRITE_TIMEOUT),
        (lambda files: files.get_size("a"), CALL_TIMEOUT),
        (lambda files: files.delete("a"), CALL_TIMEOUT),
        (lambda files: files.url_for("a"), CALL_TIMEOUT),
        (lambda files: files.delete_unfinished(None), CALL_TIMEOUT),
        (open_file, CALL_TIMEOUT),
    ],
)
async def test_a_call_that_hangs_ends(
    call: Callable[[Any], Awaitable[object]], seconds: float
) -> None:
    files: Any = HangingFiles()
    began_at = asyncio.get_running_loop().time()
    with pytest.raises(MediaStorageUnavailable, match=f"no answer within {seconds:g} seconds"):
        await call(LimitedFiles(files))

    assert asyncio.get_running_loop().time() - began_at == pytest.approx(seconds)


async def test_each_chunk_and_each_key_has_the_limit() -> None:
    files: Any = HangingFiles()
    files.is_opened = True
    received = list[object]()

    async def read() -> None:
        async with LimitedFiles(files).open_file("a") as file:
            assert file is not None
            async for chunk in file.chunks:
                received.append(chunk)

    async def list_keys() -> None:
        async for key in LimitedFiles(files).list_files():
            received.append(key)

    for call in (read, list_keys):
        with pytest.raises(MediaStorageUnavailable):
            await call()

    assert received == [b"a", "a"]
