"""The terminal messenger with pipes, terminals and files of the operating system."""

import asyncio
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from adapters.messages import terminal as module
from adapters.messages.terminal import TerminalMessenger
from application.ports.errors import MessengerUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus
from tests.support.builders import a_message, a_phone

PHONE = a_phone()
TEXT = "012345 is your Dialtone code. It works once, for 5 minutes. Do not share it with anyone."
LONG_TIMEOUT = 30


class Pipe:
    """A stream and the descriptor of its reader."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        self.stream: TextIO = os.fdopen(writer, "w", encoding="utf-8")

    def fill(self) -> None:
        """Write until the pipe is full."""
        descriptor = self.stream.fileno()
        os.set_blocking(descriptor, False)
        for size in (65536, 1):
            try:
                while True:
                    os.write(descriptor, b"." * size)
            except BlockingIOError:
                continue
        os.set_blocking(descriptor, True)

    def drain(self) -> str:
        """Read everything that is in the pipe."""
        os.set_blocking(self.reader, False)
        content = b""
        try:
            while chunk := os.read(self.reader, 65536):
                content += chunk
        except BlockingIOError:
            pass
        return content.decode()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never wait for a reader that stalls."""
    wait_writable = module._wait_writable
    monkeypatch.setattr(
        module, "_wait_writable", lambda descriptor, _: wait_writable(descriptor, 0)
    )


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.drain()
    pipe.stream.close()
    os.close(pipe.reader)


@pytest.mark.usefixtures("impatient")
async def test_a_message_to_a_stalled_reader_is_rejected_and_never_printed(pipe: Pipe) -> None:
    pipe.fill()
    messenger = TerminalMessenger(pipe.stream, LONG_TIMEOUT)

    results = await asyncio.gather(
        *(messenger.send(PHONE, a_message("rejected")) for _ in range(3))
    )

    assert {result.status for result in results} == {DeliveryStatus.UNAVAILABLE}
    with pytest.raises(MessengerUnavailable, match="does not accept"):
        await messenger.check()
    assert set(pipe.drain()) == {"."}
    await messenger.check()
    assert await messenger.send(PHONE, a_message(TEXT)) == DeliveryResult(DeliveryStatus.ACCEPTED)
    printed = pipe.drain()
    # If it is no terminal, lines are not broken and have no colors.
    assert f"│ {TEXT} │" in printed
    assert "\x1b" not in printed
    assert "rejected" not in printed


def test_a_full_disk_is_rejected_and_leaves_nothing_in_the_buffer() -> None:
    # Closing fails if text is left in the buffer of the stream.
    with Path("/dev/full").open("w", encoding="utf-8") as full_disk:
        result = asyncio.run(TerminalMessenger(full_disk).send(PHONE, a_message(TEXT)))

    assert result.status is DeliveryStatus.UNAVAILABLE
    assert os.strerror(errno.ENOSPC) in result.reason


async def test_a_closed_terminal_prints_nothing(pipe: Pipe) -> None:
    pipe.stream.close()
    result = await TerminalMessenger(pipe.stream).send(PHONE, a_message(TEXT))
    assert result.status is DeliveryStatus.UNAVAILABLE
