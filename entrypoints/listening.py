"""The address that the server listens at, before it does."""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Final

from entrypoints.settings.values import Bind
from entrypoints.startup_error import StartupError

_EXAMPLE: Final = "DIALTONE_BIND=127.0.0.1:8001"


@contextmanager
def listening_at(bind: Bind) -> Iterator[Bind]:
    """Give the address with its name resolved; it is this process's until the block ends.

    Raises:
        StartupError: there is no such address here, or somebody else listens there.
    """
    address = _resolved(bind)
    # Workers share the address by SO_REUSEPORT, by which another start's could join them
    # unnoticed: so the first thing to be taken is a name that can be taken only once.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as claim:
        if sys.platform == "linux":
            try:
                claim.bind(f"\0dialtone at {address}")
            except OSError as error:
                raise _cannot_listen(bind, errno.EADDRINUSE) from error
        _check_is_free(bind, address)
        yield address


def _resolved(bind: Bind) -> Bind:
    try:
        return Bind(str(ip_address(bind.host)), bind.port)
    except ValueError:
        pass  # a name
    try:
        found = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter for labels that no name may have
        found = []
    families = [socket.AF_INET, socket.AF_INET6]
    hosts = [str(at[0]) for family in families for kind, *_, at in found if kind == family]
    if not hosts:
        raise StartupError(
            f"DIALTONE_BIND: no address is known for {bind.host}: "
            f"name one of this machine. Example: {_EXAMPLE}"
        )
    return Bind(hosts[0], bind.port)


def _check_is_free(bind: Bind, address: Bind) -> None:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address.host, address.port))
    except OSError as error:
        raise _cannot_listen(bind, error.errno or 0) from error


def _cannot_listen(bind: Bind, number: int) -> StartupError:
    return StartupError(
        f"Cannot listen at {bind}: {os.strerror(number).lower()}. "
        f"Stop what listens there, or set DIALTONE_BIND to another. Example: {_EXAMPLE}"
    )
