"""All that the controllers of an extension may import, besides Litestar and `…extensions`.

An extension imports it in its method `http`, so that commands need no web framework.
"""

from domain.errors import (
    FreshLoginRequired,
    InvalidCharacters,
    TooLong,
    TooShort,
    UnsupportedValue,
)
from entrypoints.http.dependencies import Injected
from entrypoints.http.errors.table import ErrorRow
from entrypoints.http.extensions.parts import (
    ExtensionHttp,
    ExtensionRequest,
    UserSession,
    provide_use_cases,
)
from entrypoints.http.extensions.parts import (
    SessionAuthentication as AuthenticationMiddleware,
)
from entrypoints.http.fields import described
from entrypoints.http.parsing import FieldErrors

__all__ = [
    "AuthenticationMiddleware",
    "ErrorRow",
    "ExtensionHttp",
    "ExtensionRequest",
    "FieldErrors",
    "FreshLoginRequired",
    "Injected",
    "InvalidCharacters",
    "TooLong",
    "TooShort",
    "UnsupportedValue",
    "UserSession",
    "described",
    "provide_use_cases",
]
