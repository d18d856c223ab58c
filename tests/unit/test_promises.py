"""What a run of the contract suites says at its end, and its exit code."""

from collections.abc import Iterable
from typing import Any, Literal

import pytest

from tests.contract.suites.promises import PromiseReport

Outcome = Literal["passed", "failed", "skipped"]
NO_HELPER = "no helper received()"
NO_CHECK = "not promised: it has no check()"


def report_of(name: str, outcome: Outcome, reason: str = "") -> pytest.TestReport:
    longrepr: Any = ("file", 1, f"Skipped: {reason}") if outcome == "skipped" else None
    return pytest.TestReport(name, ("file", 1, name), {}, outcome, longrepr, "call")


def finish(reports: Iterable[pytest.TestReport], code: int = 0, *, is_partial: bool = False) -> int:
    promises = PromiseReport(["a", "b", "c"], is_partial=is_partial)
    for report in reports:
        promises.pytest_runtest_logreport(report)
    return promises.finish(code)


PASSED = [report_of(name, "passed") for name in "abc"]


def test_a_run_is_complete_without_what_an_adapter_may_do_without(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert finish([*PASSED[:2], report_of("c", "skipped", NO_CHECK)]) == 0

    assert capsys.readouterr().out.splitlines()[1:] == [
        "it has no check(): 1 not promised",
        "  c",
        "Complete: 2 promises proven, 1 not promised.",
    ]


def test_what_lacks_a_helper_or_did_not_run_is_listed_with_its_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert finish([PASSED[0], report_of("b", "skipped", NO_HELPER)]) == 5

    assert capsys.readouterr().out.splitlines()[1:] == [
        "no helper received(): 1 promise unproven",
        "  b",
        "not run: deselected, or the run ended before: 1 promise unproven",
        "  c",
        "Not complete: of 3 promises 1 proven, 2 unproven, 0 failed.",
        "Exit code 5. With --dialtone-partial it is 0 if something is proven.",
    ]


@pytest.mark.parametrize(
    ("reports", "code", "is_partial", "expected"),
    [
        (PASSED[:1], 0, True, 0),
        ([], 0, True, 5),
        ([report_of("a", "skipped", NO_CHECK)], 0, True, 5),
        ([report_of("a", "skipped", NO_HELPER), report_of("b", "failed")], 1, True, 1),
        (PASSED, 1, False, 1),
        ([], 2, False, 2),
    ],
)
def test_failures_win_and_nothing_proven_is_never_a_success(
    reports: Iterable[pytest.TestReport], code: int, is_partial: bool, expected: int
) -> None:
    assert finish(reports, code, is_partial=is_partial) == expected
