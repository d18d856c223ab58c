"""The description of an exception in the log: its class, and the code of its cause.

The text of a library's exception may have input in it: a phone number, a code, a password. So the
log never has it. What helps an operator is in our own words, in the adapters.
"""

import errno
import re
import socket
import ssl
from functools import singledispatch
from typing import Final

import msgspec

_RESOLVER_ERRORS: Final = {
    getattr(socket, name): name for name in dir(socket) if name.startswith("EAI_")
}
_SYSTEM_TEXTS: Final = {
    "Connection refused": "ECONNREFUSED",
    "Connection reset by peer": "ECONNRESET",
    "No route to host": "EHOSTUNREACH",
    "Network is unreachable": "ENETUNREACH",
    "Name or service not known": "EAI_NONAME",
    "Temporary failure in name resolution": "EAI_AGAIN",
    "No address associated with hostname": "EAI_NODATA",
    "certificate verify failed": "CERTIFICATE_VERIFY_FAILED",
    "timed out": "ETIMEDOUT",
}
_FIELD: Final = re.compile(r"at `(\$[.\w\[\]]*)`")


@singledispatch
def code_of(error: BaseException) -> str:
    """Return what the documentation of the library or the system lists, or an empty text.

    Such as a SQLSTATE, ECONNREFUSED or a status. A package that imports a library registers a
    function for the library's exceptions that have codes.
    """
    del error
    return ""


@code_of.register
def _(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "")


@code_of.register
def _(error: socket.gaierror) -> str:
    return _RESOLVER_ERRORS.get(error.errno, "")


@code_of.register
def _(error: ssl.SSLError) -> str:
    # An OSError whose errno is not the system's.
    return error.reason or ""


@code_of.register
def _(error: ImportError | AttributeError | NameError) -> str:
    return error.name or ""  # of the source code


@code_of.register
def _(error: msgspec.ValidationError) -> str:
    field = _FIELD.search(str(error))
    return field[1] if field else ""


def system_code_in(error: BaseException) -> str:
    """Return the code of the system's error that a driver has only as a text, or an empty text."""
    text = str(error)
    return next((code for known, code in _SYSTEM_TEXTS.items() if known in text), "")


def describe_error(error: BaseException) -> str:
    """Return the class of an exception and the code of its cause."""
    return f"{type(error).__name__} {code_of(error)}".strip()
