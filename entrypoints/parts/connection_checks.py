"""Checks of the parts that the settings name, all at the same time."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.pool import AsyncResult
from typing import Final

from adapters.shared.causes import describe_error
from application.ports.errors import ConfigurationError, PortError
from entrypoints.parts.factories import health_check_of
from entrypoints.settings.rules import Check
from entrypoints.settings.startup_error import StartupError

CHECK_TIMEOUT: Final = 15.0
"""Seconds for all checks, because they run at the same time."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether a part works, and its lines for the operator."""

    is_ok: bool
    text: str


def run_checks(
    checks: Mapping[str, Check],
    set_up_process: Callable[[], None],
    timeout_seconds: float = CHECK_TIMEOUT,
) -> dict[str, CheckResult]:
    """Run all checks at once, each in a process: one that blocks delays no other, and is ended."""
    deadline = time.monotonic() + timeout_seconds
    with multiprocessing.get_context("fork").Pool(len(checks), set_up_process) as pool:
        running = {name: pool.apply_async(_run, [check]) for name, check in checks.items()}
        return {name: _wait(result, deadline) for name, result in running.items()}


async def check_own_adapter(adapter: object) -> str:
    """Check an opened adapter of an operator's own, if it can be checked; return a note."""
    await health_check_of(adapter).check()
    return "" if hasattr(adapter, "check") else "it was opened; it has no health check"


def _run(check: Check) -> CheckResult:
    try:
        note = asyncio.run(check())
    except (ConfigurationError, StartupError, PortError) as error:
        return CheckResult(is_ok=False, text=str(error))
    except Exception as error:  # noqa: BLE001 - its text may contain anything
        text = f"The check failed with {describe_error(error)}."
        return CheckResult(is_ok=False, text=text)
    first, *below = note.split("\n")
    return CheckResult(is_ok=True, text="\n".join([f"ok ({first})" if first else "ok", *below]))


def _wait(result: AsyncResult[CheckResult], deadline: float) -> CheckResult:
    try:
        return result.get(max(0.0, deadline - time.monotonic()))
    except multiprocessing.TimeoutError:
        text = "There was no result in time: check the address and the network."
        return CheckResult(is_ok=False, text=text)
