"""The console messenger on streams as the operating system makes them."""

import asyncio
import errno
import fcntl
import os
import pty
import struct
import termios
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import TextIO

import pytest

from adapters.console import ConsoleMessenger
from application.ports.errors import MessengerUnavailable
from application.ports.messenger import Handover, Outcome
from tests.support.builders import a_phone

PHONE = a_phone()
TEXT = "012345 is your Dialtone code. It works once, for 5 minutes. Do not share it with anyone."
IMPATIENT = 0.05
NEVER = 60.0


class Pipe:
    """A stream and who reads it, or does not."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        self.stream: TextIO = os.fdopen(writer, "w", encoding="utf-8")

    def fill(self) -> None:
        """Put in as much as there is room for."""
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
        """Take out all that is in there."""
        os.set_blocking(self.reader, False)
        content = b""
        try:
            while chunk := os.read(self.reader, 65536):
                content += chunk
        except BlockingIOError:
            pass
        return content.decode()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.drain()
    pipe.stream.close()
    os.close(pipe.reader)


class Stalled(StringIO):
    """A stream without a descriptor, whose writes wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.has_begun = threading.Event()
        self.gate = threading.Event()

    def write(self, text: str) -> int:
        self.has_begun.set()
        assert self.gate.wait(NEVER)
        return super().write(text)


async def test_a_reader_that_stalls_gets_the_message_refused_and_never_sees_it(pipe: Pipe) -> None:
    pipe.fill()
    messenger = ConsoleMessenger(pipe.stream, IMPATIENT)

    answers = await asyncio.gather(*(messenger.send(PHONE, TEXT) for _ in range(3)))

    assert {answer.outcome for answer in answers} == {Outcome.REFUSED}
    assert set(pipe.drain()) == {"."}


async def test_a_reader_that_wakes_gets_what_is_sent_then(pipe: Pipe) -> None:
    pipe.fill()
    await ConsoleMessenger(pipe.stream, IMPATIENT).send(PHONE, "refused")
    pipe.drain()

    answer = await ConsoleMessenger(pipe.stream).send(PHONE, TEXT)

    assert answer == Handover(Outcome.ACCEPTED)
    seen = pipe.drain()
    assert TEXT in seen
    assert "refused" not in seen


async def test_a_reader_that_wakes_in_time_gets_the_message_that_waited(pipe: Pipe) -> None:
    pipe.fill()
    waiting = asyncio.create_task(ConsoleMessenger(pipe.stream, NEVER).send(PHONE, TEXT))
    await asyncio.sleep(0)
    seen = pipe.drain()

    assert await waiting == Handover(Outcome.ACCEPTED)
    assert TEXT in seen + pipe.drain()


async def test_a_stalled_reader_is_found_by_the_check(pipe: Pipe) -> None:
    pipe.fill()

    with pytest.raises(MessengerUnavailable, match="does not take"):
        await ConsoleMessenger(pipe.stream).check()


async def test_what_was_written_in_part_is_unknown(pipe: Pipe) -> None:
    longer_than_a_pipe = "many words " * 8_000

    answer = await ConsoleMessenger(pipe.stream, IMPATIENT).send(PHONE, longer_than_a_pipe)

    assert answer.outcome is Outcome.UNKNOWN
    assert answer.reason
    assert "many words" in pipe.drain()


async def test_a_reader_that_is_gone_gets_nothing_and_it_is_told(pipe: Pipe) -> None:
    pipe.stream.flush()
    gone, writer = os.pipe()
    os.close(gone)
    with os.fdopen(writer, "w") as stream:
        messenger = ConsoleMessenger(stream)
        answer = await messenger.send(PHONE, TEXT)
        with pytest.raises(MessengerUnavailable, match="Nobody reads"):
            await messenger.check()

    assert answer.outcome is Outcome.REFUSED
    assert os.strerror(errno.EPIPE) in answer.reason


@pytest.fixture
def full_disk() -> Iterator[TextIO]:
    # Closing fails if anything was kept back in the stream's buffer.
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        yield stream


async def test_a_full_disk_refuses_and_keeps_nothing_back_for_later(full_disk: TextIO) -> None:
    answer = await ConsoleMessenger(full_disk).send(PHONE, TEXT)

    assert answer.outcome is Outcome.REFUSED
    assert os.strerror(errno.ENOSPC) in answer.reason


async def test_what_was_printed_before_stands_before(pipe: Pipe) -> None:
    pipe.stream.write("before\n")

    await ConsoleMessenger(pipe.stream).send(PHONE, TEXT)

    assert pipe.drain().startswith("before\n┌─")


async def test_boxes_drawn_at_once_do_not_mix(pipe: Pipe) -> None:
    messenger = ConsoleMessenger(pipe.stream)

    await asyncio.gather(*(messenger.send(a_phone(one), f"code {one:06}") for one in range(30)))

    lines = pipe.drain().splitlines()
    assert len(lines) == 30 * 4
    for at in range(0, len(lines), 4):
        top, to, text, bottom = lines[at : at + 4]
        assert (top[0], bottom[0]) == ("┌", "└")
        assert to.rstrip("│ ")[-4:] == text.rstrip("│ ")[-4:]


async def test_a_write_that_blocks_blocks_nobody_and_is_unknown() -> None:
    stream = Stalled()
    messenger = ConsoleMessenger(stream, IMPATIENT)

    begun = await messenger.send(PHONE, TEXT)
    behind = await messenger.send(PHONE, "behind")
    stream.gate.set()

    assert stream.has_begun.is_set()
    assert begun.outcome is Outcome.UNKNOWN
    assert behind.outcome is Outcome.REFUSED


class Faulty(StringIO):
    """A stream that takes texts, or does not, and never hands them on."""

    def __init__(self, *, takes: bool) -> None:
        super().__init__()
        self._takes = takes

    def write(self, text: str) -> int:
        if not self._takes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().write(text)

    def flush(self) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize(("takes", "outcome"), [(False, Outcome.REFUSED), (True, Outcome.UNKNOWN)])
async def test_what_a_stream_took_without_handing_it_on_is_unknown(
    takes: bool, outcome: Outcome
) -> None:
    assert (await ConsoleMessenger(Faulty(takes=takes)).send(PHONE, TEXT)).outcome is outcome


async def test_somebody_who_stops_waiting_does_not_disturb_the_next(pipe: Pipe) -> None:
    pipe.fill()
    messenger = ConsoleMessenger(pipe.stream, NEVER)
    waiting = asyncio.create_task(messenger.send(PHONE, "given up"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    pipe.drain()

    assert await messenger.send(PHONE, TEXT) == Handover(Outcome.ACCEPTED)
    assert TEXT in pipe.drain()


OpenTerminal = Callable[[int], tuple[TextIO, int]]


@pytest.fixture
def open_terminal() -> Iterator[OpenTerminal]:
    opened: list[tuple[TextIO, int]] = []

    def open_one(columns: int) -> tuple[TextIO, int]:
        screen, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        opened.append((os.fdopen(terminal, "w", encoding="utf-8"), screen))
        return opened[-1]

    yield open_one
    for stream, screen in opened:
        stream.close()
        os.close(screen)


@pytest.mark.parametrize(
    ("no_color", "columns", "widest"), [("", 60, 60), ("1", 60, 60), ("1", 0, 80), ("1", 300, 100)]
)
async def test_a_terminal_gets_color_unless_it_must_not_and_no_more_than_its_width(
    monkeypatch: pytest.MonkeyPatch,
    open_terminal: OpenTerminal,
    no_color: str,
    columns: int,
    widest: int,
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    stream, screen = open_terminal(columns)

    await ConsoleMessenger(stream).send(PHONE, f"{TEXT} {TEXT}")

    shown = os.read(screen, 65536).decode()
    assert ("\x1b[" in shown) == (no_color == "")
    assert "012345" in shown
    plain = shown.replace("\x1b[36m", "").replace("\x1b[0m", "")
    assert {len(line) for line in plain.splitlines()} <= set(range(widest - 12, widest + 1))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "out.txt"


@pytest.fixture
def file(place: Path) -> Iterator[TextIO]:
    with place.open("w", encoding="utf-8") as stream:
        yield stream


async def test_a_file_gets_the_text_unbroken_and_without_color(file: TextIO, place: Path) -> None:
    await ConsoleMessenger(file).send(PHONE, TEXT)

    shown = await asyncio.to_thread(place.read_text, encoding="utf-8")
    assert "\x1b" not in shown
    assert f"│ {TEXT} │" in shown
