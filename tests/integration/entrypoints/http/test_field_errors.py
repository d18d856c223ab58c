"""Each 400 of the main API says what is wrong with each field, by a code that apps translate."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.features.media.errors import MediaFieldCode
from tests.integration.entrypoints.http.uploads import (
    CONTENT_TYPE,
    GIF,
    category_part,
    file_part,
    form,
    user_part,
)
from tests.integration.http_driver import HttpDriver, Response, open_http_driver
from tests.support.builders import a_phone
from tests.support.http_settings import make_http_settings

PHONE: Final = a_phone().e164
REQUEST_OTP: Final = "/auth/request-otp"
LEGACY_OTP: Final = "/authenticate/get_otp"
VERIFY_OTP: Final = "/auth/verify-otp"
PHONE_OTP: Final = "/users/me/phone/request-otp"
CHANGE_PHONE: Final = "/users/me/phone"
OTP: Final = {"phone": PHONE, "otp": "123456"}

# Path, body, and the code of each invalid field.
POSTS: Final[list[tuple[str, object, dict[str, str]]]] = [
    (REQUEST_OTP, {}, {"phone": "missing_field"}),
    (REQUEST_OTP, {"phone": "4915123456789"}, {"phone": "ambiguous_phone"}),
    (REQUEST_OTP, {"phone": PHONE, "channel": "fax"}, {"channel": "unsupported_value"}),
    (
        REQUEST_OTP, {"phone": 7, "locale": 7, "x": 1},
        {"phone": "wrong_type", "locale": "wrong_type", "x": "unknown_field"},
    ),
    (
        VERIFY_OTP, {"otp": "12345x", "phone": ""},
        {"otp": "malformed_otp", "phone": "invalid_phone"},
    ),
    (REQUEST_OTP, {"phone": PHONE, "attestation": "altcha"}, {"attestation": "wrong_type"}),
    (
        REQUEST_OTP, {"phone": PHONE, "attestation": {"type": "altcha", "response": "x" * 8193}},
        {"attestation": "too_long"},
    ),
    (PHONE_OTP, {"phone": PHONE, "attestation": {"response": 1}}, {"attestation": "wrong_type"}),
    (PHONE_OTP, {"phone": PHONE, "attestation": {"typ": "altcha"}}, {"attestation": "wrong_type"}),
    (VERIFY_OTP, OTP | {"device": "x" * 201}, {"device": "too_long"}),
    ("/users", {"username": " ", "number": PHONE}, {"username": "too_short"}),
    (PHONE_OTP, {"phone": a_phone(2).e164, "target": "old"}, {"phone": "conflicting_value"}),
    (
        PHONE_OTP, {"attestation": {"type": "altcha", "response": "x" * 8193}},
        {"phone": "missing_field", "attestation": "too_long"},
    ),
    (
        CHANGE_PHONE, OTP | {"request_id": "", "old_otp": "1"},
        {"old_otp": "malformed_otp", "old_request_id": "missing_field"},
    ),
    (CHANGE_PHONE, OTP | {"request_id": "", "old_request_id": ""}, {"old_otp": "missing_field"}),
]  # fmt: skip
PATCHES: Final[list[tuple[str, object, dict[str, str]]]] = [
    ("/users/me", {"username": "a\nb"}, {"username": "invalid_characters"}),
    ("/library/1", {"category": None}, {"item_id": "invalid_id"}),
]
GETS: Final[list[tuple[str, bytes, dict[str, str]]]] = [
    ("/library", b"page=0&per_page=x", {"page": "invalid_number", "per_page": "invalid_number"}),
    ("/library", b"page=9999", {"page": "page_too_deep"}),
    (
        "/library", b"page=2&cursor=" + b"0" * 38 + b"&type=jpeg",
        {"page": "conflicting_value", "type": "unsupported_value"},
    ),
    ("/library", b"user_id=1&type=jpeg", {"user_id": "invalid_id", "type": "unsupported_value"}),
    ("/calls", b"limit=0&cursor=", {"limit": "invalid_number", "cursor": "invalid_cursor"}),
    (
        "/library", b"category=a&type=gif&category=a&%74ype=gif&b=1&b=1",
        {"category": "repeated_field", "type": "repeated_field"},
    ),
    (
        f"/media/{'0' * 2}/{'0' * 24}.jpg", b"expires=1&expires=1&signature=a",
        {"expires": "repeated_field"},
    ),
]  # fmt: skip
FILE: Final = file_part()
USER: Final = user_part("1")
FORMS: Final[list[tuple[bytes, dict[str, str]]]] = [
    (form(USER), {"file": "no_file_part"}),
    (form(file_part(GIF, 'name="file"; filename=""'), USER), {"file": "no_selected_file"}),
    (form(FILE), {"user_id": "missing_user_id"}),
    (form(FILE, USER), {"user_id": "invalid_id"}),
    (form(FILE, user_part("a" * 24), category_part("x" * 65)), {"category": "too_long"}),
    (
        form(FILE, USER, category_part("x" * 65)),
        {"user_id": "invalid_id", "category": "too_long"},
    ),
    (form(FILE)[:-20], {"body": "invalid_form"}),
]
FORM_ERRORS: Final = {
    "no_file_part": "No file part",
    "no_selected_file": "No selected file",
    "missing_user_id": "Missing user_id",
    "invalid_id": "Invalid user id",
}


CODES = {*FieldErrorCode, *MediaFieldCode}


@pytest.fixture(scope="module")
def driver() -> Iterator[HttpDriver]:
    with open_http_driver(
        make_http_settings(variables={"DIALTONE_MAX_UPLOAD_SIZE": "10KB"}, default_region="DE")
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def token(driver: HttpDriver) -> str:
    return driver.token()


def codes_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the code of each field, after a check that `errors` or `error` has it too."""
    field_errors = body["field_errors"]
    assert all(set(error) == {"field", "code", "message"} for error in field_errors)
    assert {error["code"] for error in field_errors} <= CODES
    messages = {error["field"]: [error["message"]] for error in field_errors}
    if "error" in body:
        assert [(error["message"], error["code"]) for error in field_errors] == [
            (body["error"], body["code"])
        ]
    else:
        assert (body["errors"], body["code"]) == (messages, "invalid")
    return {error["field"]: error["code"] for error in field_errors}


def assert_codes(response: Response, codes: Mapping[str, str]) -> None:
    assert (response.status, codes_of(response.body)) == (400, codes)


@pytest.mark.parametrize(
    ("method", "path", "body", "codes"),
    [*(("POST", *post) for post in POSTS), *(("PATCH", *patch) for patch in PATCHES)],
)
def test_an_invalid_field_has_a_code(
    driver: HttpDriver, token: str, method: str, path: str, body: object, codes: dict[str, str]
) -> None:
    assert_codes(driver.post_json(path, body, token, method), codes)


@pytest.mark.parametrize(("path", "query", "codes"), GETS)
def test_an_invalid_parameter_has_a_code(
    driver: HttpDriver, token: str, path: str, query: bytes, codes: dict[str, str]
) -> None:
    assert_codes(driver.get(path, query, token), codes)


@pytest.mark.parametrize(("body", "codes"), FORMS)
def test_an_invalid_field_of_a_form_has_a_code(
    driver: HttpDriver, token: str, body: bytes, codes: dict[str, str]
) -> None:
    headers = {"authorization": f"Bearer {token}", "content-type": CONTENT_TYPE}
    response = driver.send("POST", "/library/upload", [body], headers)
    assert_codes(response, codes)
    message = FORM_ERRORS.get(*codes.values()) if len(codes) == 1 else None
    assert response.body.get("error") == message


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "missing_field"),
        (b"null", "wrong_type"),
        (b"{x", "invalid_json"),
        (b'{"a":' * 10_000, "invalid_json"),
        ('{"phone": "+14155552671"}'.encode("utf-16"), "invalid_json"),
        (b'{"phone": ' + b"1" * 5_000 + b"}", "invalid_number"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_invalid_body_has_a_code(driver: HttpDriver, body: bytes, code: str) -> None:
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    assert_codes(driver.send("POST", REQUEST_OTP, [body], headers), {"body": code})
    legacy = driver.send("POST", LEGACY_OTP, [body], headers)
    assert (legacy.status, legacy.body["exit_code"]) == (400, 4)
    assert "400 Bad Request: body: " in legacy.body["error"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=nope", 400),
        ("APPLICATION/JSON", 400),
        ("application/json, text/plain", 415),
        ('multipart/form-data; boundary="a"; charset=utf-7', 415),
        ("", 415),
        ("\xe9/\xff", 415),
    ],
)
def test_the_content_type_is_checked_before_the_body(
    driver: HttpDriver, content_type: str, status: int
) -> None:
    for path in (REQUEST_OTP, LEGACY_OTP):
        for body in (b"{}", bytes(70_000))[: 1 if status == 400 else 2]:
            headers = {"content-type": content_type, "content-length": str(len(body))}
            assert driver.send("POST", path, [body], headers).status == status


def test_an_incomplete_body_has_a_code(driver: HttpDriver) -> None:
    headers = {"content-type": "application/json", "content-length": "2"}
    incomplete = driver.send("POST", REQUEST_OTP, [b"{"], headers, disconnects=True)
    assert_codes(incomplete, {"body": "incomplete_body"})


def test_a_number_that_is_not_sent_is_that_of_the_token(driver: HttpDriver, token: str) -> None:
    for sent in ({}, {"number": None}, {"number": PHONE}):
        created = driver.post_json("/users", {"username": "Asha", **sent}, token)
        assert created.status == 201
        assert driver.get("/users/me", b"", token).body["_id"] == created.body["user_id"]
    for number, status in ((a_phone(2).e164, 403), ("123", 400), (5, 400)):
        user = {"username": "Asha", "number": number}
        assert driver.post_json("/users", user, token).status == status
