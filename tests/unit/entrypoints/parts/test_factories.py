"""Loading and opening operators' own adapters."""

import functools
import os
import py_compile
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import pytest
from structlog.testing import capture_logs

from adapters.databases.records.database import Database
from application.ports.errors import MessengerUnavailable
from application.ports.limits import LimitStore
from application.ports.otp import Messenger
from application.ports.webhooks import StatusCallbacks
from entrypoints.parts.factories import find_port_problem, load_factory, open_adapter
from entrypoints.settings.startup_error import StartupError
from entrypoints.settings.values import Factory
from tests.support.fakes.database import InMemoryDatabase

VARIABLE: Final = "DIALTONE_SMS"


@asynccontextmanager
async def open_arguments(
    *, environ: object, phone_encryption: object = None
) -> AsyncIterator[object]:
    yield environ, phone_encryption


@asynccontextmanager
async def open_without_environ(*, url: object) -> AsyncIterator[object]:
    yield url


class OwnMessenger:
    async def send(self, phone: object) -> None:
        """Accept less than the port's method."""


@asynccontextmanager
async def open_incomplete(*, environ: object) -> AsyncIterator[OwnMessenger]:
    yield OwnMessenger()


class RequiredUrlMessenger:
    async def send(self, phone: object, message: object, url: object) -> None:
        """Require more than the port has."""


class BlockingMessenger:
    def send(self, phone: object, message: object) -> None:
        """Lack `async`."""


class WrappedMessenger:
    async def send(self, phone: object, message: object) -> None:
        """Have the port's method."""

    @functools.wraps(send)
    def wrapped(self, *arguments: Any) -> Any:
        """Return what can be awaited."""
        return self.send(*arguments)


class BlockingCheck(WrappedMessenger):
    def check(self) -> None:
        """Lack `async` in a method that the port does not have."""


class UnfinishedCallbacks(WrappedMessenger, StatusCallbacks):
    """Inherit the port's own method, which does nothing."""


class AsyncStatus(WrappedMessenger):
    async def read_statuses(self, request: object) -> None:
        """Have `async` where the port has none."""


class TimelessLimits:
    async def acquire(self, limits: object) -> None:
        """Accept no time where the port has one."""


@pytest.mark.parametrize(
    ("adapter", "port", "problem"),
    [
        (RequiredUrlMessenger(), Messenger, "has no send(phone, message)"),
        (cast("Any", UnfinishedCallbacks)(), Messenger, "has no read_statuses(request)"),
        (BlockingMessenger(), Messenger, "method send is not async: write `async def send`"),
        (BlockingCheck(), Messenger, "method check is not async: write `async def check`"),
        (AsyncStatus(), Messenger, "method read_statuses is called without await, but is"),
        (TimelessLimits(), LimitStore, "has no acquire(limits, now)"),
    ],
)
def test_a_method_is_called_as_in_its_port(adapter: object, port: type, problem: str) -> None:
    found = find_port_problem(adapter, port)
    assert found is not None
    assert found.partition(", ")[0].endswith(type(adapter).__name__)
    assert problem in found


def test_a_decorated_method_fits() -> None:
    adapter = WrappedMessenger()
    adapter.__dict__["send"] = adapter.wrapped
    assert find_port_problem(adapter, Messenger) is None


@asynccontextmanager
async def open_incomplete_database(*, environ: object) -> AsyncIterator[Database]:
    limits: Any = OwnMessenger()
    async with InMemoryDatabase().open_database() as database:
        yield replace(database, limits=limits)


async def open_undecorated(*, environ: object) -> AsyncIterator[object]:
    yield environ


@asynccontextmanager
async def open_failing(*, environ: object) -> AsyncIterator[object]:
    if environ is not None:
        raise KeyError("tops3cret")
    yield environ


@asynccontextmanager
async def open_exiting(*, environ: object) -> AsyncIterator[object]:
    if environ is not None:
        raise SystemExit("tops3cret")
    yield environ


@asynccontextmanager
async def open_away(*, environ: object) -> AsyncIterator[object]:
    if environ is not None:
        raise MessengerUnavailable("it is closed", "503")
    yield environ


async def test_a_factory_gets_keyword_arguments() -> None:
    factory = Factory(f"{__name__}:{open_arguments.__name__}")
    async with open_adapter(factory, VARIABLE, object, environ=1, phone_encryption=2) as adapter:
        assert adapter == (1, 2)


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (open_without_environ, "must accept the keyword arguments in docs/adapters.md"),
        (open_undecorated, "must be decorated with @asynccontextmanager"),
        (
            open_incomplete,
            r"yields OwnMessenger, which has no send\(phone, message\)",
        ),
        (open_failing, r"failed while it was opened \(KeyError\)"),
        (open_exiting, r"failed while it was opened \(SystemExit\)"),
        (open_away, "failed while it was opened: it is closed: 503"),
    ],
)
async def test_an_invalid_factory_is_a_startup_error(
    create: Callable[..., object], message: str
) -> None:
    factory = Factory(f"{__name__}:{create.__name__}")
    is_error = pytest.raises(StartupError, match=f"^DIALTONE_SMS: {factory.path} {message}")
    with capture_logs(), is_error:  # to show an exception in colors takes long
        async with open_adapter(factory, VARIABLE, Messenger, environ={}):
            pass


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (open_incomplete_database, r"yields OwnMessenger, which has no acquire\(limits, now\)"),
        (open_incomplete, "yields OwnMessenger, which is no Database"),
    ],
)
async def test_a_database_needs_all_its_ports(create: Callable[..., object], message: str) -> None:
    factory = Factory(f"{__name__}:{create.__name__}")
    with pytest.raises(StartupError, match=message):
        async with open_adapter(factory, VARIABLE, Database, environ={}):
            pass


@pytest.mark.parametrize("path", ["no.such:factory", "os:no_such", "os:sep"])
def test_a_missing_factory_is_a_startup_error(path: str) -> None:
    with pytest.raises(StartupError, match=f"^DIALTONE_SMS: {path} "):
        load_factory(Factory(path), VARIABLE)


@pytest.fixture
def current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with a factory in `own_sms.messenger`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    for file, text in {
        "own_sms/__init__.py": "",
        "own_sms/messenger.py": "import own_log\nfrom own_sms import http\nopened = print\n",
        "own_sms/http.py": "",
        "own_log.py": "",
    }.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    return tmp_path


OWN_FACTORY: Final = Factory("own_sms.messenger:opened")


@pytest.mark.parametrize(
    "file", ["own_sms/__init__.py", "own_sms/messenger.py", "own_sms/http.py", "own_log.py"]
)
def test_a_module_that_every_user_can_write_is_not_run(current_folder: Path, file: str) -> None:
    assert load_factory(OWN_FACTORY, VARIABLE) is print
    for module in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[module]
    path = current_folder / file
    path.write_text("raise SystemExit('it was run')")
    path.chmod(0o666)

    with pytest.raises(StartupError, match=f"^DIALTONE_SMS: .*chmod o-w {path}$"):
        load_factory(OWN_FACTORY, VARIABLE)


@pytest.mark.parametrize("is_compiled", [False, True])
def test_a_module_of_another_user_is_not_run(
    current_folder: Path, is_compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = current_folder / "own_log.py"
    if is_compiled:
        path = Path(py_compile.compile(str(path), doraise=True) or "")
    lstat = Path.lstat

    def lstat_with_owner(file: Path) -> os.stat_result:
        status = [*lstat(file)]
        if file == path:
            status[stat.ST_UID] = 12345
        return os.stat_result(status)

    monkeypatch.setattr(Path, "lstat", lstat_with_owner)

    with pytest.raises(StartupError, match=f"^DIALTONE_SMS: {path} belongs to uid 12345"):
        load_factory(OWN_FACTORY, VARIABLE)
