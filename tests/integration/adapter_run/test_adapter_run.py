"""The contract suites accept adapters that keep their promises, and say what others break."""

import asyncio
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from adapters.databases.records.database import Database
from tests.contract.examples.event_file import open_event_file
from tests.contract.suites import plugin
from tests.contract.suites.attestation.driver import ExternalAttestationDriver
from tests.contract.suites.blocked_loop import MAX_PAUSE, find_blocking_calls
from tests.contract.suites.events.driver import ExternalEventsDriver
from tests.contract.suites.external_adapter import ADAPTER, PORT
from tests.contract.suites.messages import test_messenger as messenger
from tests.contract.suites.messages.driver import ExternalMessengerDriver
from tests.contract.suites.outcomes import observe
from tests.contract.suites.port import Port, find_ports
from tests.contract.suites.storage.outages import OutageInstances
from tests.contract.suites.voice.drivers import ExternalCallsDriver, ExternalVoiceDriver
from tests.integration.adapter_run import wrong_adapters as wrong
from tests.integration.adapter_run import wrong_voice  # noqa: F401 -- it adds its broken promises
from tests.integration.adapter_run.attestation_adapters import open_questions
from tests.integration.adapter_run.event_lists import open_event_list
from tests.integration.adapter_run.stream_events import open_stream_events
from tests.integration.adapter_run.wrong_adapters import (
    SECRET,
    BrokenPromise,
    RightLimits,
    open_disk,
    open_files,
    open_leaking_messenger,
    open_limits,
    open_messenger,
    open_with_any_keys,
)
from tests.support.adapter_runs import open_failover, open_sqlite, run_contract_tests
from tests.support.markdown import PROJECT
from tests.support.voice.right_voice import open_right_voice

_DATA: Final = bytes(1_000_000)
SUITE_FOLDER: Final = PROJECT / "tests/contract/suites"


PORT_OF: Final[dict[Callable[..., Any], str]] = {
    open_sqlite: "database",
    open_with_any_keys: "database",
    open_disk: "media",
    open_failover: "messages",
    open_messenger: "messages",
    open_limits: "limits",
    open_files: "media",
    open_right_voice: "voice",
    open_event_file: "events",
    open_event_list: "events",
    open_stream_events: "events",
    open_leaking_messenger: "messages",
    open_questions: "attestation",
}


def run_with(
    factory: Callable[..., Any], *arguments: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the contract tests with the adapter of a factory."""
    path = f"{factory.__module__}:{factory.__name__}"
    return run_contract_tests(path, PORT_OF[factory], *arguments, environ=environ)


def names_of_suites(port: Port) -> set[str]:
    """Return the names of the files that pytest gets, or finds in the folder that it gets."""
    files = [file for path in port.paths for file in (path, *path.glob("test_*.py"))]
    return {file.name for file in files if file.is_file()}


def test_each_suite_runs_with_adapters_of_others_and_with_ours() -> None:
    suites = {path.name for path in SUITE_FOLDER.rglob("test_*.py")}

    assert {name for port in find_ports().values() for name in names_of_suites(port)} == suites
    with_ours = {name for name in suites if (PROJECT / "tests/contract" / name).exists()}
    # They start a process, are in tests/integration for each of ours, or none of ours has it.
    assert suites - with_ours == {
        "test_crash.py",
        "test_killed_writes.py",
        "test_limits_crash.py",
        "test_other_keys.py",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factory", "arguments"),
    [
        (open_sqlite, ["-k", "moved or health or crash or other_keys"]),
        (open_disk, []),
        (open_failover, []),
        (open_event_file, []),
        (open_limits, []),
    ],
)
def test_adapters_without_a_defect_pass(factory: Callable[..., Any], arguments: list[str]) -> None:
    run = run_with(factory, *arguments, WRONG_ADAPTER="RightLimits")
    assert run.returncode in (0, 5), run.stdout + run.stderr
    assert " passed" in run.stdout
    assert ", 0 failed." in run.stdout or "\nComplete: " in run.stdout


@pytest.mark.parametrize(
    "factory",
    [
        open_event_list,
        *(
            pytest.param(each, marks=pytest.mark.slow)
            for each in (open_messenger, open_stream_events, open_questions)
        ),
        pytest.param(open_right_voice, marks=pytest.mark.slow),
    ],
)
def test_an_adapter_with_all_helpers_is_complete(factory: Callable[..., Any]) -> None:
    run = run_with(factory, WRONG_ADAPTER="RightMessenger")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "\nComplete: " in run.stdout


EXAMPLE: Final = "tests.contract.examples.file_messenger:open_file_messenger"
PORTS: Final = ", ".join(sorted(find_ports()))
MESSAGES: Final = "to_the_number"


def make_limits(adapter: type[RightLimits], *, is_broken: bool = False) -> Database:
    limits = adapter({})
    limits.is_broken = is_broken
    records: Any = None
    return Database(records, limits=limits, health=limits)


def open_instances(adapter: type[RightLimits]) -> OutageInstances:
    database = make_limits(adapter)
    return OutageInstances(database, database)


DRIVERS: Final[dict[str, Callable[[Any], Any]]] = {
    "messenger_driver": lambda adapter: ExternalMessengerDriver(adapter()),
    "events_driver": lambda adapter: ExternalEventsDriver(adapter()),
    "attestation_driver": lambda adapter: ExternalAttestationDriver(adapter()),
    "voice_driver": lambda adapter: ExternalVoiceDriver(adapter()),
    "calls_driver": lambda adapter: ExternalCallsDriver(adapter()),
    "limits": lambda adapter: adapter({}),
    "unusable_database": lambda adapter: make_limits(adapter, is_broken=True),
    "outage_instances": open_instances,
}
"""What a promise is checked with, by the fixture that its test names first."""


@pytest.mark.parametrize(
    "broken",
    wrong.BROKEN_PROMISES,
    ids=lambda broken: f"{broken.adapter.__name__}: {broken.words[:20]}",
)
async def test_a_promise_that_an_adapter_breaks_is_named(
    monkeypatch: pytest.MonkeyPatch, broken: BrokenPromise
) -> None:
    monkeypatch.setattr(messenger, "SEND_SECONDS", 0.1 if "0.1" in broken.words else 60)
    monkeypatch.setenv(PORT, "limits" if issubclass(broken.adapter, RightLimits) else "")
    open_driver = DRIVERS[next(iter(signature(broken.promise).parameters))]
    with pytest.raises((AssertionError, pytest.fail.Exception), match=broken.words):
        await broken.promise(open_driver(broken.adapter))


def run_wrong(factory: Callable[..., Any], test: str, adapter: type = object) -> str:
    """Run tests with an adapter that fails one of them, and return the output."""
    run = run_with(factory, "-k", test, WRONG_ADAPTER=adapter.__name__)
    assert run.returncode == 1, run.stdout + run.stderr
    assert re.search(r"\b\d (failed|error)", run.stdout)  # a pause is found at the end
    return run.stdout


def test_a_run_names_a_call_that_blocks_the_event_loop() -> None:
    output = run_wrong(open_messenger, MESSAGES, wrong.BlockedLoop)
    assert re.search(r"blocked for 0.3 seconds: .*\.py:\d+ in send", output)


@pytest.mark.slow
def test_a_run_names_a_broken_promise_of_a_store() -> None:
    output = run_wrong(open_files, "lost_store", wrong.OwnFileErrors)
    assert "get_size raised OSError, but has to" in output
    output = run_wrong(open_with_any_keys, "other_keys")
    assert "It was opened with other keys, and would" in output


@pytest.mark.slow
def test_an_adapter_that_does_not_fit_its_port_is_not_opened() -> None:
    run = run_with(open_messenger, WRONG_ADAPTER=wrong.BlockingSend.__name__)

    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert run.stderr.startswith(f"ERROR: DIALTONE_SMS: {wrong.__name__}:open_messenger yields")
    words = "whose method send is not async: write `async def send`"
    assert f" BlockingSend, {words}: see docs/adapters.md.\n" in run.stderr


@pytest.mark.slow
def test_a_task_that_ignores_its_cancellation_holds_no_run() -> None:
    output = run_wrong(open_messenger, MESSAGES, wrong.StubbornRetries)
    assert "send returned None. A failure is a DeliveryResult" in output
    assert "The adapter left open: the task " in output


async def test_what_blocks_the_event_loop_is_noticed_once() -> None:
    with find_blocking_calls() as pauses:
        await asyncio.sleep(0)
        start = time.monotonic()
        while not pauses and time.monotonic() < start + 60:
            time.sleep(0.01)  # noqa: ASYNC251 -- it is what is noticed
        await asyncio.sleep(0)

    assert len(pauses) == 1


def compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sha256(_DATA)  # other threads run meanwhile


async def test_a_computation_that_blocks_the_event_loop_is_noticed() -> None:
    with find_blocking_calls() as pauses:
        await asyncio.sleep(0)
        compute(2 * MAX_PAUSE)
        await asyncio.sleep(0)

    assert len(pauses) == 1


async def test_a_call_that_never_ends_is_left_in_words() -> None:
    outcome = await observe(asyncio.Event().wait(), 0.01)

    assert outcome.words == "did not end within 0.01 seconds, retries included"


@pytest.mark.slow
def test_all_that_is_left_open_is_named() -> None:
    output = run_wrong(open_messenger, MESSAGES, wrong.LeftOpen)
    (left,) = set(re.findall(r"The adapter left open: (.*)", output))

    assert left.count("a socket") == 2
    assert re.search(r"the file \S+/wrong_adapters\.py", left)
    assert "the task " in left
    assert "the thread 'poller'" in left


@pytest.mark.slow
def test_a_run_that_is_interrupted_has_not_succeeded() -> None:
    run = run_with(open_messenger, "-k", MESSAGES, WRONG_ADAPTER=wrong.InterruptedSend.__name__)
    assert run.returncode not in (0, pytest.ExitCode.NO_TESTS_COLLECTED), run.stdout + run.stderr


@pytest.mark.slow
def test_a_failure_of_a_method_for_tests_is_named() -> None:
    assert "received() raised ValueError" in run_wrong(
        open_messenger, MESSAGES, wrong.FailedReceived
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "calls"),
    [
        ("factory", ["open_leaking_messenger"]),
        ("close", ["open_leaking_messenger"]),
        ("method", ["send"]),
        ("task", ["fail_in_task"]),
        ("thread", []),
        ("helper", ["received"]),
    ],
)
def test_an_error_is_shown_with_its_calls_and_without_values(
    place: str, calls: Sequence[str]
) -> None:
    options = ("--showlocals", "--full-trace", "-k", MESSAGES)
    run = run_with(open_leaking_messenger, *options, FAILS_IN=place, GATEWAY_PASSWORD=SECRET)

    output = run.stdout + run.stderr
    assert run.returncode in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR)
    assert "ConnectionError" in output
    assert "no login with" not in output
    for call in (*calls, "fail_in"):
        assert re.search(rf"wrong_adapters\.py:\d+ {call}$", output, re.MULTILINE)
    assert not re.search(rf"{SECRET}|\+1\d{{6}}|\b\d{{6}}\b is your", output)


@pytest.mark.slow
def test_a_factory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "my_sms.py").write_text("def (")
    for factory, words in (
        (EXAMPLE, "ERROR: DIALTONE_SMS: MY_SMS_FILE is not set"),
        (
            "my_sms:open_my_sms",
            "ERROR: DIALTONE_SMS: my_sms:open_my_sms cannot be imported (invalid syntax",
        ),
    ):
        run = run_contract_tests(factory, "messages", folder=tmp_path)
        assert run.returncode == pytest.ExitCode.USAGE_ERROR
        assert run.stderr.startswith(words), run.stderr
        assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("adapter", "port", "words"),
    [
        ("my_sms", "messages", "ADAPTER: name the factory as package.module:factory."),
        (EXAMPLE, "", f"PORT: it is missing: name the adapter's port, one of {PORTS}."),
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


def test_an_adapter_that_never_opens_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "OPENING_SECONDS", 0.1)
    monkeypatch.setenv(ADAPTER, f"{__name__}:{open_endlessly.__name__}")
    monkeypatch.setenv(PORT, "messages")
    session: Any = SimpleNamespace(config=object())

    with pytest.raises(pytest.UsageError, match="DIALTONE_SMS: it was not opened and closed"):
        plugin.pytest_sessionstart(session)
