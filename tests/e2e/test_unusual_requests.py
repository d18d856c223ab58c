"""Unusual requests get documented responses."""

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.e2e.description.callers import Callers, Person
from tests.e2e.description.conformance import assert_conforms, load_schema

FIELDS: Final = ("phone", "otp", "username", "number", "category", "scope")
BODIES: Final = {
    "empty": b"",
    "a list": b"[]",
    "nested objects": b'{"a":' * 10_000,
    "escaped NULs": json.dumps(dict.fromkeys(FIELDS, "a\x00b")).encode(),
    "lone surrogates": json.dumps(dict.fromkeys(FIELDS, "\ud800")).encode(),
    "not UTF-8": b'{"phone": "\xff"}',
    "UTF-16": '{"phone": "+14155552671"}'.encode("utf-16"),
    "a repeated field": b'{"category": 1, "category": "a", "username": "Ann", "username": 7}',
    "a very long number": b'{"category": ' + b"1" * 5_000 + b"}",
    "too large": json.dumps(dict.fromkeys(FIELDS, "x" * 70_000)).encode(),
}
JSON: Final = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def person(callers: Callers) -> Person:
    return callers.add_administrator()


def operations_with_body(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield method and path of all operations with a body, except the one that signs out."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation and operation["operationId"] != "logout":
                yield method.upper(), path


def send(
    callers: Callers, person: Person, method: str, path: str, **content: Any
) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {person.token}",
        **callers.next_ip(),
        **content.pop("headers", {}),
    }
    url = path.replace("{item_id}", person.item_id)
    return callers.http.request(method, url, headers=headers, **content)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_unusual_bodies_are_rejected(
    callers: Callers, document: dict[str, Any], person: Person, body: bytes
) -> None:
    schema = load_schema(document, callers.service.url)
    for method, path in operations_with_body(document):
        response = send(callers, person, method, path, content=body, headers=JSON)
        assert response.status_code in {400, 413}, path
        assert_conforms(schema, method, path, response)


@pytest.mark.parametrize("path", ["/auth/request-otp", "/authenticate/get_otp"])
@pytest.mark.parametrize("size", [0, 70_000])
def test_the_content_type_is_checked_before_the_body(
    callers: Callers, path: str, size: int
) -> None:
    headers = {"Content-Type": "text/plain", **callers.next_ip()}
    response = callers.http.post(path, content=bytes(size), headers=headers)
    assert response.status_code == 415
