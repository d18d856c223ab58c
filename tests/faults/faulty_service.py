"""A service whose clock a test changes, and which a test kills in a write.

The service process is a fork that runs `main`. It reads files in its folder, which the test writes:

- `clock`: the offset of its clock in seconds;
- `kill`: a call of a repository, such as `identities.add`, before which it is killed (-9) once;
- `block`: a call that blocks the event loop of its worker once, as a disk may that hangs;
- `constants`: other values of constants, such as time limits.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from adapters.databases.records.repositories import make_repositories
from adapters.operations.system import SystemClock
from entrypoints.commands import cli
from tests.support.fault_injector import name_operation
from tests.support.service import ForkedService, Inbox

CLOCK_FILE: Final = Path("clock")
KILL_FILE: Final = Path("kill")
BLOCK_FILE: Final = Path("block")
CONSTANTS_FILE: Final = Path("constants")


class FaultyService(ForkedService):
    """The test's side: it writes the files.

    Args:
        constants: Other values of constants, by their module and name, from its next start on.
    """

    module = __name__

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        inbox: Inbox | None = None,
        constants: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(folder, environ, inbox)
        folder.mkdir(parents=True, exist_ok=True)
        self._write(CONSTANTS_FILE, json.dumps(constants or {}))

    def advance_clock(self, duration: timedelta) -> None:
        """Let its clock be ahead of the correct time."""
        self._write(CLOCK_FILE, str(int(duration.total_seconds())))

    def kill_before(self, operation: str) -> None:
        """Let it be killed before the next call of an operation."""
        self._write(KILL_FILE, operation)

    def block_in(self, operation: str) -> None:
        """Let the next call of an operation block the event loop for good."""
        self._write(BLOCK_FILE, operation)

    @property
    def will_be_killed(self) -> bool:
        """Whether that call has not come yet."""
        return (self.folder / KILL_FILE).exists()

    def _write(self, file: Path, text: str) -> None:
        # It never reads half of a file.
        new_file = self.folder / f"{file}.new"
        new_file.write_text(text)
        new_file.replace(self.folder / file)


@contextmanager
def run_faulty_service(
    folder: Path,
    environ: Mapping[str, str] | None = None,
    inbox: Inbox | None = None,
    constants: Mapping[str, float] | None = None,
) -> Iterator[FaultyService]:
    """Start the service and kill it after the block."""
    service = FaultyService(folder, environ, inbox, constants)
    service.start()
    try:
        yield service
    finally:
        service.kill()


# The service process


class ShiftedClock(SystemClock):
    """The system's clock with the offset of the test."""

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=_read_offset())


@dataclass(frozen=True)
class FaultyPort:
    """A repository, before a call of which the service may be killed, or its worker blocked."""

    name: str
    repository: Any

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.repository, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            operation = name_operation(self.name, self.repository, name, args)
            if _is_next(KILL_FILE, operation):
                os.kill(os.getppid(), signal.SIGKILL)  # the parent of the worker
                os.kill(os.getpid(), signal.SIGKILL)
            if _is_next(BLOCK_FILE, operation):
                time.sleep(3600)  # its worker ends before
            return method(*args, **kwargs)

        return call


def _is_next(file: Path, operation: str) -> bool:
    """Return whether a fault is to come in this operation, and let it come once."""
    if not file.exists() or file.read_text() != operation:
        return False
    file.unlink()
    return True


def _with_faults(make: Callable[..., Any]) -> Callable[..., Any]:
    def make_faulty(*args: Any, **kwargs: Any) -> Any:
        repositories = make(*args, **kwargs)
        ports = {port.name: getattr(repositories, port.name) for port in fields(repositories)}
        ports = {name: FaultyPort(name, port) for name, port in ports.items()}
        return replace(repositories, **ports)

    return make_faulty


def _read_offset() -> int:
    try:
        return int(CLOCK_FILE.read_text())
    except FileNotFoundError:
        return 0


def main(options: Sequence[str]) -> int:
    """Run the command with the faults of its folder."""
    with ExitStack() as stack:
        stack.enter_context(patch("adapters.operations.system.SystemClock", ShiftedClock))
        for name, value in json.loads(CONSTANTS_FILE.read_text()).items():
            stack.enter_context(patch(name, value))
        make = _with_faults(make_repositories)
        stack.enter_context(patch("entrypoints.composition.use_cases.make_repositories", make))
        return cli.main(options)
