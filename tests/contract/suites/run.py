"""The process that runs the contract suites of a port, with an adapter."""

import asyncio
import faulthandler
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.logging import configure_logging, flush_log
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.startup_error import StartupError, print_errors
from tests.contract.suites import FINISHED
from tests.contract.suites.external_adapter import ADAPTER, PORT, given_port, open_external_adapter
from tests.contract.suites.failure_text import describe_failure, hide_secrets
from tests.contract.suites.port import find_ports
from tests.contract.suites.promises import PARTIAL, PromiseReport, list_promises

OPENING_TIME: Final = 60
"""Seconds in which the adapter has to be opened and closed once, before the tests."""
ENDING_TIME: Final = 20
"""Seconds in which a test has to end after it failed."""
_FOLDER: Final = Path(__file__).parent
_CONFIGURATION: Final = (f"--config-file={_FOLDER / 'pytest.toml'}", f"--rootdir={_FOLDER}")


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
        message, _, _ = report.longreprtext.partition("\n")
        os.write(self._output, f"\n{report.nodeid}: {message}\n".encode(errors="replace"))
        faulthandler.dump_traceback_later(ENDING_TIME, exit=True, file=self._output)

    def pytest_runtest_logfinish(self) -> None:
        """The test has ended."""
        faulthandler.cancel_dump_traceback_later()


def main(arguments: list[str]) -> int:
    """Run the suites of a port, and say at the end what is not proven; return the exit code.

    It is that of pytest. Where that is 0 and a promise is not proven, it is 5, as if no test had
    run, unless one of the arguments is `--dialtone-partial`.

    Args:
        arguments: The path of the factory and the name of the port, then those of pytest.
    """
    os.environ[ADAPTER], os.environ[PORT], *options = arguments
    try:
        _check_names()
        configure_logging("info", "console")
        # In processes of their own: pytest cannot rewrite what was imported already.
        _run_apart(open_once)
        suites = [str(path) for path in given_port().paths]
        names = _run_apart(list_promises, [*_CONFIGURATION, *suites])
    except StartupError as error:
        print_errors(hide_secrets(str(error)))
        return pytest.ExitCode.USAGE_ERROR
    except KeyboardInterrupt:
        return pytest.ExitCode.INTERRUPTED
    promises = PromiseReport(names, is_partial=PARTIAL in options)
    options = [option for option in options if option != PARTIAL]
    cache = f"--override-ini=cache_dir={Path.cwd() / '.pytest_cache'}"
    plugins = [FailuresAtOnce(os.dup(sys.stdout.fileno())), promises]
    try:
        code = pytest.main([*_CONFIGURATION, cache, *suites, *options], plugins)
    except Exception as error:  # noqa: BLE001 -- of a thread or finalizer, after the last test
        print_errors(describe_failure(error))
        code = pytest.ExitCode.TESTS_FAILED
    # Before or after the tests, or in one that left something open. pytest itself handles others.
    except (KeyboardInterrupt, pytest.fail.Exception):
        code = pytest.ExitCode.INTERRUPTED
    flush_log()
    return promises.finish(code)


def open_once() -> None:
    """Open the adapter as the service does, and close it.

    Raises:
        StartupError: it cannot be opened or closed, or does not fit its port.
    """
    setting = given_port().setting
    with name_variable(setting):
        try:
            asyncio.run(_open_once())
        except TimeoutError:
            raise StartupError(
                f"{setting}: {os.environ[ADAPTER]} was not opened and closed within {OPENING_TIME} "
                "seconds."
            ) from None


async def _open_once() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with asyncio.timeout(OPENING_TIME), open_external_adapter(Path(folder)):
            pass


def _check_names() -> None:
    if ":" not in os.environ[ADAPTER]:
        raise StartupError("ADAPTER: name the factory as package.module:factory.")
    if os.environ[PORT] not in find_ports():
        wrong = f"there is no port {os.environ[PORT]}" if os.environ[PORT] else "it is missing"
        raise StartupError(
            f"PORT: {wrong}: name the adapter's port, one of {', '.join(find_ports())}."
        )


def _run_apart(function: Callable[..., Any], *arguments: object) -> Any:
    """Return what a function returns in a process of its own, which is killed then.

    Raises:
        StartupError: that of the function, or anything else has ended it.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(sender, function, arguments))
    process.start()
    sender.close()
    try:
        result = receiver.recv()
    except EOFError:
        raise StartupError(f"{os.environ[ADAPTER]} has ended its process.") from None
    finally:
        process.kill()  # a thread that the adapter left would keep it
        process.join()
        receiver.close()
    if isinstance(result, StartupError):
        raise result
    return result


def _send_result(
    sender: Connection, function: Callable[..., object], arguments: Sequence[object]
) -> None:
    result: object
    try:
        result = function(*arguments)
    except StartupError as error:
        result = StartupError(str(error))  # its cause may be anything
    except BaseException as error:  # noqa: BLE001 -- an adapter may end its process
        text = f"{given_port().setting}: {os.environ[ADAPTER]} failed: {describe_failure(error)}"
        result = StartupError(text)
    flush_log()
    sender.send(result)


if __name__ == "__main__":
    exit_code = main(sys.argv[1:])
    flush_log()
    os._exit(FINISHED + exit_code)  # a thread that the adapter left would keep the process
