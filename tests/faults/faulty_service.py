"""A service whose clock a test changes, and which a test kills or lets fail at a step.

The service process is a fork that runs `main`. It reads files in its folder, which the test writes:

- `clock`: the offset of its clock in seconds;
- `steps-run`: after how many further calls to database, files, messenger and destinations of
  events it is killed (-9);
  `steps-media` is for the command `media`, and so on;
- `fault`: a call that fails once, or in which it is killed;
- `constants`: other values of constants, such as time limits.
"""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final
from unittest.mock import patch

from adapters.databases.records import features
from adapters.operations.system import SystemClock
from application.ports.errors import StorageTimeout
from entrypoints.commands import cli
from tests.support.fault_injector import name_operation
from tests.support.forked_service import ForkedService
from tests.support.service import Inbox

CLOCK_FILE: Final = Path("clock")
FAULT_FILE: Final = Path("fault")
CONSTANTS_FILE: Final = Path("constants")


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
        self.clock_offset = timedelta()
        folder.mkdir(parents=True, exist_ok=True)
        self._write(CONSTANTS_FILE, json.dumps(constants or {}))

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
        return super().now() + timedelta(seconds=_read_number(CLOCK_FILE) or 0)


class CountedPort:
    """A port, each of whose calls is a step, and may have a fault."""

    def __init__(self, port_name: str, port: Any) -> None:
        self._port_name = port_name
        self._port = port

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        # Without I/O, or the health of all.
        if name in ("list_files", "retry_after", "check", "names"):
            return method

        async def call(*args: Any, **kwargs: Any) -> Any:
            operation = name_operation(self._port_name, self._port, name, args)
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


def _count_all(repositories: Any) -> Any:
    """Return the repositories of the core or of a feature, whose calls are steps."""
    ports = {
        port.name: CountedPort(port.name, getattr(repositories, port.name))
        for port in fields(repositories)
        if not isinstance(getattr(repositories, port.name), CountedPort)
    }
    return replace(repositories, **ports)


def _count_calls(voice: Any) -> Any:
    return voice and replace(voice, calls=CountedPort("call_provider", voice.calls))


_OPENED: Final = (
    (
        "entrypoints.bootstrap",
        "open_guarded_database",
        lambda database: replace(database, limits=CountedPort("limit_store", database.limits)),
    ),
    ("entrypoints.features.media.feature", "open_files", partial(CountedPort, "media_files")),
    ("entrypoints.features.voice.feature", "open_voice", _count_calls),
    (
        "entrypoints.features.events.feature",
        "open_destination",
        partial(CountedPort, "destination"),
    ),
)
"""The functions that open ports, and how these are counted. A feature may be missing."""


def _list_patches() -> Iterator[AbstractContextManager[Any]]:
    """Yield what lets the core and all features get ports whose calls are counted."""
    yield _patch("entrypoints.bootstrap", "make_repositories", _count_all)
    for module in iter_modules(features.__path__, f"{features.__name__}."):
        name = f"make_{module.name.rpartition('.')[2]}_repositories"
        if hasattr(import_module(module.name), name):
            yield _patch(module.name, name, _count_all)
    yield _patch("entrypoints.core.otp", "_fail_over", partial(CountedPort, "messenger"))
    for module_name, name, count in _OPENED:
        if find_spec(module_name.removesuffix(".feature")) is not None:
            yield _patch(module_name, name, partial(_count_opened, count))


def _patch(module: str, name: str, count: Callable[[Any], Any]) -> AbstractContextManager[Any]:
    """Replace a function by one whose result is counted."""
    function = getattr(import_module(module), name)
    return patch(f"{module}.{name}", lambda *args, **kwargs: count(function(*args, **kwargs)))


@asynccontextmanager
async def _count_opened(
    count: Callable[[Any], Any], opening: AbstractAsyncContextManager[Any]
) -> AsyncIterator[Any]:
    async with opening as opened:
        yield count(opened)


def main(options: Sequence[str]) -> int:
    """Run the command with the faults of its folder."""
    with ExitStack() as stack:
        stack.enter_context(patch("adapters.operations.system.SystemClock", ShiftedClock))
        for name, value in json.loads(CONSTANTS_FILE.read_text()).items():
            stack.enter_context(patch(name, value))
        for each in _list_patches():
            stack.enter_context(each)
        return cli.main(options)
