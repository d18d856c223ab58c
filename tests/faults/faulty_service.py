"""A service whose clock a test changes, and which a test kills or lets fail at a step.

The service process is `python -m tests.faults.faulty_service run`. It reads files in its folder,
which the test writes:

- `clock`: the offset of its clock in seconds;
- `steps-run`: after how many further calls to database, files, messenger and destinations of
  events it is killed (-9);
  `steps-media` is for the command `media`, and so on;
- `fault`: a call that fails once, or in which it is killed.
"""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast
from unittest.mock import patch

from adapters.system import SystemClock
from application.ports.errors import StorageTimeout
from application.ports.repositories import Repositories
from application.use_cases import Policy, Ports, UseCases
from entrypoints.commands.cli import main
from tests.support.service import Inbox, Service

PROJECT: Final = Path(__file__).parents[2]
CLOCK_FILE: Final = Path("clock")
FAULT_FILE: Final = Path("fault")


@dataclass(frozen=True, slots=True)
class Fault:
    """A call of database, files, messenger or a destination of events that fails once.

    Attributes:
        operation: the port and its method, such as `identities.replace`.
        is_done: the call does its work before it fails.
        kill: the service is killed (-9) instead.
    """

    operation: str
    is_done: bool = False
    kill: bool = False


class FaultyService(Service):
    """The test's side: it writes the files."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str] | None = None, inbox: Inbox | None = None
    ) -> None:
        super().__init__(
            folder,
            {"PYTHONPATH": str(PROJECT), **(environ or {})},
            inbox,
            program=(sys.executable, "-m", "tests.faults.faulty_service"),
        )
        self.clock_offset = timedelta()

    def set_clock_offset(self, offset: timedelta) -> None:
        """Set the difference of its clock to the correct time."""
        self.clock_offset = offset
        self._write(CLOCK_FILE, str(int(offset.total_seconds())))

    def advance_clock(self, duration: timedelta) -> None:
        """Advance its clock."""
        self.set_clock_offset(self.clock_offset + duration)

    def kill_after(self, steps: int, *, command: str = "run") -> None:
        """Kill it, or a command, after so many further calls to database, files and messenger."""
        (self.folder / _steps_file(command)).write_text(str(steps))

    def keep_alive(self, *, command: str = "run") -> None:
        """Do not kill it."""
        (self.folder / _steps_file(command)).unlink(missing_ok=True)

    def add_fault(self, fault: Fault) -> None:
        """Let the next call of an operation fail."""
        self._write(FAULT_FILE, json.dumps(asdict(fault)))

    @property
    def has_fault(self) -> bool:
        """Whether that call has not come yet."""
        return (self.folder / FAULT_FILE).exists()

    def _write(self, file: Path, text: str) -> None:
        # It never reads half of a file.
        new_file = self.folder / f"{file}.new"
        new_file.write_text(text)
        new_file.replace(self.folder / file)


@contextmanager
def run_faulty_service(
    folder: Path, environ: Mapping[str, str] | None = None, inbox: Inbox | None = None
) -> Iterator[FaultyService]:
    """Start the service and kill it after the block."""
    service = FaultyService(folder, environ, inbox)
    service.start()
    try:
        yield service
    finally:
        service.kill()


# The service process


class ShiftedClock(SystemClock):
    """The system's clock with the offset of the test."""

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=_read_number(CLOCK_FILE) or 0)


class CountedPort:
    """A port, each of whose calls is a step, and may have a fault."""

    def __init__(self, port_name: str, port: Any) -> None:
        self._port_name = port_name
        self._port = port

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name in ("list_files", "retry_after"):  # without I/O of their own
            return method
        operation = f"{self._port_name}.{name}"

        async def call(*args: Any, **kwargs: Any) -> Any:
            _cause_fault(operation, is_done=False)
            result = await method(*args, **kwargs)
            _cause_fault(operation, is_done=True)
            _count_step()
            return result

        @asynccontextmanager
        async def open_(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            async with method(*args, **kwargs) as opened:
                _count_step()
                yield opened

        return open_ if name in ("open_file", "open_recording") else call


def _count_step() -> None:
    file = _steps_file(sys.argv[1])
    steps = _read_number(file)
    if steps is None:
        return
    file.write_text(str(steps - 1))
    if steps == 1:
        _kill()


def _cause_fault(operation: str, *, is_done: bool) -> None:
    try:
        fault = Fault(**json.loads(FAULT_FILE.read_text()))
    except FileNotFoundError:
        return
    if (fault.operation, fault.is_done) != (operation, is_done):
        return
    FAULT_FILE.unlink()
    if fault.kill:
        _kill()
    raise StorageTimeout(f"{operation} has a fault")


def _kill() -> None:
    if sys.argv[1] == "run":  # the parent of a worker; that of a command is the test
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _steps_file(command: str) -> Path:
    return Path(f"steps-{command}")


def _read_number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except FileNotFoundError:
        return None


def _build_counted_use_cases(ports: Ports, policy: Policy) -> UseCases:
    repositories = {
        port.name: CountedPort(port.name, getattr(ports.repositories, port.name))
        for port in fields(Repositories)
    }
    media_files = cast("Any", CountedPort("media_files", ports.media.files))
    messenger = cast("Any", CountedPort("messenger", ports.otp.messenger))
    provider = ports.otp.call_provider
    call_provider = cast("Any", provider and CountedPort("call_provider", provider))
    counted = replace(
        ports,
        repositories=Repositories(**cast("dict[str, Any]", repositories)),
        media=replace(ports.media, files=media_files),
        otp=replace(ports.otp, messenger=messenger, call_provider=call_provider),
        operations=replace(ports.operations, media_files=media_files, recordings=call_provider),
        events=replace(
            ports.events,
            destinations={
                name: cast("Any", CountedPort("destination", destination))
                for name, destination in ports.events.destinations.items()
            },
        ),
    )
    return UseCases(counted, policy)


if __name__ == "__main__":
    with (
        patch("adapters.system.SystemClock", ShiftedClock),
        patch("entrypoints.bootstrap.UseCases", _build_counted_use_cases),
    ):
        sys.exit(main())
