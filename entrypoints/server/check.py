"""The check of the settings before the service starts."""

import sys
from importlib.metadata import version
from typing import TextIO

from entrypoints.server.banner import render_banner
from entrypoints.server.plan import ServicePlan
from entrypoints.settings import Settings, describe
from entrypoints.settings.values import SmsProvider
from entrypoints.startup_error import StartupError


def make_plan(settings: Settings) -> ServicePlan:
    """Return what the parent process needs.

    Raises:
        StartupError: messages are shown on stdout, which is closed.
    """
    _check_stdout(settings, sys.stdout)
    shown = {row.name: row.shown for row in describe(settings)}
    return ServicePlan(
        bind=settings.bind,
        workers=settings.workers,
        stop_delay_seconds=settings.stop_delay_seconds,
        drain_seconds=settings.drain_timeout.total_seconds(),
        log_level=settings.log_level.value,
        log_format=settings.log_format.value,
        banner=render_banner(settings),
        details={
            "version": version("dialtone"),
            "bind": str(settings.bind),
            "workers": settings.workers,
            "environment": settings.env.value,
            "database": shown["DIALTONE_DATABASE"],
            "media": shown["DIALTONE_MEDIA"],
            "sms": shown["DIALTONE_SMS"],
        },
    )


def _check_stdout(settings: Settings, stdout: TextIO | None) -> None:
    if SmsProvider.CONSOLE in settings.sms and stdout is None:
        raise StartupError(
            "DIALTONE_SMS=console shows messages on stdout, which is closed. Open it, "
            "redirect it to a file (dialtone run >messages.txt), or use another provider. "
            "Example: DIALTONE_SMS=twilio"
        )
