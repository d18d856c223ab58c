"""`make test-adapter`: the contract suites of one port, with an adapter of somebody else.

The options name the adapter and its port. The last lines say what is not proven.
"""

import asyncio
import os
import re
import tempfile
import threading
import traceback
import warnings
from collections import defaultdict
from collections.abc import AsyncIterator, Generator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from _pytest.runner import runtestprotocol

from adapters.operations.logging import configure_logging, flush_log
from adapters.operations.logging.masking import mask_phones
from entrypoints.settings.startup_error import StartupError, name_variable
from tests.contract.suites.blocked_loop import MAX_PAUSE, PAUSES
from tests.contract.suites.external_adapter import ADAPTER, PORT, given_port, open_external_adapter
from tests.contract.suites.port import PORTS
from tests.contract.suites.promises import NOT_PROMISED

OPENING_SECONDS: Final = 60
"""Seconds in which the adapter is opened and closed once, before the tests."""
CLOSING_SECONDS: Final = 1.0
"""Seconds after the end of the block in which everything has to be closed."""
_SLICE: Final = 0.01
_SHARED_THREADS: Final = ("asyncio_", "ThreadPoolExecutor-", "log")
"""The event loop ends those of `asyncio.to_thread`. Motor has a pool for the whole process."""
_SECRET_NAME: Final = re.compile(r"(?i)auth|cookie|credential|key|pass|pepper|_pwd|secret|token")
_MIN_SECRET: Final = 6
_MASK: Final = "***"
_USERINFO: Final = re.compile(r"(?<=://)[^/\s@]*@")
_PASSWORD: Final = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_CODE: Final = re.compile(r"(?<![\w.-])\d{6}(?![\w.-])")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("dialtone")
    group.addoption("--adapter", default="", help="package.module:factory")
    group.addoption("--port", default="", help="the port that the adapter implements")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the suites of the port, and show no variables: a part of a secret is not hidden."""
    adapter, port = config.getoption("--adapter"), config.getoption("--port")
    if ":" not in adapter:
        raise pytest.UsageError("ADAPTER: name the factory as package.module:factory.")
    if port not in PORTS:
        wrong = f"there is no port {port}" if port else "it is missing"
        names = ", ".join(PORTS)
        raise pytest.UsageError(f"PORT: {wrong}: name the adapter's port, one of {names}.")
    # In the environment, because some suites open the adapter in another process.
    os.environ[ADAPTER], os.environ[PORT] = adapter, port
    config.args = [str(path) for path in given_port().paths]
    vars(config.option).update(showlocals=False, fulltrace=False, tbstyle="short")
    configure_logging("info", "console")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Open the adapter once: what keeps it from that is one error, not one of each test."""
    if hasattr(session.config, "workerinput"):
        return  # a process of pytest-xdist
    setting = given_port().setting
    try:
        with name_variable(setting):
            asyncio.run(_open_once())
    except TimeoutError:
        late = f"{setting}: it was not opened and closed within {OPENING_SECONDS} seconds."
        raise pytest.UsageError(late) from None
    except StartupError as error:
        causes = traceback.format_exception_only(error.__cause__) if error.__cause__ else []
        raise pytest.UsageError(hide_secrets("\n".join([str(error), *causes]))) from None
    except Exception as error:  # noqa: BLE001 -- an adapter may raise anything
        calls = "".join(traceback.format_exception(error))
        words = f"{setting}: it failed when it was closed:\n{calls}"
        raise pytest.UsageError(hide_secrets(words)) from None
    finally:
        flush_log()


async def _open_once() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with asyncio.timeout(OPENING_SECONDS), open_external_adapter(Path(folder)):
            pass


@pytest.fixture(autouse=True)
async def nothing_left_open() -> AsyncIterator[None]:
    """Fail if the adapter leaves something open, or a task of it fails.

    It begins before the adapter is opened, and ends after it is closed.
    """
    errors: list[BaseException] = []

    def keep_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if error := context.get("exception"):
            errors.append(error)
        else:
            loop.default_exception_handler(context)

    asyncio.get_running_loop().set_exception_handler(keep_error)
    before = list_open()
    yield
    flush_log()  # so that pytest shows its lines with this test
    left = await find_left_open(before)
    words = f"The adapter left open: {', '.join(left)}" if left else "A task of the adapter failed."
    if errors:
        raise BaseExceptionGroup(words, errors)
    if left:
        pytest.fail(words, pytrace=False)


def list_open() -> set[Any]:
    """Return the tasks, threads, files and sockets that are open now.

    Shared threads are left out, and devices and pipes: `multiprocessing` keeps some.
    """
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    threads = {it for it in threading.enumerate() if not it.name.startswith(_SHARED_THREADS)}
    paths = set(map(os.path.realpath, Path("/proc/self/fd").iterdir()))
    sockets = {it for it in paths if "/fd/socket:" in it}
    return (
        tasks | threads | sockets | {it for it in paths if not it.startswith(("/dev/", "/proc/"))}
    )


async def find_left_open(before: set[Any]) -> list[str]:
    """Return what was opened since and is still open after `CLOSING_SECONDS`."""
    left: set[Any] = set()
    for _ in range(round(CLOSING_SECONDS / _SLICE)):
        left = list_open() - before
        if not left:
            break
        await asyncio.sleep(_SLICE)  # connections close in the next iterations of the loop
    for task in left & asyncio.all_tasks():
        task.cancel()
        asyncio._unregister_task(task)  # one that ignores its cancellation would hold the loop
    return sorted(map(str, left))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a test again in which a call blocked the event loop: it fails if the same call does.

    On a busy machine any call may be slow, but not the same one twice.
    """
    PAUSES.clear()
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if first := {**PAUSES}:
        PAUSES.clear()
        runtestprotocol(item, log=False, nextitem=nextitem)
        if places := [place for call, place in PAUSES.items() if call in first]:
            words = f"The event loop was blocked for {MAX_PAUSE} seconds: {places[0]}"
            text = reports[-1].longreprtext
            reports[-1].outcome, reports[-1].longrepr = "failed", f"{text}\n{words}".strip()
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show no secrets."""
    report = yield
    if report.failed:
        report.longrepr = hide_secrets(report.longreprtext)
    report.sections = [(title, hide_secrets(output)) for title, output in report.sections]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_warning_recorded(warning_message: warnings.WarningMessage) -> None:
    """Show no secrets of a warning."""
    warning_message.message = hide_secrets(str(warning_message.message))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End with the code 5, as if no test had run, if no test failed and something is unproven."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and exitstatus == pytest.ExitCode.OK:
        unproven, _ = _find_reasons(reporter)
        if unproven or not reporter.stats.get("passed"):
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what is not proven, and why. Each test is one promise."""
    unproven, not_promised = _find_reasons(terminalreporter)
    for names_of, word in ((not_promised, "not promised"), (unproven, "unproven")):
        for reason, names in sorted(names_of.items()):
            terminalreporter.line(f"{reason}: {len(names)} {word}")
            for name in names:
                terminalreporter.line(f"  {name}")
    stats = terminalreporter.stats
    # A test may pass, and fail when its adapter is closed.
    failed = {report.nodeid for name in ("failed", "error") for report in stats.get(name, ())}
    proven = len({report.nodeid for report in stats.get("passed", ())} - failed)
    count = sum(map(len, unproven.values()))
    if proven and not count and not failed:
        others = sum(map(len, not_promised.values()))
        terminalreporter.line(f"Complete: {proven} proven, {others} not promised.")
    else:
        words = f"{proven} proven, {count} unproven, {len(failed)} failed"
        terminalreporter.line(f"Not complete: {words}.")


def _find_reasons(
    reporter: pytest.TerminalReporter,
) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
    """Return the promises that are unproven, then those that are none, by the reason."""
    unproven: dict[str, list[str]] = defaultdict(list)
    not_promised: dict[str, list[str]] = defaultdict(list)
    for report in reporter.stats.get("skipped", ()):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        names = not_promised if reason.startswith(NOT_PROMISED) else unproven
        names[reason.removeprefix(NOT_PROMISED)].append(report.nodeid)
    return unproven, not_promised


def hide_secrets(text: str) -> str:
    """Return a text without secrets of the environment, passwords in URLs, phone numbers, codes."""
    values = [value for name, value in os.environ.items() if _SECRET_NAME.search(name)]
    values += [password for value in os.environ.values() for password in _PASSWORD.findall(value)]
    values += [part.strip() for value in values for part in value.split(",")]
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _MIN_SECRET:
            text = text.replace(value, _MASK)
    return _CODE.sub("******", mask_phones(_USERINFO.sub(f"{_MASK}@", text)))
