"""Decoder processes, which can be stopped at any time."""

import asyncio
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from adapters.media.pillow.limits import too_complex
from adapters.media.pillow.tasks import MAX_MESSAGE, Answer, Task
from adapters.shared.causes import describe_error
from application.ports.errors import ImageDecoderUnavailable
from application.tasks import start_task
from domain.features.media.errors import InvalidImage

_BASE_MEMORY: Final = 256 * 1024 * 1024
_MEMORY_PER_PIXEL: Final = 20
"""Bytes, enough for still images and usual animations. An animation with transparent frames of the
maximum size needs up to 32 bytes, and is too complex."""
_MAX_WAIT: Final = 3
_START_SECONDS: Final = 5.0
"""Extra time for the start of a process, which takes seconds on a busy machine."""
_CRASHES: Final = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
_IDLE_SECONDS: Final = 30.0
"""Time without a task after which the processes end."""
_STOP_SECONDS: Final = 5.0
"""A killed process ends at once, unless the kernel waits for a disk in its name."""
# Freed images go back to the operating system at once.
_ENVIRONMENT: Final = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_ARENA_MAX": "1"}

_log = logging.getLogger(__name__)


class DecoderProcess:
    """A process that does one task at a time."""

    def __init__(self, max_pixels: int, count_unstopped: Callable[[], object]) -> None:
        """Start it. It ends when this process ends."""
        self._count_unstopped = count_unstopped
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            max_memory = _BASE_MEMORY + _MEMORY_PER_PIXEL * max_pixels
            module = ("-m", "adapters.media.pillow.decoder", str(other.fileno()), str(max_memory))
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", *module],
                    pass_fds=[other.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_ENVIRONMENT,  # no secrets
                )
            except BaseException:
                self._socket.close()
                raise
        self._socket.setblocking(False)

    async def run(self, task: Task, files: Sequence[int]) -> Answer:
        message = b""
        with suppress(ConnectionError):
            socket.send_fds(self._socket, [msgspec.json.encode(task)], files)
            message = await asyncio.get_running_loop().sock_recv(self._socket, MAX_MESSAGE)
        if not message:
            # With a file on a disk that hangs, it may not end.
            raise _error_of_exit(await asyncio.to_thread(self._process.wait, _STOP_SECONDS))
        answer: Answer = msgspec.json.decode(message, type=Answer)
        return answer

    @property
    def has_ended(self) -> bool:
        """Whether the process does not run any more, for example because memory was needed."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Stop the process, whatever it does, and wait a while for its end."""
        self._socket.close()
        self._process.kill()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # The service stops waiting for it: others may decode.
            self._count_unstopped()
            _log.error({"event": "decoder_not_stopped", "pid": self._process.pid})


def _error_of_exit(exit_code: int) -> Exception:
    """Return what ended a process: the image or its limits, or else the system or an operator."""
    if -exit_code == signal.SIGPROF:  # the limit of processor time
        return too_complex()
    if -exit_code in _CRASHES:
        return InvalidImage()
    end = f"exit code {exit_code}" if exit_code >= 0 else f"signal {-exit_code}"
    return ImageDecoderUnavailable(f"The decoder process ended with {end}.")


class DecoderProcesses:
    """Decoder processes that wait for tasks. They are started when they are needed.

    A thread cannot be stopped, and a decoder that crashes in one ends the service. A process for
    each task would take 0.2 seconds of a processor more.
    """

    def __init__(
        self,
        max_pixels: int,
        max_seconds: float,
        count_unstopped: Callable[[], object] = lambda: None,
    ) -> None:
        """Let a task take this much time of a processor.

        A busy machine has three times as long for it. Processes that do not end are counted.
        """
        self._max_pixels = max_pixels
        self._max_seconds = max_seconds
        self._count_unstopped = count_unstopped
        self._idle = list[DecoderProcess]()
        self._stopping_idle: asyncio.TimerHandle | None = None

    async def run(self, task: Task, files: Sequence[int]) -> Answer:
        """Do a task in a process of its own; stop this if the caller is cancelled.

        Raises:
            ImageDecoderUnavailable: No process can be started, or it was stopped; the machine may
                be busy. A retry may succeed.
        """
        process = await self._take_process()
        max_wait = _START_SECONDS + _MAX_WAIT * self._max_seconds
        try:
            async with asyncio.timeout(max_wait):
                answer = await process.run(task, files)
        except BaseException as error:
            await asyncio.shield(asyncio.to_thread(process.stop))
            if isinstance(error, TimeoutError):
                text = f"The decoder process did not respond within {max_wait:.0f} seconds."
                raise ImageDecoderUnavailable(text) from error
            if isinstance(error, OSError | subprocess.TimeoutExpired):
                reason = "The decoder process failed"
                raise ImageDecoderUnavailable(reason, describe_error(error)) from error
            raise
        self._idle.append(process)
        if self._stopping_idle is not None:
            self._stopping_idle.cancel()
        loop = asyncio.get_running_loop()
        self._stopping_idle = loop.call_later(
            _IDLE_SECONDS, lambda: start_task("stop_decoders", self.stop_idle())
        )
        return answer

    async def _take_process(self) -> DecoderProcess:
        while self._idle:
            process = self._idle.pop()
            if not process.has_ended:
                return process
            process.stop()
        try:
            return await asyncio.to_thread(DecoderProcess, self._max_pixels, self._count_unstopped)
        except OSError as error:
            reason = "No decoder process can be started"
            raise ImageDecoderUnavailable(reason, describe_error(error)) from error

    async def stop_idle(self) -> None:
        """Stop the processes that do nothing, and so return their memory."""
        idle, self._idle = self._idle, []
        for process in idle:
            await asyncio.to_thread(process.stop)
