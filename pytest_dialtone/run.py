"""`pytest --dialtone-adapter=package.module:factory`: the contract suites with an adapter.

The plugin starts this in a process of its own, so that the configuration of the
author's own tests does not apply.
"""

import asyncio
import faulthandler
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.startup_error import StartupError
from entrypoints.version.distribution import check_import_names
from pytest_dialtone.external_adapter import ADAPTER, OPTION, SETTING, open_external_adapter
from pytest_dialtone.port import find_ports

OPENING_TIME: Final = 60
"""Seconds in which the adapter has to be opened and closed once, before the tests."""
ENDING_TIME: Final = 20
"""Seconds in which a test has to end after it failed."""
_FOLDER: Final = Path(__file__).parent


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
    port = find_ports()[os.environ[SETTING]]
    suites = [str(_FOLDER / "suites" / suite) for suite in port.suites]
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
    ports = find_ports()
    for setting, port in ports.items():
        if port.is_meant(adapter):
            return setting
    *first, last = (_with_article(port.protocol.__name__) for port in ports.values())
    raise StartupError(f"{OPTION}: the factory has to yield {', '.join(first)} or {last}.")


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
