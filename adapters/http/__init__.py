"""HTTP requests to providers, for all adapters that need them."""

from adapters.http.transport import (
    ConnectionFailed,
    Form,
    HttpResponse,
    HttpStream,
    NoResponse,
    Timeouts,
    Transport,
    open_transport,
)

__all__ = [
    "ConnectionFailed",
    "Form",
    "HttpResponse",
    "HttpStream",
    "NoResponse",
    "Timeouts",
    "Transport",
    "open_transport",
]
