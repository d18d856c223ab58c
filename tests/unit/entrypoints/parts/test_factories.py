"""Loading and opening operators' own adapters."""

import os
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from adapters.databases.records.database import Database
from application.ports.errors import MessengerUnavailable
from application.ports.otp import Messenger
from entrypoints.parts.factories import load_factory, open_adapter
from entrypoints.settings.startup_error import StartupError
from entrypoints.settings.values import Factory
from tests.support.fakes.database import InMemoryDatabase

VARIABLE: Final = "DIALTONE_SMS"


class OwnMessenger:
    async def send(self, phone: object) -> None:
        """Accept less than the port's method."""


@asynccontextmanager
async def open_without_environ(*, url: object) -> AsyncIterator[object]:
    yield url


async def open_undecorated(*, environ: object) -> AsyncIterator[object]:
    yield environ


@asynccontextmanager
async def open_incomplete(*, environ: object) -> AsyncIterator[OwnMessenger]:
    yield OwnMessenger()


@asynccontextmanager
async def open_incomplete_database(*, environ: object) -> AsyncIterator[Database]:
    limits: Any = OwnMessenger()
    async with InMemoryDatabase().open_database() as database:
        yield replace(database, limits=limits)


def failing(error: BaseException) -> Callable[..., object]:
    @asynccontextmanager
    async def open_failing(*, environ: object) -> AsyncIterator[object]:
        if environ is not None:
            raise error
        yield environ

    return open_failing


@pytest.mark.parametrize(
    ("create", "port", "message"),
    [
        (open_without_environ, Messenger, "must accept the keyword arguments in docs/adapters.md"),
        (open_undecorated, Messenger, "must be decorated with @asynccontextmanager"),
        (open_incomplete, Messenger, r"yields OwnMessenger, which has no send\(phone, message\)"),
        (open_incomplete, Database, "yields OwnMessenger, which is no Database"),
        (
            open_incomplete_database,
            Database,
            r"yields OwnMessenger, which has no acquire\(limits, now\)",
        ),
        (failing(KeyError("tops3cret")), Messenger, r"failed while it was opened \(KeyError\)"),
        (failing(SystemExit("tops3cret")), Messenger, r"failed while it was opened \(SystemExit\)"),
        (
            failing(MessengerUnavailable("it is closed", "503")),
            Messenger,
            "failed while it was opened: it is closed: 503",
        ),
    ],
)
async def test_an_invalid_factory_is_a_startup_error(
    monkeypatch: pytest.MonkeyPatch, create: Callable[..., object], port: type, message: str
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "opened", create, raising=False)
    factory = Factory(f"{__name__}:opened")
    is_error = pytest.raises(StartupError, match=f"^DIALTONE_SMS: {factory.path} {message}")
    with capture_logs(), is_error:  # to show an exception in colors takes long
        async with open_adapter(factory, VARIABLE, port, environ={}):
            pass


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


def test_a_module_of_another_user_is_not_run(
    current_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lstat = current_folder / "own_log.py", Path.lstat

    def lstat_with_owner(file: Path) -> os.stat_result:
        status = [*lstat(file)]
        if file == path:
            status[stat.ST_UID] = 12345
        return os.stat_result(status)

    monkeypatch.setattr(Path, "lstat", lstat_with_owner)

    with pytest.raises(StartupError, match=f"^DIALTONE_SMS: {path} belongs to uid 12345"):
        load_factory(OWN_FACTORY, VARIABLE)
