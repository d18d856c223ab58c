"""Fixtures and reports of a run with an external adapter."""

from collections.abc import AsyncIterator, Generator
from typing import Final

import pytest

from pytest_dialtone.adapter_watch import find_left_open, list_open
from pytest_dialtone.external_adapter import TestMethodFailed, is_given

OF_TEST_METHOD: Final = "of_test_method"
collect_ignore_glob = [] if is_given() else ["*"]
"""Without an adapter there is nothing to test."""


@pytest.fixture(autouse=True)
async def nothing_left_open() -> AsyncIterator[None]:
    """Fail if the adapter leaves something open.

    It begins before the adapter is opened, and ends after it is closed.
    """
    before = list_open()
    yield
    if left := await find_left_open(before):
        pytest.fail(f"The adapter left open: {', '.join(left)}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark the reports of methods that only tests call."""
    report = yield
    if call.excinfo and call.excinfo.errisinstance(TestMethodFailed):
        report.user_properties.append((OF_TEST_METHOD, True))
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count a failure of such a method as an error of the test, not as a failed test."""
    if any(name == OF_TEST_METHOD for name, _ in report.user_properties):
        return "error", "E", "ERROR"
    return None
