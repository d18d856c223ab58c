"""Where an answer leads: which of its values another operation takes (OpenAPI's links)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_UPLOADED: Final = {"item_id": "$response.body#/id"}
_NEWEST: Final = {"item_id": "$response.body#/items/0/id"}
_JOINED: Final = {"user_id": "$response.body#/user_id"}
LINKS: Final[Mapping[tuple[str, str], Mapping[str, Mapping[str, str]]]] = {
    ("createUser", "201"): {"readUser": _JOINED, "readLibrary": _JOINED},
    ("readLibrary", "200"): {"readItem": _NEWEST},
    ("uploadPicture", "201"): {
        "readItem": _UPLOADED,
        "categoriseItem": _UPLOADED,
        "deleteItem": _UPLOADED,
    },
}
"""By operation and status: the operations that follow, and what they take of the answer."""


def add_links(description: dict[str, Any]) -> None:
    """Put the links into the answers that they start from."""
    for operation in _operations(description):
        for status, answer in operation["responses"].items():
            if following := LINKS.get((operation["operationId"], status)):
                answer["links"] = {
                    name: {"operationId": name, "parameters": dict(taken)}
                    for name, taken in following.items()
                }


def _operations(description: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in description["paths"].values():
        yield from path.values()
