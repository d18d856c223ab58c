"""Programs of this project as forks of a process that has imported them.

A program that starts imports everything again, which is most of its CPU time. So it runs as a child
of the fork server of `multiprocessing`, which has imported everything once. Imports, options of the
interpreter and the installed `dialtone` are tested without it.
"""

import atexit
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryFile
from typing import Final
from unittest.mock import patch

PROJECT: Final = Path(__file__).parents[2]
DIALTONE: Final = "entrypoints.commands.cli"
_LATER_IMPORTS: Final = (
    *(
        PROJECT / "entrypoints/commands" / name
        for name in ("administration", "operations", "shared")
    ),
    PROJECT / "entrypoints/server",
    *(path for path in (PROJECT / "adapters").iterdir() if path.is_dir()),
)
"""Packages with modules that a program imports when it needs them."""


@cache
def _context() -> ForkServerContext:
    """Start the process that forks. It ends with this process."""
    context = multiprocessing.get_context("forkserver")
    names = [
        f"{'.'.join(package.relative_to(PROJECT).parts)}.{found.name}"
        for package in _LATER_IMPORTS
        for found in iter_modules([str(package)])
    ]
    context.set_forkserver_preload([DIALTONE, *names])
    # The interpreter reads these when it starts, so the variables of a fork are too late.
    with patch.dict(os.environ, {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"}):
        ensure_running()
    return context


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
        passed = [Connection(os.dup(stream)) for stream in streams]
        started = (passed, folder, dict(environ), [module, *arguments])
        self._process = _context().Process(target=run_program, args=started)
        self._process.start()
        for stream in passed:
            stream.close()
        # Otherwise `multiprocessing` would wait for one that a failed test has left.
        atexit.register(self.send_signal, signal.SIGKILL)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code if it has ended; that of a killed program is negative."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Wait until it has ended; return the exit code."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("fork", timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal if it has not ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


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


def run_program(
    streams: Sequence[Connection], folder: Path, variables: dict[str, str], arguments: list[str]
) -> None:
    """Run the program in its fork."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    multiprocessing.set_start_method("fork", force=True)  # the default of a program
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 -- until the end of the program
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:0] = filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = arguments
    module, *options = arguments
    try:
        sys.exit(importlib.import_module(module).main(options))
    finally:
        atexit._run_exitfuncs()
