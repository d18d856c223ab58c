"""`dialtone run`: the parent process, which supervises the workers.

It imports few adapters; the workers import the application.
"""

import os
import sys
from contextlib import suppress
from importlib.metadata import version
from typing import Any, TextIO

import structlog

from entrypoints.providers import prints_codes
from entrypoints.server.banner import render_banner
from entrypoints.server.bind import reserve_bind
from entrypoints.server.serve import serve
from entrypoints.settings.read import describe, find_unknown, find_unused
from entrypoints.settings.settings import Settings
from entrypoints.startup_error import StartupError

_log = structlog.get_logger()


def run(settings: Settings) -> bool:
    """Serve HTTP until a stop signal.

    Returns:
        False if a worker could not start; the reason was printed or logged.

    Raises:
        StartupError: the bind address cannot be used, or stdout is closed and messages need it.
        KeyboardInterrupt: Ctrl-C before a worker could serve.
    """
    _check_stdout(settings, sys.stdout)
    for name, similar in find_unknown(settings.variables.values):
        _log.warning("setting_unknown", setting=name, did_you_mean=similar)
    for name in find_unused(settings):
        _log.warning("setting_unused", setting=name, reason="DIALTONE_VOICE is none")
    has_started = False
    with reserve_bind(settings.bind) as resolved:
        shown = {row.name: row.shown for row in describe(settings)}
        details: dict[str, Any] = {
            "version": version("dialtone"),
            "bind": str(resolved),
            "workers": settings.workers,
            "environment": settings.env.value,
            "database": shown["DIALTONE_DATABASE"],
            "media": shown["DIALTONE_MEDIA"],
            "sms": shown["DIALTONE_SMS"],
        }

        def report_start() -> None:
            nonlocal has_started
            has_started = True
            _print_banner(render_banner(settings), sys.stdout)
            _log.info("service_started", **details)

        has_run = serve(settings, resolved, report_start)
        if has_started:
            _log.info("service_stopped", **details)
    return has_run


def _check_stdout(settings: Settings, stdout: TextIO | None) -> None:
    if any(map(prints_codes, settings.sms)) and stdout is None:
        raise StartupError(
            "DIALTONE_SMS=console shows messages on stdout, which is closed. Open it, "
            "redirect it to a file (dialtone run >messages.txt), or use another provider. "
            "Example: DIALTONE_SMS=twilio"
        )


def _print_banner(banner: str, stdout: TextIO | None) -> None:
    """Print the banner; the service also runs if stdout is closed or broken."""
    if stdout is None:
        return
    data = f"{banner}\n".encode(stdout.encoding, "backslashreplace")
    with suppress(OSError):
        # Not through the stream's buffer: text that stays in it fails the exit of the process.
        while data:
            data = data[os.write(stdout.fileno(), data) :]
