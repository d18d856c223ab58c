"""Fixtures and reports of a run with an external adapter."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Generator
from typing import Any, Final

import pytest

from adapters.logging import configure_logging, flush_log
from tests.contract.suites.adapter_watch import find_left_open, list_open
from tests.contract.suites.external_adapter import TestMethodFailed, is_given
from tests.contract.suites.failure_text import describe_failure, describe_warning, hide_secrets

OF_TEST_METHOD: Final = "of_test_method"
collect_ignore_glob = [] if is_given() else ["*"]
"""Without an adapter there is nothing to test."""
if is_given():  # also in processes of pytest-xdist
    configure_logging("info", "console")


def pytest_configure(config: pytest.Config) -> None:
    """Show no variables: those of an adapter have secrets, also where Ctrl-C stops a call."""
    vars(config.option).update(showlocals=False, fulltrace=False)


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
    if left := await find_left_open(before):
        pytest.fail(f"The adapter left open: {', '.join(left)}", pytrace=False)
    if errors:
        raise pytest.fail.Exception("A task of the adapter failed.", pytrace=False) from errors[0]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show no values of an exception, and mark the reports of methods that only tests call.

    pytest itself never sees the exception: it would call `__repr__` of what the adapter uses.
    """
    error = call.excinfo.value if call.excinfo else None
    if error is not None and not isinstance(error, (pytest.skip.Exception, pytest.xfail.Exception)):
        try:
            pytest.fail(describe_failure(error), pytrace=False)
        except pytest.fail.Exception as failed:
            call.excinfo = pytest.ExceptionInfo.from_exception(failed)
    report = yield
    report.sections = [(title, hide_secrets(output)) for title, output in report.sections]
    if isinstance(error, TestMethodFailed):
        report.user_properties.append((OF_TEST_METHOD, True))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_warning_recorded(warning_message: warnings.WarningMessage) -> None:
    """Show no values of a warning."""
    warning_message.message = describe_warning(warning_message.message)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count a failure of such a method as an error of the test, not as a failed test."""
    if any(name == OF_TEST_METHOD for name, _ in report.user_properties):
        return "error", "E", "ERROR"
    return None
