"""Decoder processes, which can be stopped at any time."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec

from adapters.pillow.limits import TOO_COMPLEX
from adapters.pillow.tasks import MAX_MESSAGE, Answer, Task

_BASE_MEMORY: Final = 256 * 1024 * 1024
_MEMORY_PER_PIXEL: Final = 20
"""An animated WebP needs most: two canvases, a frame and two copies, with 4 bytes per pixel."""
_MAX_WAIT: Final = 3
_IDLE_SECONDS: Final = 30.0
"""After this time without a task, the processes end."""
# Freed images go back to the operating system at once.
_ENVIRONMENT: Final = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_ARENA_MAX": "1"}


class DecoderProcess:
    """A process that does one task at a time."""

    def __init__(self, max_pixels: int) -> None:
        """Start it. It ends when this process ends.

        Raises:
            OSError: No process can be started.
        """
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            max_memory = _BASE_MEMORY + _MEMORY_PER_PIXEL * max_pixels
            module = ("-m", "adapters.pillow.decoder", str(other.fileno()), str(max_memory))
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
        """Do the task with these descriptors.

        Raises:
            InvalidImage: A signal ended the process, as after a crash of a decoder.
            OSError: The process failed.
        """
        message = b""
        with suppress(ConnectionError):
            socket.send_fds(self._socket, [msgspec.json.encode(task)], files)
            message = await asyncio.get_running_loop().sock_recv(self._socket, MAX_MESSAGE)
        if not message:
            exit_code = await asyncio.to_thread(self._process.wait)
            if exit_code > 0:  # no signal
                raise OSError(f"The decoder process ended with exit code {exit_code}.")
            raise TOO_COMPLEX
        answer: Answer = msgspec.json.decode(message, type=Answer)
        return answer

    def stop(self) -> None:
        """Stop the process, whatever it does, and wait for its end."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


class DecoderProcesses:
    """Decoder processes that wait for tasks. They are started when they are needed."""

    def __init__(self, max_pixels: int, max_seconds: float) -> None:
        """Let a task take this much time of a processor, and three times as long if others work."""
        self._max_pixels = max_pixels
        self._max_seconds = max_seconds
        self._idle = list[DecoderProcess]()
        self._stopping_idle: asyncio.TimerHandle | None = None

    async def run(self, task: Task, files: Sequence[int]) -> Answer:
        """Do a task in a process of its own; stop this if the caller is cancelled.

        Raises:
            InvalidImage: It takes too much time or memory.
            OSError: No process can be started.
        """
        if not self._idle:
            self._idle.append(await asyncio.to_thread(DecoderProcess, self._max_pixels))
        process = self._idle.pop()
        try:
            async with asyncio.timeout(_MAX_WAIT * self._max_seconds):
                answer = await process.run(task, files)
        except BaseException as error:
            await asyncio.shield(asyncio.to_thread(process.stop))
            if isinstance(error, TimeoutError):
                raise TOO_COMPLEX from error
            raise
        self._idle.append(process)
        if self._stopping_idle is not None:
            self._stopping_idle.cancel()
        loop = asyncio.get_running_loop()
        self._stopping_idle = loop.call_later(_IDLE_SECONDS, self.stop_idle)
        return answer

    def stop_idle(self) -> None:
        """Stop the processes that do nothing, and so return their memory."""
        while self._idle:
            self._idle.pop().stop()
