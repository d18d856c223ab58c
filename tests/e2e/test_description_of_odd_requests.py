"""However odd a request is, it gets an answer that its operation is described to give."""

import gzip
import json
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.e2e.description.callers import Callers, Person
from tests.e2e.description.conformance import conforms, described
from tests.images import plain_jpeg

FIELDS: Final = ("phone", "otp", "username", "number", "category", "scope")
BODIES: Final = {
    "nothing": b"",
    "white space": b" \n\t",
    "a list": b"[]",
    "null": b"null",
    "a number": b"7",
    "a text": b'"x"',
    "deep lists": b"[" * 30_000,
    "deep objects": b'{"a":' * 10_000,
    "an object and more": b"{} {}",
    "a raw NUL": b'{"phone": "\x00"}',
    "NULs": json.dumps(dict.fromkeys(FIELDS, "a\x00b")).encode(),
    "halves of characters": json.dumps(dict.fromkeys(FIELDS, "\ud800")).encode(),
    "not UTF-8": b'{"phone": "\xff"}',
    "UTF-16": '{"phone": "+14155552671"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a field twice": b'{"category": 1, "category": "a", "username": "Ann", "username": 7}',
    "names that are none": b'{"": 1, "\\u0000": 2, "__proto__": 3}',
    "very many fields": json.dumps(dict.fromkeys(map(str, range(3_000)), 1)).encode(),
    "an endless number": b'{"category": ' + b"1" * 5_000 + b"}",
    "a number beyond numbers": b'{"category": 1e999}',
    "no number": b'{"category": NaN}',
    "more than is read": json.dumps(dict.fromkeys(FIELDS, "x" * 70_000)).encode(),
    "packed": gzip.compress(b"{}"),
}
TYPES: Final = [
    "application/json; charset=utf-8", "application/json;charset=latin-1",
    "application/json; charset=nope", "APPLICATION/JSON", "application/json, text/plain",
    "application/x-www-form-urlencoded", "application/msgpack", "application/yaml", "text/plain",
    "multipart/form-data", "multipart/form-data; boundary=",
    f"multipart/form-data; boundary={'x' * 300}",
    'multipart/form-data; boundary="a"; charset=utf-7', "", ";", "/", "a/b; =;;", "\xe9/\xff",
]  # fmt: skip
QUERIES: Final = [
    "page=1&page=2", "page=", "page", "page=%EF%BC%91", "page=+1", "page=1e3", "page=-1",
    "page=0x1", "page=1%00", "page=%zz", "page=%ff", "page=1;per_page=2",
    "page=1000000000000000000", "per_page=999999999999999999", "&&&", "type=gif&type=image",
    "type=", "user_id=", "cursor=", "category=%00", "category=%ff", "category=%ED%A0%80",
    f"category={'x' * 9_000}", "%00=1", "page[]=1", f"cursor={'f' * 14}{'0' * 24}",
    f"cursor={'0' * 38}&page=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def person(callers: Callers) -> Person:
    """Somebody who sends odd things and stays signed in."""
    return callers.settle()


def taking_bodies(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Method and path of every operation that takes a body, but for the one that signs out."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation and operation["operationId"] != "logout":
                yield method.upper(), path


def send(
    callers: Callers, person: Person, method: str, path: str, **content: Any
) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {person.token}",
        **callers.next_address(),
        **content.pop("headers", {}),
    }
    address = path.replace("{item_id}", person.item_id)
    return callers.http.request(method, address, headers=headers, **content)


@pytest.mark.parametrize("is_chunked", [False, True], ids=["whole", "chunked"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_odd_bodies(
    callers: Callers, document: dict[str, Any], person: Person, body: bytes, *, is_chunked: bool
) -> None:
    schema = described(document, callers.service.url)
    for method, path in taking_bodies(document):
        content = iter([body]) if is_chunked else body
        answer = send(callers, person, method, path, content=content)
        assert answer.status_code in {400, 413}, path
        conforms(schema, method, path, answer)


@pytest.mark.parametrize("content_type", TYPES)
def test_odd_content_types(
    callers: Callers, document: dict[str, Any], person: Person, content_type: str
) -> None:
    schema = described(document, callers.service.url)
    headers = {"Content-Type": content_type.encode("latin-1")}
    for method, path in taking_bodies(document):
        for body in (b"", b"{}"):
            answer = send(callers, person, method, path, content=body, headers=headers)
            assert answer.status_code == 400, path
            conforms(schema, method, path, answer)


@pytest.mark.parametrize("query", QUERIES)
def test_odd_queries(
    callers: Callers, document: dict[str, Any], person: Person, query: str
) -> None:
    schema = described(document, callers.service.url)
    answer = send(callers, person, "GET", f"/library?{query}")
    assert answer.status_code in {200, 400}
    conforms(schema, "GET", "/library", answer)


@pytest.mark.parametrize("prefix", ["", "x"], ids=["even", "odd"])
def test_a_claimed_type_is_passed_over_however_long_it_is(
    callers: Callers, person: Person, prefix: str
) -> None:
    # A character of two bytes may lie across any cut; with one byte before, it is another one.
    form = {"user_id": person.user_id, "type": prefix + "\u00e9" * 100_000}
    files = {"file": ("IMG_0001.JPG", plain_jpeg(8, 6))}
    answer = send(callers, person, "POST", "/library/upload", data=form, files=files)
    assert answer.status_code == 201, answer.text
