"""The headers of a request, which are read once."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

_HEADERS: Final = "dialtone.headers"


def header_values(scope: Any, name: bytes) -> list[str]:
    """Return the values of a header; the name is in lower case."""
    return [value.decode("latin-1") for value in headers_of(scope).get(name, ())]


def headers_of(scope: Any) -> Mapping[bytes, Sequence[bytes]]:
    """Return the values of all headers by their names in lower case."""
    indexed: dict[bytes, list[bytes]] | None = scope.get(_HEADERS)
    if indexed is not None:
        return indexed
    headers: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name, []).append(value)
    scope[_HEADERS] = headers
    return headers
