"""The contract suites accept adapters that keep their promises, and say what others break."""

import asyncio
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from hashlib import sha256
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from adapters.databases.records.database import Database
from adapters.databases.sqlite import open_sqlite_database
from tests.contract.examples.event_file import open_event_file
from tests.contract.suites import plugin
from tests.contract.suites.attestation.driver import AttestationDriver
from tests.contract.suites.blocked_loop import MAX_PAUSE, PAUSES, find_blocking_calls
from tests.contract.suites.events import test_event_destination as events
from tests.contract.suites.events.driver import EventsDriver
from tests.contract.suites.external_adapter import ADAPTER, PLACE, PORT
from tests.contract.suites.media import test_killed_writes as killed_writes
from tests.contract.suites.messages import test_messenger as messenger
from tests.contract.suites.messages.driver import MessengerDriver
from tests.contract.suites.outcomes import observe
from tests.contract.suites.port import PORTS
from tests.contract.suites.storage import test_crash as crash
from tests.contract.suites.storage import test_other_keys as other_keys
from tests.contract.suites.storage.outages import OutageInstances
from tests.contract.suites.time_zone import west_of_utc  # noqa: F401 -- each test uses it
from tests.contract.suites.voice.drivers import CallsDriver, VoiceDriver
from tests.integration.adapter_run import wrong_adapters as wrong
from tests.integration.adapter_run import wrong_voice  # noqa: F401 -- it adds its broken promises
from tests.integration.adapter_run.attestation_adapters import Questions
from tests.integration.adapter_run.event_lists import EventList
from tests.integration.adapter_run.wrong_adapters import (
    BrokenPromise,
    RightLimits,
    RightMessenger,
    RightRecords,
)
from tests.support.adapter_runs import open_disk, open_sqlite, run_contract_tests
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.markdown import PROJECT
from tests.support.voice.right_voice import RightVoice

EXAMPLE: Final = "tests.contract.examples.file_messenger:open_file_messenger"
PORT_NAMES: Final = ", ".join(PORTS)
SECRET: Final = "correcthorsebattery"
CONFIRMED: Final = crash.test_what_was_confirmed_is_there_after_a_crash
_DATA: Final = bytes(1_000_000)


def path_of(factory: Callable[..., object]) -> str:
    return f"{factory.__module__}:{factory.__name__}"


def test_each_suite_runs_with_adapters_of_others_and_with_ours() -> None:
    suites = list((PROJECT / "tests/contract/suites").rglob("test_*.py"))
    of_ports = [path for one in PORTS.values() for path in one.paths]

    assert all(any(map(suite.is_relative_to, of_ports)) for suite in suites)
    names = {suite.name for suite in suites}
    with_ours = {name for name in names if (PROJECT / "tests/contract" / name).exists()}
    # They start a process, or none of ours has it: they are in this module.
    assert names - with_ours == {
        "test_crash.py",
        "test_killed_writes.py",
        "test_other_keys.py",
    }


def make_limits(adapter: type[RightLimits], *, is_broken: bool = False) -> Database:
    limits = adapter({})
    limits.is_broken = is_broken
    records: Any = None
    return Database(records, limits=limits, health=limits)


def open_instances(adapter: type[RightLimits]) -> OutageInstances:
    database = make_limits(adapter)
    return OutageInstances(database, database)


DRIVERS: Final[dict[str, Callable[[Any], Any]]] = {
    "messenger_driver": lambda adapter: MessengerDriver(adapter()),
    "events_driver": lambda adapter: EventsDriver(adapter()),
    "attestation_driver": lambda adapter: AttestationDriver(adapter()),
    "voice_driver": lambda adapter: VoiceDriver(adapter()),
    "calls_driver": lambda adapter: CallsDriver(adapter()),
    "limits": lambda adapter: adapter({}),
    "store": lambda adapter: adapter(),
    "files": lambda adapter: adapter(),
    "unusable_database": lambda adapter: make_limits(adapter, is_broken=True),
    "outage_instances": open_instances,
}
"""What a promise is checked with, by the fixture that its test names first."""


RIGHT_ADAPTERS: Final = (
    RightMessenger,
    EventList,
    Questions,
    RightVoice,
    RightLimits,
    RightRecords,
    InMemoryFiles,
)
BROKEN_PROMISES: Final = pytest.mark.parametrize(
    "broken",
    wrong.BROKEN_PROMISES,
    ids=lambda broken: f"{broken.adapter.__name__}: {broken.words[:20]}",
)


@BROKEN_PROMISES
async def test_a_promise_that_an_adapter_breaks_is_named(
    monkeypatch: pytest.MonkeyPatch, broken: BrokenPromise
) -> None:
    monkeypatch.setattr(messenger, "SEND_SECONDS", 0.1 if "0.1" in broken.words else 60)
    monkeypatch.setenv(PORT, "limits" if issubclass(broken.adapter, RightLimits) else "")
    open_driver = DRIVERS[next(iter(signature(broken.promise).parameters))]
    with pytest.raises((AssertionError, pytest.fail.Exception), match=broken.words):
        await broken.promise(open_driver(broken.adapter))


@BROKEN_PROMISES
async def test_a_right_adapter_keeps_what_another_breaks(
    monkeypatch: pytest.MonkeyPatch, broken: BrokenPromise
) -> None:
    right = next(each for each in RIGHT_ADAPTERS if issubclass(broken.adapter, each))
    monkeypatch.setenv(PORT, "limits" if right is RightLimits else "")
    open_driver = DRIVERS[next(iter(signature(broken.promise).parameters))]
    with suppress(pytest.skip.Exception):  # it promises less
        await broken.promise(open_driver(right))


@pytest.mark.parametrize(
    "promise",
    [
        events.test_events_of_all_types_arrive_in_their_order,
        events.test_an_event_arrives_with_its_own_type_time_user_and_phone,
        events.test_an_event_that_was_rejected_arrives_when_it_comes_again,
    ],
)
async def test_a_right_destination_of_events_keeps_a_promise(
    promise: Callable[..., Any], tmp_path: Path
) -> None:
    async with open_event_file(environ={PLACE: str(tmp_path)}) as destination:
        await promise(EventsDriver(destination))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factory", "port", "promise"),
    [
        *(
            (open_sqlite, "database", partial(CONFIRMED, store=store))
            for store in ("records", "limits")
        ),
        (open_disk, "media", killed_writes.test_what_a_killed_write_leaves_in_a_folder_is_deleted),
    ],
)
async def test_a_store_keeps_what_it_confirmed_when_its_process_is_killed(
    factory: Callable[..., Any],
    port: str,
    promise: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ADAPTER, path_of(factory))
    monkeypatch.setenv(PORT, port)
    await promise(tmp_path)


async def test_a_database_that_opens_with_any_keys_is_named(tmp_path: Path) -> None:
    promise = other_keys.test_a_database_is_not_opened_with_other_keys
    opens = partial(open_sqlite_database, tmp_path / "right.db")
    await promise(partial(opens, "keys"), partial(opens, "other keys"))

    opens = partial(open_sqlite_database, tmp_path / "wrong.db", "keys")
    with pytest.raises(pytest.fail.Exception, match="It was opened with other keys, and would"):
        await promise(opens, opens)


async def test_a_call_that_never_ends_is_left_in_words() -> None:
    outcome = await observe(asyncio.Event().wait(), 0.01)

    assert outcome.words == "did not end within 0.01 seconds, retries included"


async def sleep_often() -> None:
    for _ in range(100):
        time.sleep(0.01)  # noqa: ASYNC251 -- as a client that is not asynchronous does


async def compute() -> None:
    end = time.thread_time() + 2 * MAX_PAUSE
    while time.thread_time() < end:
        sha256(_DATA)  # other threads run meanwhile


@pytest.mark.parametrize("block", [sleep_often, compute])
async def test_what_blocks_the_event_loop_is_noticed(block: Callable[..., Any]) -> None:
    PAUSES.clear()
    with find_blocking_calls():
        await asyncio.sleep(0)
        await asyncio.create_task(block())

    assert [call.partition(" ")[2] for call in PAUSES] == [block.__name__]
    assert re.search(rf"{__file__}:\d+ in {block.__name__}$", PAUSES.popitem()[1])


async def ignore_cancellation(is_over: threading.Event) -> None:
    while not is_over.is_set():
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.01)  # before the next of all too many attempts


async def test_all_that_is_left_open_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(plugin, "CLOSING_SECONDS", 0.1)
    before = plugin.list_open()
    is_over = threading.Event()
    thread = threading.Thread(target=is_over.wait, name="poller")
    thread.start()
    task = asyncio.create_task(ignore_cancellation(is_over), name="retries")
    with socket.socket() as left_socket, (tmp_path / "left").open("w"):
        left = await plugin.find_left_open(before)
        number = os.fstat(left_socket.fileno()).st_ino
    is_held = task in asyncio.all_tasks()
    is_over.set()
    thread.join()
    await task

    assert len(left) == 4
    for words in (f"{tmp_path}/left", f"socket:[{number}]", "(poller, started", "name='retries'"):
        assert words in "\n".join(left)
    assert not is_held, "it would hold the end of the run"


@pytest.mark.parametrize(
    ("adapter", "port", "words"),
    [
        ("my_sms", "messages", "ADAPTER: name the factory as package.module:factory."),
        (EXAMPLE, "", f"PORT: it is missing: name the adapter's port, one of {PORT_NAMES}."),
        (EXAMPLE, "sms", "PORT: there is no port sms: name the adapter's port, one of"),
    ],
)
def test_errors_name_what_the_author_wrote(adapter: str, port: str, words: str) -> None:
    config: Any = SimpleNamespace(getoption={"--adapter": adapter, "--port": port}.get)
    with pytest.raises(pytest.UsageError, match=f"^{re.escape(words)}"):
        plugin.pytest_configure(config)


@asynccontextmanager
async def open_endlessly(*, environ: Mapping[str, str]) -> AsyncIterator[None]:
    await asyncio.Event().wait()
    yield


@asynccontextmanager
async def open_wrongly(*, environ: Mapping[str, str]) -> AsyncIterator[int]:
    nothing: Any = None
    yield len(nothing)


@asynccontextmanager
async def close_wrongly(*, environ: Mapping[str, str]) -> AsyncIterator[RightMessenger]:
    yield RightMessenger()
    raise ConnectionError(f"no login with {environ['GATEWAY_TOKEN']}")


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        (EXAMPLE, "MY_SMS_FILE is not set"),
        ("no_module:open_it", "no_module:open_it cannot be imported (No module named"),
        (path_of(open_endlessly), "it was not opened and closed within 0.5 seconds."),
        (path_of(open_wrongly), "\nTypeError: object of type 'NoneType' has no len()"),
        (path_of(close_wrongly), "\nConnectionError: no login with ***"),
    ],
)
def test_an_adapter_that_cannot_be_opened_and_closed_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, factory: str, words: str
) -> None:
    monkeypatch.setattr(plugin, "OPENING_SECONDS", 0.5)
    monkeypatch.setenv("GATEWAY_TOKEN", SECRET)
    monkeypatch.setenv(ADAPTER, factory)
    monkeypatch.setenv(PORT, "messages")
    session: Any = SimpleNamespace(config=object())

    is_error = pytest.raises(pytest.UsageError, match=r"^DIALTONE_SMS: ")
    with capture_logs(), is_error as error:  # to show an exception in colors takes long
        plugin.pytest_sessionstart(session)
    assert words in str(error.value)


def run_with(adapter: type, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"WRONG_ADAPTER": adapter.__name__, "GATEWAY_TOKEN": SECRET}
    factory = path_of(wrong.open_messenger)
    return run_contract_tests(factory, "messages", *arguments, environ=environ)


def test_an_adapter_with_all_helpers_is_complete_though_it_was_slow_once() -> None:
    run = run_with(wrong.SlowStart)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "\nComplete: " in run.stdout


@pytest.mark.slow
def test_the_author_of_an_adapter_sees_each_failure_and_no_secret() -> None:
    run = run_with(wrong.CarelessMessenger, "--showlocals", "--full-trace", "-k", "to_the_number")

    assert run.returncode == 1, run.stdout + run.stderr
    for words in (
        "E   TypeError: object of type 'NoneType' has no len()",
        r"\| Failed: The adapter left open: .*poller",
        r"\| ConnectionError: no login with \*\*\* for \+\*+01",
        r"blocked for 0.3 seconds: \S+/wrong_adapters\.py:\d+ in send",
        "Not complete: 0 proven, 0 unproven, 1 failed.",
    ):
        assert re.search(words, run.stdout), run.stdout
    assert not re.search(rf"{SECRET}|\+1\d{{6}}|\b\d{{6}}\b is your", run.stdout + run.stderr)
