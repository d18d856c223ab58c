"""`pytest --dialtone-adapter=package.module:factory`: the contract suites with an adapter.

pytest starts this in a process of its own (`pytest_dialtone`), so that the configuration of the
author's own tests does not apply.
"""

import asyncio
import faulthandler
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from inspect import signature
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.records.database import Database
from entrypoints.bootstrap import name_variable
from entrypoints.contract_tests.external_adapter import (
    ADAPTER,
    ATTESTATION,
    DATABASE,
    EVENTS,
    LIMIT_STORE,
    MEDIA,
    OPTION,
    SETTING,
    SMS,
    VOICE,
    open_external_adapter,
)
from entrypoints.opening.startup_error import StartupError
from entrypoints.version.distribution import check_import_names

_LIMITS: Final = ("test_limit_store.py", "test_health_check.py", "test_storage_errors.py")
SUITES: Final = {
    DATABASE: ("test_record_store.py", "test_record_indexes.py", "test_batch_writes.py", *_LIMITS),
    LIMIT_STORE: _LIMITS,
    MEDIA: ("test_media_files.py", "test_killed_writes.py"),
    SMS: ("test_messenger.py",),
    VOICE: (
        "test_call_provider.py",
        "test_call_markup.py",
        "test_webhook_parser.py",
        "test_webhook_signatures.py",
    ),
    EVENTS: ("test_event_destination.py",),
    ATTESTATION: ("test_attestation.py",),
}
"""All suites that an adapter can pass, by the setting that names its factory."""
OPENING_TIME: Final = 60
"""Seconds in which the adapter has to be opened and closed once, before the tests."""
ENDING_TIME: Final = 20
"""Seconds in which a test has to end after it failed."""
_FOLDER: Final = Path(__file__).parent
_TYPICAL_METHODS: Final = {
    LIMIT_STORE: ("acquire", "release", "next_available"),
    MEDIA: ("write", "open_file", "url_for"),
    SMS: ("send",),
    ATTESTATION: ("challenge",),
    VOICE: ("place_call", "render", "verify"),
}


class FailuresAtOnce:
    """Shows each failure at once, and ends a run that cannot go on after it.

    A call that ignores its cancellation, or a thread that never ends, keeps the event loop open.
    """

    def __init__(self, output: int) -> None:
        """Set the descriptor of the output that pytest does not capture."""
        self._output = output

    @pytest.hookimpl(trylast=True)  # plugins of pytest end their own timers here
    def pytest_exception_interact(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Show the message of a failure. The test has to end soon."""
        crash = getattr(report.longrepr, "reprcrash", None)
        message: str = crash.message if crash else report.longreprtext
        os.write(self._output, f"\n{report.nodeid}: {message.splitlines()[0]}\n".encode())
        faulthandler.dump_traceback_later(ENDING_TIME, exit=True, file=self._output)

    def pytest_runtest_logfinish(self) -> None:
        """The test has ended."""
        faulthandler.cancel_dump_traceback_later()


def main(arguments: list[str]) -> int:
    """Run the suites of the adapter's port; return the exit code of pytest.

    Args:
        arguments: The path of the factory, then further arguments of pytest.
    """
    os.environ[ADAPTER], *options = arguments
    if ":" not in os.environ[ADAPTER]:
        sys.stderr.write(f"{OPTION}: name the factory as package.module:factory.\n")
        return pytest.ExitCode.USAGE_ERROR
    try:
        check_import_names()
        # In a process of its own: pytest cannot rewrite what an adapter has imported already.
        with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as process:
            os.environ[SETTING] = process.submit(find_setting).result()
    except StartupError as error:
        sys.stderr.write(f"{error}\n")
        return pytest.ExitCode.USAGE_ERROR
    configuration = (f"--config-file={_FOLDER / 'pytest.toml'}", f"--rootdir={_FOLDER}")
    cache = f"--override-ini=cache_dir={Path.cwd() / '.pytest_cache'}"
    suites = [str(_FOLDER / suite) for suite in SUITES[os.environ[SETTING]]]
    return pytest.main(
        [*configuration, cache, *suites, *options], [FailuresAtOnce(os.dup(sys.stdout.fileno()))]
    )


def find_setting() -> str:
    """Open the adapter as the service does, and return the setting that is for it.

    Raises:
        StartupError: it cannot be opened, is for no setting, or does not fit its port.
    """
    with name_variable(OPTION):
        setting = asyncio.run(_open_adapter())
    os.environ[SETTING] = setting
    with name_variable(setting):
        asyncio.run(_open_adapter())
    return setting


async def _open_adapter() -> str:
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with (
                asyncio.timeout(OPENING_TIME),
                open_external_adapter(Path(folder)) as adapter,
            ):
                return _setting_of(adapter)
    except TimeoutError:
        raise StartupError(
            f"{OPTION}: {os.environ[ADAPTER]} was not opened and closed within {OPENING_TIME} "
            "seconds."
        ) from None


def _setting_of(adapter: Any) -> str:
    if isinstance(adapter, Database):
        return DATABASE
    if _takes_events(adapter):
        return EVENTS
    for setting, methods in _TYPICAL_METHODS.items():
        if any(hasattr(adapter, method) for method in methods):
            return setting
    raise StartupError(
        f"{OPTION}: the factory has to yield a Database, a LimitStore, a MediaFiles, a Messenger, "
        "a VoiceProvider, an EventDestination or an Attestation."
    )


def _takes_events(adapter: Any) -> bool:
    """Return whether `send` takes one argument: that of a messenger takes a phone and a text."""
    try:
        signature(adapter.send).bind("event")
    except (AttributeError, TypeError, ValueError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
