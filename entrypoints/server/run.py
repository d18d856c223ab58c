"""`dialtone run`: the parent process. It imports few adapters; the workers import the rest."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, TextIO

import structlog

from adapters.operations.logging import is_json_log
from adapters.operations.metrics.folder import open_metrics_folder
from application.ports.errors import ConfigurationError
from entrypoints.composition.read_settings import (
    describe_settings,
    find_exposed_secrets,
    find_unknown,
    name_lines,
)
from entrypoints.composition.settings import FIELDS
from entrypoints.parts.extras import check_extra
from entrypoints.parts.operator_files import load_sms_templates
from entrypoints.parts.version import find_commit, installed_version
from entrypoints.server.banner import BannerParts, list_banner_rows, render_banner
from entrypoints.server.serve import serve
from entrypoints.settings.env_file import ENV_FILE
from entrypoints.settings.providers import prints_codes
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError
from entrypoints.settings.values import Bind

_EXAMPLES: Final = {
    "DIALTONE_BIND": "DIALTONE_BIND=127.0.0.1:8001",
    "DIALTONE_METRICS_BIND": "DIALTONE_METRICS_BIND=127.0.0.1:9465",
}


@contextmanager
def reserve_bind(bind: Bind, variable: str = "DIALTONE_BIND") -> Iterator[Bind]:
    """Yield the bind address with a resolved host, reserved for this process."""
    resolved = _resolve(bind, variable)
    # The workers share the port by SO_REUSEPORT. With it a second `dialtone run` of this user could
    # join them unnoticed, so the first thing to reserve is a name that only one process can have.
    # It is no file, and is free when the process ends (unix(7): abstract sockets).
    # The kernel does not let another user share the port.
    with socket.socket(socket.AF_UNIX) as name:
        try:
            name.bind(f"\0dialtone-{resolved}")
        except OSError as error:
            raise _cannot_listen(bind, variable, error.errno or 0) from error
        _check_is_free(bind, resolved, variable)
        yield resolved


def _resolve(bind: Bind, variable: str) -> Bind:
    try:
        infos = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: a label that no host name may have
        infos = []
    if not infos:
        raise StartupError(
            f"{variable}: The host {bind.host} has no IP address. "
            f"Set it to a host of this machine. Example: {_EXAMPLES[variable]}"
        )
    # AF_INET is less than AF_INET6: IPv4 comes first.
    *_, address = min(infos, key=lambda info: info[0])
    return Bind(str(address[0]), bind.port)


def _check_is_free(bind: Bind, resolved: Bind, variable: str) -> None:
    family = socket.AF_INET6 if ":" in resolved.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((resolved.host, resolved.port))
    except OSError as error:
        raise _cannot_listen(bind, variable, error.errno or 0) from error


def _cannot_listen(bind: Bind, variable: str, error_number: int) -> StartupError:
    return StartupError(
        f"Cannot listen on {bind}: {os.strerror(error_number).lower()}. "
        f"Stop the process that uses it, or change {variable}. Example: {_EXAMPLES[variable]}"
    )


_log = structlog.get_logger()


def run_service(settings: Settings) -> bool:
    """Serve HTTP until a stop signal. False if a worker could not start; its reason was shown."""
    _check_stdout(settings, sys.stdout)
    for name, similar in find_unknown(settings.variables.values).items():
        _log.warning("setting_unknown", setting=name, did_you_mean=similar)
    for name, lines in settings.variables.repeated.items():
        _log.warning("setting_repeated", setting=name, lines=name_lines(lines))
    if exposed := find_exposed_secrets(settings):
        _log.warning("env_file_exposed", settings=exposed, fix=f"chmod o-r {ENV_FILE}")
    for table in load_sms_templates(settings).unused_tables:
        _log.warning("template_unused", reason=table)
    has_started = False
    with reserve_bind(settings.bind) as resolved, _reserve_metrics(settings) as metrics_bind:
        shown = {row.name: row.shown for row in describe_settings(settings)}
        details: dict[str, Any] = {
            "version": installed_version(),
            "commit": find_commit(),
            "bind": str(resolved),
            "workers": settings.workers,
            "environment": settings.env.value,
            **{name: shown[variable] for name, variable in _list_logged_settings()},
        }

        def report_start(parts: BannerParts) -> None:
            nonlocal has_started
            has_started = True
            _show_banner(settings, parts, sys.stdout)
            _log.info("service_started", **details)

        has_run = serve(settings, resolved, report_start, metrics_bind)
        if has_started:
            _log.info("service_stopped", **details)
    return has_run


def _list_logged_settings() -> list[tuple[str, str]]:
    return sorted((field.field, name) for name, field in FIELDS.items() if field.is_logged)


@contextmanager
def _reserve_metrics(settings: Settings) -> Iterator[Bind | None]:
    if settings.metrics_bind is None:
        yield None
        return
    variable = "DIALTONE_METRICS_BIND"
    with ExitStack() as stack:
        resolved = stack.enter_context(reserve_bind(settings.metrics_bind, variable))
        try:
            check_extra("metrics", "this port")
            stack.enter_context(open_metrics_folder())
        except ConfigurationError as error:
            raise StartupError(f"{variable}: {error}") from error
        yield resolved


def _check_stdout(settings: Settings, stdout: TextIO | None) -> None:
    if any(map(prints_codes, settings.sms)) and stdout is None:
        raise StartupError(
            "DIALTONE_SMS=console shows messages on stdout, which is closed. Open it, "
            "redirect it to a file (dialtone run >messages.txt), or use another provider. "
            "Example: DIALTONE_SMS=twilio"
        )


def _show_banner(settings: Settings, parts: BannerParts, stdout: TextIO | None) -> None:
    """Print the banner; the service also runs if stdout is closed or broken.

    With a JSON log, and stdout not a terminal, it is a line of the log.
    """
    if is_json_log(settings.log_format) and not (stdout and stdout.isatty()):
        rows = {_word(name): text for name, text in list_banner_rows(settings, parts)}
        _log.info("service_listens", url=settings.bind.local_url, **rows)
        return
    if stdout is None:
        return
    banner = render_banner(settings, parts)
    data = f"{banner}\n".encode(stdout.encoding, "backslashreplace")
    with suppress(OSError):
        # Not through the stream's buffer: text that stays in it fails the exit of the process.
        while data:
            data = data[os.write(stdout.fileno(), data) :]


def _word(name: str) -> str:
    return name.lower().replace(" ", "_")
