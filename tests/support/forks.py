"""Programs of this project as forks of a process that has imported them.

A program that starts imports everything again, which is most of its CPU time. So this module, run
as a program, imports another one once, and forks for each of its runs that a test starts. Imports,
options of the interpreter and the installed `dialtone` are tested without it.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

import adapters

PROJECT: Final = Path(__file__).parents[2]
DIALTONE: Final = "entrypoints.commands.cli"
_ROOMS: Final = tuple(room.name for room in pkgutil.iter_modules(adapters.__path__, "adapters."))
_LATER_IMPORTS: Final = (
    *(f"entrypoints.commands.{name}" for name in ("administration", "operations", "shared")),
    "entrypoints.server",
    *_ROOMS,
)
"""Packages with modules that a program imports when it needs them."""
_MAX_MESSAGE: Final = 1 << 17


class ForkedProgram:
    """A program that runs, with the methods of `Popen` that tests use.

    Args:
        module: That of the program, with a function `main`.
        arguments: Those of the program.
        folder: Its current folder.
        environ: All its variables.
        streams: The descriptors of its stdin, stdout and stderr.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        folder: Path,
        environ: Mapping[str, str],
        streams: Sequence[int],
    ) -> None:
        self.returncode: int | None = None
        self._replies, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        message = json.dumps([str(folder), dict(environ), [module, *arguments]]).encode()
        with other:
            socket.send_fds(_forking_process(module), [message], [other.fileno(), *streams])
        self.pid = int(self._replies.recv(_MAX_MESSAGE))

    def poll(self) -> int | None:
        """Return the exit code if it has ended; that of a killed program is negative."""
        return self._receive_code(0)

    def wait(self, timeout: float) -> int:
        """Wait until it has ended; return the exit code."""
        code = self._receive_code(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("fork", timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal if it has not ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _receive_code(self, timeout: float) -> int | None:
        if self.returncode is None:
            self._replies.settimeout(timeout)
            with suppress(BlockingIOError, TimeoutError):
                self.returncode = int(self._replies.recv(_MAX_MESSAGE))
                self._replies.close()
        return self.returncode


def run_forked(
    module: str,
    arguments: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    timeout: float,
    stdin: int | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run a program until it ends, and return its exit code and its output."""
    with (
        Path(os.devnull).open("rb") as null,
        TemporaryFile("w+") as stdout,
        TemporaryFile("w+") as stderr,
    ):
        streams = [null.fileno() if stdin is None else stdin, stdout.fileno(), stderr.fileno()]
        program = ForkedProgram(module, arguments, folder, environ, streams)
        try:
            code = program.wait(timeout)
        except BaseException:
            program.send_signal(signal.SIGKILL)
            raise
        for stream in (stdout, stderr):
            stream.seek(0)
        return subprocess.CompletedProcess(arguments, code, stdout.read(), stderr.read())


@cache
def _forking_process(module: str) -> socket.socket:
    """Start the process that forks, and return a connection to it. It ends with this process."""
    own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # The interpreter reads these when it starts, so the variables of a fork are too late.
    environ = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"}
    with other:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, module, str(other.fileno())],
            cwd=PROJECT,
            env=environ,
            stdin=subprocess.DEVNULL,
            pass_fds=[other.fileno()],
        )
    atexit.register(process.wait)
    atexit.register(own.close)
    return own


# The process that forks


def main() -> None:
    """Import the program, and fork for each message."""
    module, descriptor = sys.argv[1:]
    importlib.import_module(module)
    for package in _LATER_IMPORTS:
        folders = importlib.import_module(package).__path__
        for found in pkgutil.iter_modules(folders, f"{package}."):
            importlib.import_module(found.name)
    # A fork has none of the other threads, but the locks that they held.
    assert threading.active_count() == 1
    gc.collect()
    gc.freeze()
    # Ctrl-C is for the tests, which then end their programs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=int(descriptor)) as control:
        fork_for_each_message(control)


def fork_for_each_message(control: socket.socket) -> None:
    """Report the process id of each program, and its exit code when it has ended."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    programs: dict[int, tuple[int, int]] = {}
    while True:
        for ready, _ in poll.poll():
            if ready in programs:
                pid, replies = programs.pop(ready)
                poll.unregister(ready)
                os.close(ready)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with suppress(BrokenPipeError):
                    os.write(replies, str(code).encode())
                os.close(replies)
                continue
            message, descriptors, *_ = socket.recv_fds(control, _MAX_MESSAGE, 4)
            if not message:
                return
            replies, *streams = descriptors
            pid = os.fork()
            if pid == 0:
                run_program(streams, *json.loads(message))
            os.write(replies, str(pid).encode())
            descriptor = os.pidfd_open(pid)
            poll.register(descriptor, select.POLLIN)
            programs[descriptor] = (pid, replies)
            for stream in streams:
                os.close(stream)


def run_program(
    streams: Sequence[int], folder: str, variables: dict[str, str], arguments: list[str]
) -> None:
    """Run the program in a fork, and end that."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.closerange(len(streams), os.sysconf("SC_OPEN_MAX"))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:0] = filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = arguments
    module, *options = arguments
    code: object = 1
    try:
        code = importlib.import_module(module).main(options)
    except SystemExit as error:
        code = error.code
    except BaseException:  # noqa: BLE001 - as the interpreter does
        sys.excepthook(*sys.exc_info())
    # The interpreter would free all objects, which takes as long as a command.
    atexit._run_exitfuncs()
    os._exit(code if isinstance(code, int) else code is not None)


if __name__ == "__main__":
    main()
