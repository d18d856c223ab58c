"""Messages printed to a text stream, for trying out the service without a provider."""

import asyncio
import errno
import math
import os
import select
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final, TextIO

from cachetools import TTLCache
from rich.cells import cell_len, chop_cells

from application.ports.errors import MessengerUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus, TextMessage
from domain.phone import PhoneNumber

MAX_MESSAGES: Final = 100
MESSAGE_TTL: Final = timedelta(minutes=5)
"""The life of a code."""


class InMemoryRecentMessages:
    """Keeps the last messages by the request that caused them.

    Only the process that sent a message has it, and it is never written to a disk or to the log.
    """

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._texts = TTLCache[str, str](MAX_MESSAGES, MESSAGE_TTL.total_seconds(), timer)

    def add(self, request_id: str, text: str) -> None:
        # The oldest one is dropped if there are too many.
        self._texts[request_id] = text

    def find(self, request_id: str) -> str | None:
        text: str | None = self._texts.get(request_id)
        return text


_JOINERS: Final = "\u200c\u200d"  # Persian, Hindi and emoji need them
_CYAN: Final = "\x1b[36m{}\x1b[0m"


def render_box(to: str, text: str, *, width: int, encoding: str, has_colors: bool) -> str:
    """Render the recipient and the text in a box of at most `width` columns.

    - Lines are broken between words. Only a word that is wider than the box is broken.
    - Control characters and characters that reorder text are replaced.
    - Characters that the encoding lacks are escaped.
    """
    lines = [_replace_control_characters(line) for line in text.splitlines() or [""]]
    content = "\n".join([f"To: {to}", *lines])
    if not content.isascii():
        content = content.encode(encoding, "backslashreplace").decode(encoding)
    lines = content.split("\n")
    widest = min(max(map(cell_len, lines)), width - 4)
    # Only the border is colored: the text keeps the terminal's own, readable color.
    border = _CYAN if has_colors else "{}"
    is_unicode = encoding.lower().startswith("utf")
    top, side, bottom = ("┌{}┐", "│", "└{}┘") if is_unicode else ("+{}+", "|", "+{}+")
    bar, side = ("─" if is_unicode else "-") * (widest + 2), border.format(side)
    rows = [
        f"{side} {part}{' ' * (widest - cell_len(part))} {side}\n"
        for line in lines
        for part in _break_line(line, widest)
    ]
    first, last = (border.format(edge.format(bar)) for edge in (top, bottom))
    return f"{first}\n{''.join(rows)}{last}\n"


def _break_line(line: str, width: int) -> Iterator[str]:
    if cell_len(line) <= width:
        yield line
        return
    part = ""
    for word in line.split(" "):
        if part and cell_len(f"{part} {word}") <= width:
            part = f"{part} {word}"
            continue
        if part:
            yield part
        *full, part = chop_cells(word, width) or [""]
        yield from full
    yield part


def _replace_control_characters(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        character
        if character.isprintable() or character in _JOINERS
        else "\N{REPLACEMENT CHARACTER}"
        for character in line.replace("\t", " ")
    )


WRITE_TIMEOUT: Final = 5.0
"""Seconds to wait for a stream that does not accept text."""
_MAX_TERMINAL_WIDTH: Final = 100
_MIN_TERMINAL_WIDTH: Final = 20
_DEFAULT_TERMINAL_WIDTH: Final = 80
_MAX_FILE_WIDTH: Final = 500
# POSIX writes up to this size to a pipe as a whole, never mixed with the output of others.
_MAX_WRITE_SIZE: Final = select.PIPE_BUF
_CLOSED_EVENTS: Final = select.POLLERR | select.POLLHUP | select.POLLNVAL

_ACCEPTED: Final = DeliveryResult(DeliveryStatus.ACCEPTED)
_STALLED: Final = DeliveryResult(DeliveryStatus.UNAVAILABLE, "The terminal does not accept text.")
_UNKNOWN: Final = DeliveryResult(
    DeliveryStatus.UNKNOWN, "The terminal may have printed a part of the message."
)


class TerminalMessenger:
    """Print messages to a text stream instead of sending them.

    - The phone number is printed in full: the stream is the phone's screen, not a log.
    - Messages that are sent at the same time do not mix: one thread prints them.
    - If the stream is not a terminal, lines are not wrapped, so that programs can read them.
    """

    def __init__(
        self, stream: TextIO, timeout_seconds: float = WRITE_TIMEOUT, *, channel: str = ""
    ) -> None:
        """Print to a stream with a file descriptor; wait for a reader that stalls.

        `channel` is how the messages would travel, if not by SMS. It is printed after the number.
        """
        self._stream = stream
        self._timeout_seconds = timeout_seconds
        self._channel = channel
        self._is_file = _is_file(stream)
        self._thread = ThreadPoolExecutor(1, "terminal")

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        # The message is rejected if nothing was written.
        if self._is_file:
            return self._print(self._render(phone, message.text, is_terminal=False))
        is_terminal = not self._stream.closed and self._stream.isatty()
        box = self._render(phone, message.text, is_terminal=is_terminal)
        deadline = time.monotonic() + self._timeout_seconds
        printing = self._thread.submit(self._print, box, deadline)
        try:
            # Some terminals accept text and block nevertheless.
            return await asyncio.wait_for(asyncio.wrap_future(printing), 2 * self._timeout_seconds)
        except TimeoutError:
            return _STALLED if printing.cancelled() else _UNKNOWN

    async def check(self) -> None:
        try:
            is_writable = _wait_writable(self._stream.fileno(), 0)
        except ValueError as error:
            raise MessengerUnavailable("The terminal is closed.") from error
        except OSError as error:
            raise MessengerUnavailable("No process reads the terminal any more.") from error
        if not is_writable:
            raise MessengerUnavailable("The terminal does not accept text now.")

    def _render(self, phone: PhoneNumber, text: str, *, is_terminal: bool) -> bytes:
        box = render_box(
            f"{phone.e164} ({self._channel})" if self._channel else phone.e164,
            text,
            width=_terminal_width(self._stream) if is_terminal else _MAX_FILE_WIDTH,
            encoding=self._stream.encoding,
            has_colors=is_terminal and not os.environ.get("NO_COLOR"),
        )
        return box.encode(self._stream.encoding)

    def _print(self, box: bytes, deadline: float = math.inf) -> DeliveryResult:
        # Bypass the stream's buffer: text that a failed flush leaves in it would be written
        # later, after the message was reported as rejected.
        written = 0
        try:
            descriptor = self._stream.fileno()
            while written < len(box):
                seconds = deadline - time.monotonic()
                if not self._is_file and not _wait_writable(descriptor, seconds):
                    return _UNKNOWN if written else _STALLED
                self._stream.flush()
                try:
                    written += os.write(descriptor, box[written : written + _MAX_WRITE_SIZE])
                except BlockingIOError:
                    continue  # another process was faster
        except (OSError, ValueError) as error:
            return _UNKNOWN if written else _unavailable(error)
        return _ACCEPTED


def _is_file(stream: TextIO) -> bool:
    """Return whether the stream is a file or a device like `/dev/null`: no reader stalls."""
    try:
        mode = os.fstat(stream.fileno()).st_mode
        return not stream.isatty() and (stat.S_ISREG(mode) or stat.S_ISCHR(mode))
    except (OSError, ValueError):
        return False


def _terminal_width(terminal: TextIO) -> int:
    columns = os.get_terminal_size(terminal.fileno()).columns
    # Some terminals do not know their width and return 0.
    if columns < _MIN_TERMINAL_WIDTH:
        return _DEFAULT_TERMINAL_WIDTH
    return min(columns, _MAX_TERMINAL_WIDTH)


def _wait_writable(descriptor: int, timeout_seconds: float) -> bool:
    """Wait until a write would not block."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    events = poll.poll(max(0.0, timeout_seconds) * 1000)
    if events and events[0][1] & _CLOSED_EVENTS:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
    return bool(events)


def _unavailable(error: Exception) -> DeliveryResult:
    cause = getattr(error, "strerror", None) or "the stream is closed"
    return DeliveryResult(
        DeliveryStatus.UNAVAILABLE, f"The terminal cannot be written to: {cause}."
    )
