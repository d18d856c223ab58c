"""`dialtone run`: the parent process, which supervises the workers.

It imports neither the application nor the settings. What it needs of the settings it gets from a
child process that checks them and exits.
"""

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Any, TextIO

from entrypoints.optional_imports import without_packages
from entrypoints.server.bind import reserve_bind
from entrypoints.server.plan import ServicePlan

Check = Callable[[Callable[[ServicePlan], None]], int]
"""Checks the settings, passes on the plan or prints the problems, and returns the exit code."""


class CheckFailed(Exception):
    """The settings are invalid; the problems were printed."""

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code


def run(check: Check) -> bool:
    """Serve HTTP until a stop signal.

    Args:
        check: runs in the child process.

    Returns:
        False if the service could not start; the reason was printed.

    Raises:
        CheckFailed: the settings are invalid.
        StartupError: the bind address cannot be used.
        KeyboardInterrupt: Ctrl-C before a worker could serve.
    """
    child, receiving = _start_check(check)
    # The log and granian are imported while the child checks the settings.
    with without_packages("rich"):
        import structlog

        from adapters.logging import configure_logging
        from entrypoints.server.serve import serve

    log = structlog.get_logger()
    plan = _receive_plan(child, receiving)
    configure_logging(plan.log_level, plan.log_format)
    with reserve_bind(plan.bind) as resolved:
        details: dict[str, Any] = {**plan.details, "bind": str(resolved)}

        has_started = False

        def report_start() -> None:
            nonlocal has_started
            has_started = True
            _print_banner(plan.banner, sys.stdout)
            log.info("service_started", **details)

        has_run = serve(plan, resolved, report_start)
        if has_started:
            log.info("service_stopped", **details)
    return has_run


def _start_check(check: Check) -> tuple[ForkProcess, Connection]:
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_check, args=(check, sending), daemon=True)
    child.start()
    sending.close()
    return child, receiving


def _receive_plan(child: ForkProcess, receiving: Connection) -> ServicePlan:
    with receiving:
        try:
            plan: ServicePlan = receiving.recv()
        except EOFError:
            child.join()
            raise CheckFailed(abs(child.exitcode or 1)) from None
    child.join()
    return plan


def _check(check: Check, sending: Connection) -> None:
    # A terminal sends Ctrl-C to all processes; the parent process reports it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    try:
        exit_code = check(sending.send)
    except Exception as error:  # noqa: BLE001 - multiprocessing would print its message
        sys.excepthook(type(error), error, error.__traceback__)
        exit_code = 1
    sys.exit(exit_code)


def _print_banner(banner: str, stdout: TextIO | None) -> None:
    """Print the banner; the service also runs if stdout is closed or broken."""
    if stdout is None:
        return
    data = f"{banner}\n".encode(stdout.encoding, "backslashreplace")
    with suppress(OSError):
        # Not through the stream's buffer: text that stays in it fails the exit of the process.
        while data:
            data = data[os.write(stdout.fileno(), data) :]
