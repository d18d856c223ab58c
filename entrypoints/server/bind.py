"""The bind address, before the server listens on it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

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
