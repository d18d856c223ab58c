"""Bad input gets the error body of its family and the right status, never a 500."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.app import App

MAIN_BODIES = [
    "/auth/request-otp",
    "/auth/verify-otp",
]
OLDER_BODIES = ["/authenticate/get_otp", "/authenticate/validate_otp"]
MALFORMED = "Bad Request/ Data format incorrect 400 Bad Request: "

NOT_JSON_OBJECTS = {
    "nothing": b"",
    "no JSON": b"{phone: 1}",
    "half of it": b'{"phone": "+14155',
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "a form": b"phone=%2B14155552671",
    "not UTF-8": b'{"phone": "\xff\xfe"}',
    "half of a surrogate pair": b'{"phone": "\\ud800"}',
    "deep nesting": b"[" * 30_000,
    "an endless number": b'{"phone": ' + b"1" * 5_000 + b"}",
}


@pytest.mark.parametrize("path", MAIN_BODIES)
@pytest.mark.parametrize("body", NOT_JSON_OBJECTS.values(), ids=NOT_JSON_OBJECTS)
async def test_what_is_no_json_object_names_the_body_or_the_field(
    http: httpx.AsyncClient, path: str, body: bytes
) -> None:
    answer = await http.post(path, content=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert answer.json()["errors"]


@pytest.mark.parametrize("path", OLDER_BODIES)
@pytest.mark.parametrize("body", NOT_JSON_OBJECTS.values(), ids=NOT_JSON_OBJECTS)
async def test_the_older_app_hears_of_bad_bodies_in_its_own_words(
    http: httpx.AsyncClient, path: str, body: bytes
) -> None:
    answer = await http.post(path, content=body)
    told = answer.json()
    assert answer.status_code == 400
    assert told["error"].startswith(MALFORMED)
    assert (told["exit_code"], told["message"], told["status_code"]) == (4, "failed", 400)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"phone", "otp"}),
        ({"phone": 7, "otp": None}, {"phone", "otp"}),
        ({"phone": "+14155552671", "otp": "12345"}, {"otp"}),
        ({"phone": "+14155552671", "otp": "1234567"}, {"otp"}),
        ({"phone": "+1415555", "otp": "abcdef"}, {"phone", "otp"}),
        ({"phone": "+14155552671", "otp": "123456", "extra": 1}, {"extra"}),
        ({"phone": "+14155552671", "otp": "123456", "refresh": "true"}, {"refresh"}),
        ({"phone": "+14155552671", "otp": "123456", "device": "a\u0000b"}, {"device"}),
        ({"phone": "+14155552671", "otp": "123456", "device": "x" * 201}, {"device"}),
    ],
)
async def test_every_bad_field_is_named_at_once(
    http: httpx.AsyncClient, body: dict[str, object], fields: set[str]
) -> None:
    answer = await http.post("/auth/verify-otp", json=body)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == fields
    assert all(isinstance(one, list) for one in answer.json()["errors"].values())


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "+",
        "nobody",
        "+14155552671\u0000",
        "+999123456789",
        "+1900 555 1234",
        "+800 1234 5678",
        "4155552671",
        "+1" + "4" * 500,
        "+14155552671;ext=7",
        "<script>",
    ],
)
async def test_a_number_that_no_code_can_be_sent_to_is_refused_by_name(
    http: httpx.AsyncClient, phone: str
) -> None:
    answer = await http.post("/auth/request-otp", json={"phone": phone})
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"phone"}
    older = await http.post("/authenticate/get_otp", json={"phone": f"?{phone}"})
    assert older.status_code == 400
    assert older.json()["error"].startswith(MALFORMED)


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_ten_megabytes_of_json_are_refused_in_each_family(
    http: httpx.AsyncClient, *, is_chunked: bool
) -> None:
    body = json.dumps({"phone": "1" * 10_000_000}).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    main = await http.post("/auth/request-otp", content=chunks() if is_chunked else body)
    assert (main.status_code, main.json()["code"]) == (413, "body_too_large")
    older = await http.post("/authenticate/get_otp", content=chunks() if is_chunked else body)
    assert older.status_code == 400
    assert older.json()["error"].startswith(MALFORMED)


async def test_an_unknown_path_is_404_with_or_without_a_token(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone)
    for path in ("/nowhere", "/authenticated", "/auth", "/users/me/more", "/library/a/b", "/%00"):
        for headers in ({}, account.headers):
            answer = await http.get(path, headers=headers)
            assert answer.status_code == 404, path
            assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/authenticate", "/authenticate/", "/authenticate/get_profile"])
async def test_below_authenticate_the_older_app_is_told_that_it_is_lost(
    http: httpx.AsyncClient, path: str
) -> None:
    for method in ("GET", "POST", "OPTIONS", "DELETE"):
        answer = await http.request(method, path)
        assert answer.status_code == 404
        assert answer.json()["error"].startswith("ARE YOU LOST :: 404 Not Found: ")
        assert answer.json()["exit_code"] == 1


@pytest.mark.parametrize("path", OLDER_BODIES)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_the_older_paths_take_post_only(
    http: httpx.AsyncClient, path: str, method: str
) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json() == {
        "error": "Method not allowed 405 Method Not Allowed: Only POST methods are allowed",
        "exit_code": 1,
        "message": "failed",
        "status_code": 405,
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/request-otp"),
        ("DELETE", "/users"),
        ("PUT", "/library"),
        ("BREW", "/users"),
        ("TRACE", "/health/live"),
    ],
)
async def test_a_method_that_a_path_does_not_take_names_those_that_it_takes(
    http: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert answer.json()["code"] == "method_not_allowed"


async def test_an_id_of_the_wrong_shape_is_told_from_one_that_nobody_has(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone)
    for bad in ("1", "z" * 24, "a" * 25, "%ff", "%00", "a" * 5000, "\u0661" * 24):
        user = await http.get(f"/users/{bad}", headers=account.headers)
        assert (user.status_code, user.json()["error"]) == (400, "Invalid user id")
        item = await http.get(f"/library/{bad}", headers=account.headers)
        assert (item.status_code, item.json()["error"]) == (400, "Invalid item id")
    nobody = await http.get(f"/users/{'a' * 24}", headers=account.headers)
    assert (nobody.status_code, nobody.json()["error"]) == (404, "User not found")
    nothing = await http.get(f"/library/{'a' * 24}", headers=account.headers)
    assert nothing.status_code == 404


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic abc", "Bearer a.b.c", "Bearer " + "x" * 8000, "é"]
)
async def test_what_is_no_token_of_ours_is_401(http: httpx.AsyncClient, header: str) -> None:
    headers = {b"Authorization": header.encode("latin-1")}
    for path in ("/users/me", "/library"):
        answer = await http.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["code"] == "unauthenticated"
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_no_token_is_told_before_a_bad_body(http: httpx.AsyncClient) -> None:
    for path in ("/users", "/library/upload"):
        assert (await http.post(path, content=b"{")).status_code == 401
    assert (await http.patch("/users/me", content=b"{")).status_code == 401
