"""The cookie that a session of the console is bound to. It opens nothing by itself."""

from typing import Any, Final

from litestar.datastructures import Cookie

from entrypoints.http.requests.headers import header_values
from entrypoints.http.settings import HttpServerSettings

_NAME: Final = "dialtone_console"
_HOST_NAME: Final = f"__Host-{_NAME}"
"""Browsers accept this name only with Secure, Path=/ and no Domain: no other host sets it."""


def read_console_cookie(scope: Any, settings: HttpServerSettings) -> str:
    """Return the cookie of the console; empty without one.

    The framework strips all kinds of spaces from a name. With one of them in front, a name does not
    begin with `__Host-` for a browser, so other hosts of the domain can set such a cookie.
    """
    headers = header_values(scope, b"cookie")
    pairs = [part.strip(" \t").partition("=") for text in headers for part in text.split(";")]
    name = _name(settings)
    return next((value for key, _, value in pairs if key == name), "")


def make_console_cookie(value: str, settings: HttpServerSettings) -> Cookie:
    """Make the cookie, which the browser keeps until it is closed."""
    return Cookie(
        _name(settings),
        value=value,
        path="/",
        secure=settings.has_tls,
        httponly=True,
        samesite="strict",
    )


def _name(settings: HttpServerSettings) -> str:
    # Without TLS there is a console on localhost only, where some browsers set no Secure cookie.
    return _HOST_NAME if settings.has_tls else _NAME
