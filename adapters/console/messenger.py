"""The console messenger, and writing to a stream whose reader may stall."""

import asyncio
import errno
import os
import select
import threading
import time
from contextlib import suppress
from typing import Final, TextIO

from adapters.console.box import render_box
from application.ports.errors import MessengerUnavailable
from application.ports.messenger import DeliveryResult, DeliveryStatus
from domain.phone import PhoneNumber

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
_STALLED: Final = DeliveryResult(DeliveryStatus.REJECTED, "The console does not accept text.")
_NO_THREAD: Final = DeliveryResult(
    DeliveryStatus.REJECTED, "The process cannot start another thread to write the message."
)
_UNKNOWN: Final = DeliveryResult(
    DeliveryStatus.UNKNOWN, "The console may have printed a part of the message."
)


class ConsoleMessenger:
    """Print messages to a text stream instead of sending an SMS.

    - The phone number is printed in full: the stream is the phone's screen, not a log.
    - Messages that are sent at the same time do not mix.
    - If the stream is not a terminal, lines are not wrapped, so that programs can read them.
    """

    def __init__(self, stream: TextIO, timeout_seconds: float = WRITE_TIMEOUT) -> None:
        """Print to this stream; wait `timeout_seconds` for a reader that stalls."""
        self._stream = stream
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()

    async def send(
        self,
        phone: PhoneNumber,
        text: str,
        status_url: str = "",  # noqa: ARG002 -- what is printed needs no status
    ) -> DeliveryResult:
        """Print the message; it is rejected if nothing was written."""
        loop = asyncio.get_running_loop()
        finished: asyncio.Future[DeliveryResult] = loop.create_future()
        box = self._render(phone, text)
        write = _StreamWrite(self._stream, box, self._lock, self._timeout_seconds)

        def set_result(result: DeliveryResult) -> None:
            if not finished.done():
                finished.set_result(result)

        def run() -> None:
            result = write.run()
            with suppress(RuntimeError):  # the loop is closed, so no task waits for the result
                loop.call_soon_threadsafe(set_result, result)

        try:
            # A daemon thread: a write that blocks forever must not keep the process alive.
            threading.Thread(target=run, name="console", daemon=True).start()
            async with asyncio.timeout(2 * self._timeout_seconds):
                return await finished
        except TimeoutError:
            return write.cancel()
        except RuntimeError:
            return _NO_THREAD

    async def check(self) -> None:
        """Return if the stream accepts text now.

        Raises:
            MessengerUnavailable: the stream is closed, or its reader is gone or stalls.
        """
        if self._stream.closed:
            raise MessengerUnavailable("The console is closed.")
        descriptor = _file_descriptor(self._stream)
        try:
            is_writable = descriptor is None or _wait_writable(descriptor, 0)
        except OSError as error:
            raise MessengerUnavailable("No process reads the console any more.") from error
        if not is_writable:
            raise MessengerUnavailable("The console does not accept text now.")

    def _render(self, phone: PhoneNumber, text: str) -> str:
        is_terminal = not self._stream.closed and self._stream.isatty()
        return render_box(
            phone.e164,
            text,
            width=_terminal_width(self._stream) if is_terminal else _MAX_FILE_WIDTH,
            encoding=self._stream.encoding or "utf-8",
            has_colors=is_terminal and not os.environ.get("NO_COLOR"),
        )


class _StreamWrite:
    """One write to a stream; it knows whether a part of the text may have been seen.

    - Nothing written is REJECTED, everything ACCEPTED. A part, or no answer in time, is UNKNOWN.
    - `run` blocks and needs its own thread. `cancel` is for a caller that stops waiting.
    """

    def __init__(
        self, stream: TextIO, text: str, lock: threading.Lock, timeout_seconds: float
    ) -> None:
        self._stream = stream
        self._text = text
        self._lock = lock
        self._deadline = time.monotonic() + timeout_seconds
        self._state_lock = threading.Lock()
        self._is_started = False
        self._is_canceled = False

    def run(self) -> DeliveryResult:
        """Wait for the lock and for the stream, then write; only a blocking write is unbounded."""
        if not self._lock.acquire(timeout=self._remaining_seconds()):
            return _STALLED
        try:
            descriptor = _file_descriptor(self._stream)
            return self._write_text() if descriptor is None else self._write_bytes(descriptor)
        finally:
            self._lock.release()

    def cancel(self) -> DeliveryResult:
        """Prevent the write from starting; if it has started, its result is unknown."""
        with self._state_lock:
            self._is_canceled = True
            return _UNKNOWN if self._is_started else _STALLED

    def _start(self) -> bool:
        with self._state_lock:
            self._is_started = not self._is_canceled
            return self._is_started

    def _remaining_seconds(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _write_text(self) -> DeliveryResult:
        if not self._start():
            return _STALLED
        try:
            self._stream.write(self._text)
        except (OSError, ValueError) as error:
            return _rejected(error)
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return _UNKNOWN
        return _ACCEPTED

    def _write_bytes(self, descriptor: int) -> DeliveryResult:
        # Bypass the stream's buffer: text that a failed flush leaves in it would be written
        # later, after the message was reported as rejected.
        data = self._text.encode(self._stream.encoding or "utf-8", "backslashreplace")
        written = 0
        try:
            if not _wait_writable(descriptor, self._remaining_seconds()):
                return _STALLED
            self._stream.flush()
            if not self._start():
                return _STALLED
            while written < len(data):
                if not _wait_writable(descriptor, self._remaining_seconds()):
                    return _UNKNOWN if written else _STALLED
                written += _write_available(descriptor, data[written : written + _MAX_WRITE_SIZE])
        except (OSError, ValueError) as error:
            return _UNKNOWN if written else _rejected(error)
        return _ACCEPTED


def _terminal_width(terminal: TextIO) -> int:
    try:
        columns = os.get_terminal_size(terminal.fileno()).columns
    except OSError:
        columns = 0
    # Some terminals do not know their width and return 0.
    if columns < _MIN_TERMINAL_WIDTH:
        return _DEFAULT_TERMINAL_WIDTH
    return min(columns, _MAX_TERMINAL_WIDTH)


def _file_descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _wait_writable(descriptor: int, timeout_seconds: float) -> bool:
    """Wait until a write would not block.

    Raises:
        OSError: the reader is gone.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    events = poll.poll(timeout_seconds * 1000)
    if events and events[0][1] & _CLOSED_EVENTS:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
    return bool(events)


def _write_available(descriptor: int, data: bytes) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        # Another writer filled the pipe first; the loop waits again.
        return 0


def _rejected(error: Exception) -> DeliveryResult:
    cause = getattr(error, "strerror", None) or "the stream is closed"
    return DeliveryResult(DeliveryStatus.REJECTED, f"The console cannot be written to: {cause}.")
