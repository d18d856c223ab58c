"""The bind address, before the server listens on it."""

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from entrypoints.bind import Bind
from entrypoints.startup_error import StartupError

_EXAMPLE: Final = "DIALTONE_BIND=127.0.0.1:8001"


@contextmanager
def reserve_bind(bind: Bind) -> Iterator[Bind]:
    """Yield the bind address with a resolved host, reserved for this process.

    Raises:
        StartupError: this machine does not have the address, or it is in use.
    """
    resolved = _resolve(bind)
    # The workers share the port by SO_REUSEPORT. With it a second `dialtone run` of this user could
    # join them unnoticed, so the first thing to reserve is a lock that only one process can have.
    # The kernel does not let another user share the port.
    with _lock(bind, resolved):
        _check_is_free(bind, resolved)
        yield resolved


@contextmanager
def _lock(bind: Bind, resolved: Bind) -> Iterator[None]:
    """Hold the lock of the address. The operating system releases that of a killed process.

    The file stays: if it was removed, two processes could hold locks of two files.
    """
    try:
        descriptor = os.open(
            _make_private_folder() / f"{resolved}.lock",
            os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
            0o600,
        )
    except OSError as error:
        raise StartupError(
            f"The lock file of {bind} cannot be created ({error.strerror}). "
            "Set TMPDIR to a folder that this user can write to. Example: TMPDIR=/var/tmp"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _cannot_listen(bind, errno.EADDRINUSE) from error
        yield
    finally:
        os.close(descriptor)


def _make_private_folder() -> Path:
    """Return a folder that only this user can write to, the same one in all processes.

    Everybody can write to the folder for temporary files, so another user may have taken the name.
    Then the next name is used.
    """
    names = (Path(gettempdir(), f"dialtone-{os.geteuid()}-{number}") for number in count())
    return next(folder for folder in names if _is_made_by_this_user(folder))


def _is_made_by_this_user(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        with suppress(FileNotFoundError):  # another user has removed it
            status = folder.lstat()
            return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
        return False
    return True


def _resolve(bind: Bind) -> Bind:
    try:
        return Bind(str(ip_address(bind.host)), bind.port)
    except ValueError:
        pass  # a host name
    try:
        infos = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: a label that no host name may have
        infos = []
    hosts = [
        str(address[0])
        for wanted_family in (socket.AF_INET, socket.AF_INET6)
        for family, *_, address in infos
        if family == wanted_family
    ]
    if not hosts:
        raise StartupError(
            f"DIALTONE_BIND: The host {bind.host} has no IP address. "
            f"Set it to a host of this machine. Example: {_EXAMPLE}"
        )
    return Bind(hosts[0], bind.port)


def _check_is_free(bind: Bind, resolved: Bind) -> None:
    family = socket.AF_INET6 if ":" in resolved.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((resolved.host, resolved.port))
    except OSError as error:
        raise _cannot_listen(bind, error.errno or 0) from error


def _cannot_listen(bind: Bind, error_number: int) -> StartupError:
    return StartupError(
        f"Cannot listen on {bind}: {os.strerror(error_number).lower()}. "
        f"Stop the process that uses it, or change DIALTONE_BIND. Example: {_EXAMPLE}"
    )
