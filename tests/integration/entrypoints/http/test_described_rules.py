"""What the description allows is accepted, and what it forbids is rejected.

Each field is sent alone with values on both sides of its rule, in a request that is valid
otherwise. Whole requests are those of tests/e2e/test_described_api.py.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoints.http.app import describe_app
from tests.integration.entrypoints.http.uploads import (
    CONTENT_TYPE,
    category_part,
    file_part,
    form,
    user_part,
)
from tests.integration.http_driver import HttpDriver, Response, open_http_driver
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.examples import examples
from tests.support.http_settings import make_http_settings, make_plugins
from tests.support.schema_check import is_valid, resolve

SETTINGS: Final = make_http_settings(default_region="IN")
COMMITTED: Final = Path(__file__).parents[4] / "docs/openapi.json"
"""The description, to list the fields: to describe the service takes a second."""
PHONE: Final = a_phone(1).e164
ADMINISTRATOR: Final = a_phone(9).e164
ID: Final = "6561a2b0c3d4e5f60718293a"
CODE: Final = "271828"

NUMBERING_PLAN: Final = {"invalid_phone", "ambiguous_phone", "unsupported_phone_type"}
IN_WORDS: Final[Mapping[str, set[str]]] = {
    # A numbering plan decides.
    "phone": NUMBERING_PLAN,
    "number": NUMBERING_PLAN,
    # A table of Unicode decides which other characters are digits, and which are invisible.
    "otp": set(),
    "old_otp": set(),
    # The length is that of the composed form with collapsed spaces. Some names claim a role, and
    # a numbering plan decides which are phones.
    "username": {"too_long", "reserved_name", "phone_as_username"},
    "reason": {"too_long"},
    # A list of countries, and the calendar.
    "country": {"invalid_value"},
    "from": {"invalid_value"},
    "until": {"invalid_value"},
    "created_since": {"invalid_value"},
    # Numbering plans decide, and which networks are too large is a number of bits.
    "prefix": {"invalid_value"},
    "network": {"invalid_value"},
    # Within 400 days from now.
    "ends_at": {"invalid_value"},
    # That of a list has its filter.
    "cursor": {"invalid_cursor"},
    # This service places no calls.
    "channel": {"unsupported_value"},
    # The last page depends on the size of pages.
    "page": {"page_too_deep"},
}
"""Fields whose description says a part of their rule in words.

Such a field may reject a text that the schema allows: one in ASCII with these codes, any other one
with every code.
"""
TOGETHER: Final = {"missing_field", "conflicting_value"}
"""Errors of fields that are sent together, or not: the description of a body says which."""

WITHOUT_TOKEN: Final = {"logout", "refresh_session"}

CHARACTERS: Final = (
    "0179AIOKaekz -+().,/:;=%@_~|\t\n\r\x00\x1c\x7f\x85\xa0\xe9\xdf\u0131\u0301\u200b\u200e\u2028"
    "\u202e\u2066\uff16\u0663\u2461\u216b\ufb00\uff2b\u674e\U0001f600\U000e0001"
)
IGNORED: Final = {"device_token", "admin"}
"""Fields whose values of another type are ignored."""
OTHERS: Final[tuple[Any, ...]] = (None, True, 7, 1.5, [], {}, ["a"], {"a": 1})


@cache
def description() -> dict[str, Any]:
    """Return the description of the service of these tests."""
    described = describe_app(SETTINGS.http, make_plugins(SETTINGS))
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(described))
    return document


@dataclass(frozen=True)
class Field:
    """A field of a request: of the body, or a parameter."""

    operation: str
    method: str
    path: str
    place: str
    name: str
    schema: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.operation}-{self.name}"


def fields(document: dict[str, Any]) -> Iterator[Field]:
    """Yield each field once, although several operations have the same body."""
    seen = set[str]()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = operation["operationId"]
            for parameter in operation.get("parameters", ()):
                if parameter["in"] != "header" or parameter["name"] == "Idempotency-Key":
                    yield Field(
                        name, method, path, parameter["in"], parameter["name"], parameter["schema"]
                    )
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                body = resolve(document, content["schema"])
                if body.get("title") in seen:
                    continue
                seen.add(body.get("title", name))
                place = "form" if media_type.startswith("multipart") else "body"
                for field, schema in body["properties"].items():
                    yield Field(name, method, path, place, field, schema)


NAMES: Final = [
    str(field) for field in fields(json.loads(COMMITTED.read_bytes())) if field.name != "file"
]


@cache
def fields_by_name() -> dict[str, Field]:
    return {str(field): field for field in fields(description())}


def without_formats(part: Any) -> Any:
    """Return a schema without formats: our own ones ask the parsers of the service."""
    if isinstance(part, dict):
        return {name: without_formats(value) for name, value in part.items() if name != "format"}
    return [without_formats(element) for element in part] if isinstance(part, list) else part


@cache
def texts(pattern: str, min_length: int, max_length: int, *valid: str) -> st.SearchStrategy[str]:
    """Return texts on both sides of a rule."""
    lengths = {0, min_length, min_length - 1, max_length, max_length + 1, 7}
    repeated = ["x" * length for length in lengths if length >= 0]
    changed = st.builds(
        lambda text, at, cut, added: text[:at] + added + text[at + cut :],
        st.sampled_from(valid or ("a",)),
        st.integers(0, 12),
        st.integers(0, 3),
        st.text(st.sampled_from(CHARACTERS), max_size=3),
    )
    any_text = st.text(st.sampled_from(CHARACTERS), max_size=12)
    matching = st.from_regex(pattern) if pattern else any_text
    return matching | changed | any_text | st.sampled_from([*repeated, "0" * 39, "0" * 63])


def values(field: Field) -> st.SearchStrategy[Any]:
    schema = field.schema
    if "$ref" in json.dumps(schema):
        long = st.integers(8_191, 8_193).map(lambda length: "x" * length)
        proof = st.fixed_dictionaries({}, optional={"type": long, "response": long})
        return proof | st.sampled_from(OTHERS)
    if schema.get("type") == "integer":
        return st.integers(-2, 2**64).map(str) | st.sampled_from(["", "0", "x", "1.5", "-1", "+1"])
    enum = [value for value in schema.get("enum", ()) if value is not None]
    valid = [*enum, *(value for value in schema.get("examples", ()) if isinstance(value, str))]
    text = texts(
        schema.get("pattern", ""), schema.get("minLength", 1), schema.get("maxLength", 64), *valid
    )
    return text | st.sampled_from(OTHERS) if field.place == "body" else text


def is_allowed(field: Field, value: Any) -> bool:
    if field.name in IGNORED:
        return True
    schema = without_formats(field.schema)
    if schema.get("type") == "integer":
        return value.isdecimal() and is_valid(description(), schema, int(value))
    return is_valid(description(), schema, value)


def body_of(field: Field, value: Any) -> dict[str, Any]:
    """Return a body that is valid besides this field."""
    content = description()["paths"][field.path][field.method]["requestBody"]["content"]
    body = dict(content["application/json"]["example"])
    known = resolve(description(), content["application/json"]["schema"])["properties"]
    if "external_id" in known and "id" in known:
        body = {} if field.name in ("phone", "username", "id", "external_id") else {"id": ID}
    if field.operation == "change_phone" and field.name.startswith("old_"):
        body |= {"old_otp": CODE, "old_request_id": "an id"}
    if field.operation == "request_phone_change_otp":
        body["phone"] = PHONE
    if field.operation == "logout":
        body["refresh_token"] = "unknown"
    return body | {field.name: value}


def send(driver: HttpDriver, token: str, field: Field, value: Any) -> Response:
    token = "" if field.operation in WITHOUT_TOKEN else token
    method, headers = field.method.upper(), {"authorization": f"Bearer {token}"}
    path = field.path.replace(f"{{{field.name}}}", str(value))
    path = path.replace("{item_id}", ID).replace("{user_id}", ID).replace("{call_id}", ID)
    path = (
        path.replace("{block_id}", ID)
        .replace("{folder}", "0f")
        .replace("{name}", f"{ID}-{'0' * 32}.jpg")
    )
    if field.place == "body":
        return driver.post_json(path, body_of(field, value), token, method)
    if field.operation == "upload_image":
        parts = {"user_id": user_part(ID), "category": category_part("art")}
        if field.place == "form" and field.name in parts:
            parts[field.name] = {"user_id": user_part, "category": category_part}[field.name](value)
        if field.place == "header":
            headers[field.name.lower()] = value
        headers["content-type"] = CONTENT_TYPE
        return driver.send(method, path, [form(file_part(), *parts.values())], headers)
    query = urlencode({field.name: value}).encode() if field.place == "query" else b""
    return driver.send(method, path, [], headers, query=query)


def code_of(response: Response, field: Field) -> str | None:
    """Return the code of the error of the field; None if there is no such error."""
    if response.status != 400:
        return None
    if "exit_code" in response.body:  # the legacy API has no codes
        return "malformed_otp" if field.name == "otp" else "invalid_phone"
    errors = {error["field"]: error["code"] for error in response.body.get("field_errors", ())}
    code = errors.get(field.name)
    return None if code in TOGETHER else code


@pytest.fixture
def driver() -> Iterator[HttpDriver]:
    with open_http_driver(SETTINGS, AppHarness()) as opened:
        yield opened


@pytest.fixture
def token(driver: HttpDriver) -> str:
    return driver.administrator_token()


def can_be_sent(field: Field, value: Any) -> bool:
    if field.place == "path":
        return bool(value) and "/" not in value
    if field.place == "header":
        return all(" " <= character <= "~" for character in value)
    return True


@pytest.mark.slow
@pytest.mark.hypothesis
@pytest.mark.parametrize("name", NAMES)
def test_the_description_of_a_field_and_its_check_agree(
    driver: HttpDriver, token: str, name: str
) -> None:
    field = fields_by_name()[name]

    @settings(max_examples=examples(15))
    @given(values(field).filter(lambda value: can_be_sent(field, value)))
    def check(value: Any) -> None:
        response = send(driver, token, field, value)
        code, is_rejected = code_of(response, field), response.status in (400, 404)
        assert response.status != 500, (value, response)
        assert response.status != 401 or field.operation in WITHOUT_TOKEN, (value, response)
        if not is_allowed(field, value):
            assert code or (field.place == "path" and is_rejected), (value, response)
        elif code is not None:
            assert is_in_words(field.name, value, code), (value, response)

    check()


def is_in_words(name: str, value: Any, code: str) -> bool:
    """Return whether the description says in words why this value may be rejected."""
    return name in IN_WORDS and (not str(value).isascii() or code in IN_WORDS[name])
