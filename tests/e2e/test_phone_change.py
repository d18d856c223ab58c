"""A user changes the phone number, and the former number undoes it: over HTTP, as apps do it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from tests.e2e.app import Account, App, bearer
from tests.e2e.deployments import DATABASES, Database, on_sqlite
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.support.core_harness import wrong_code
from tests.support.plain_http import PLAIN_HTTP

REQUEST: Final = "/users/me/phone/request-otp"
CHANGE: Final = "/users/me/phone"
REQUEST_UNDO: Final = "/auth/undo-phone-change/request-otp"
UNDO: Final = "/auth/undo-phone-change"
DISOWN: Final = "/users/me/phone/disown"
VERIFY: Final = "/auth/verify-otp"
TEST_PHONE: Final = "+14155559001"
COOLDOWN: Final = timedelta(hours=1)
FRESH_LOGIN: Final = timedelta(minutes=15)
UNDO_PERIOD: Final = timedelta(days=7)


@pytest.fixture(scope="module", params=[on_sqlite], ids=["on_sqlite"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultyService]:
    """One service on a database for all tests of this file, whose clock they advance."""
    database: Database = request.param
    until = datetime.now(UTC) + timedelta(days=365)
    settings = {**database(request), "DIALTONE_TEST_OTPS": f"{TEST_PHONE}=424242@{until:%Y-%m-%d}"}
    with run_faulty_service(tmp_path_factory.mktemp("service"), settings) as service:
        yield service


@dataclass(frozen=True, slots=True)
class Client:
    """Sends the requests of an app that changes a number."""

    app: App
    http: httpx.AsyncClient
    service: FaultyService

    async def post(self, path: str, body: dict[str, Any], token: str = "") -> httpx.Response:
        return await self.http.post(path, json=body, headers=bearer(token) if token else None)

    async def request_code(
        self, path: str, phone: str, body: dict[str, Any] | None = None, token: str = ""
    ) -> dict[str, str]:
        """Request a code that the phone gets; return it with its request id, if any."""
        earlier = len(self.service.messages(phone))
        requested = await self.post(path, {"phone": phone} if body is None else body, token)
        assert requested.status_code == 200, requested.text
        code = {"phone": phone, "otp": self.service.code(phone, earlier + 1)}
        request_id = requested.json().get("request_id")
        return code | ({"request_id": request_id} if request_id else {})

    async def request_old_code(self, account: Account) -> dict[str, str]:
        """Request a code to the present number."""
        code = await self.request_code(REQUEST, account.phone, {"target": "old"}, account.token)
        return {"old_otp": code["otp"], "old_request_id": code["request_id"]}

    async def change(self, account: Account, phone: str, **fields: str) -> httpx.Response:
        """Request the code of the new number, and change to that."""
        code = await self.request_code(REQUEST, phone, token=account.token)
        return await self.post(CHANGE, code | fields, account.token)

    async def undo(self, phone: str) -> httpx.Response:
        """Request a code for an undo when that is allowed, and undo."""
        self.service.advance_clock(COOLDOWN)
        return await self.post(UNDO, await self.request_code(REQUEST_UNDO, phone))

    async def sign_in(self, phone: str) -> httpx.Response:
        """Request a code when that is allowed, and verify it."""
        self.service.advance_clock(COOLDOWN)
        return await self.post(VERIFY, await self.request_code("/auth/request-otp", phone))

    async def number_of(self, token: str) -> str | None:
        """Return the number of a user, None where the token is not valid anymore."""
        me = await self.http.get("/users/me", headers=bearer(token))
        assert me.status_code in (200, 401)
        number: str | None = me.json().get("number")
        return number


@pytest.fixture
async def client(service: FaultyService) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=service.url, timeout=20, **PLAIN_HTTP) as http:
        yield Client(App(service, http), http, service)


async def test_a_number_that_was_given_away_by_one_code_disowns_the_account(
    client: Client, phone: str, other_phone: str
) -> None:
    attacker = await client.app.sign_up(phone)
    assert (await client.change(attacker, other_phone)).status_code == 200
    client.service.wait_for(lambda: "Not yours?" in client.service.texts(other_phone)[-1])

    kept = await client.post(DISOWN, {}, attacker.token)
    assert (kept.status_code, kept.json()["code"]) == (403, "reauthentication_required")
    hers = (await client.sign_in(other_phone)).json()
    assert hers["user_id"] == attacker.user_id
    disowned = await client.http.post(DISOWN, headers=bearer(hers["access_token"]))
    assert (disowned.status_code, disowned.json()) == (
        200,
        {"success": True, "message": "Phone disowned"},
    )
    assert await client.number_of(hers["access_token"]) is None
    assert await client.number_of(attacker.token) == phone
    client.service.wait_for(lambda: "was undone" in client.service.texts(phone)[-1])

    own = (await client.sign_in(other_phone)).json()
    assert own["user_id"] != attacker.user_id
    body = {"username": f"Owner of {other_phone[-4:]}", "number": other_phone}
    assert (await client.post("/users", body, own["access_token"])).status_code == 201
    nothing = await client.post(DISOWN, {}, own["access_token"])
    assert (nothing.status_code, nothing.json()["code"]) == (409, "disown_not_possible")


@pytest.mark.parametrize("service", DATABASES, indirect=True, ids=lambda value: value.__name__)
async def test_a_number_is_changed_and_the_former_one_undoes_it(
    client: Client, phone: str, other_phone: str
) -> None:
    other_device = await client.app.sign_in(phone)
    account = await client.app.sign_up(phone)

    code = await client.request_code(REQUEST, other_phone, token=account.token)
    is_sign_in = await client.post(VERIFY, code)
    assert is_sign_in.json()["success"] is False
    wrong = code | {"otp": wrong_code(code["otp"])}
    rejected = await client.post(CHANGE, wrong, account.token)
    assert (rejected.status_code, rejected.json()) == (
        403,
        {"error": "Invalid OTP", "code": "invalid_otp", "field": "otp", "attempts_left": 4},
    )
    changed = await client.post(CHANGE, code, account.token)
    assert changed.status_code == 200, changed.text
    me = await client.http.get("/users/me", headers=account.headers)
    assert (me.json(), me.json()["number"]) == (changed.json(), other_phone)
    assert await client.number_of(other_device) is None
    client.service.wait_for(lambda: "another phone number now" in client.service.texts(phone)[-1])
    # A response that was lost is repeated.
    assert (await client.post(CHANGE, code, account.token)).json() == changed.json()

    held = await client.sign_in(phone)
    assert (held.status_code, held.json()["code"]) == (409, "number_was_changed")
    assert UNDO in held.json()["error"]
    signed_in = await client.sign_in(other_phone)
    assert signed_in.json()["user_id"] == account.user_id

    undone = await client.undo(phone)
    assert (undone.status_code, undone.json()) == (
        200,
        {"success": True, "message": "Phone change undone"},
    )
    for token in (account.token, signed_in.json()["access_token"]):
        assert await client.number_of(token) is None
    client.service.wait_for(lambda: "was undone" in client.service.texts(other_phone)[-1])
    owner = (await client.sign_in(phone)).json()
    assert owner["user_id"] == account.user_id
    stranger = (await client.sign_in(other_phone)).json()
    assert stranger["user_id"] != account.user_id

    body = {"phone": other_phone.replace("+1415558", "+1415557")}
    forbidden = await client.post(REQUEST, body, owner["access_token"])
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "phone_change_forbidden")
    retry_after = int(forbidden.headers["retry-after"])
    assert forbidden.json()["retry_after"] == retry_after <= UNDO_PERIOD.total_seconds()


async def test_the_message_to_the_former_number_undoes_the_change(
    client: Client, phone: str, other_phone: str
) -> None:
    account = await client.app.sign_up(phone)
    assert (await client.change(account, other_phone)).status_code == 200
    client.service.wait_for(lambda: "another phone number now" in client.service.texts(phone)[-1])
    code = client.service.texts(phone)[-1].rpartition(" ")[2]

    for method in ("GET", "HEAD"):  # as the preview of a link does
        url = f"{UNDO}?phone={phone[1:]}&undo_code={code}"
        assert (await client.http.request(method, url)).status_code == 405
    wrong = [
        await client.post(UNDO, {"phone": number, "undo_code": "ABCD-EFGH-JKLM"})
        for number in (phone, other_phone, phone.replace("+1415556", "+1415557"))
    ]
    assert [(response.status_code, response.json()) for response in wrong] == [
        (403, {"error": "Invalid OTP", "code": "invalid_otp", "field": "undo_code"})
    ] * 3
    assert await client.number_of(account.token) == other_phone

    body = {"phone": phone, "undo_code": f" {code.lower().replace('-', ' ')}"}
    for _ in range(2):  # the response may be lost
        undone = await client.post(UNDO, body)
        assert (undone.status_code, undone.json()) == (
            200,
            {"success": True, "message": "Phone change undone"},
        )
    assert await client.number_of(account.token) is None
    # Nothing keeps the owner from signing in at once.
    signed_in = await client.post(VERIFY, await client.request_code("/auth/request-otp", phone))
    assert signed_in.json()["user_id"] == account.user_id


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({}, [("otp", "missing_field"), ("request_id", "missing_field")]),
        ({"otp": "012345"}, [("request_id", "missing_field")]),
        ({"undo_code": "012345"}, [("undo_code", "malformed_otp")]),
        (
            {"undo_code": "ABCD-EFGH-JKLM", "otp": "012345", "request_id": "0"},
            [("undo_code", "conflicting_value")],
        ),
    ],
)
async def test_an_undo_takes_one_of_two_codes(
    client: Client, phone: str, fields: dict[str, str], errors: list[tuple[str, str]]
) -> None:
    response = await client.post(UNDO, {"phone": phone} | fields)
    assert response.status_code == 400
    found = [(each["field"], each["code"]) for each in response.json()["field_errors"]]
    assert found == errors


async def test_after_15_minutes_a_change_needs_a_code_of_the_present_number(
    client: Client, phone: str, other_phone: str
) -> None:
    account = await client.app.sign_up(phone)
    client.service.advance_clock(FRESH_LOGIN + timedelta(seconds=1))
    code = await client.request_code(REQUEST, other_phone, token=account.token)
    rejected = await client.post(CHANGE, code, account.token)
    assert (rejected.status_code, rejected.json()["code"]) == (403, "reauthentication_required")
    assert "old_otp" in rejected.json()["error"]

    old = await client.request_old_code(account)
    wrong = code | old | {"old_otp": wrong_code(old["old_otp"])}
    rejected = await client.post(CHANGE, wrong, account.token)
    assert (rejected.status_code, rejected.json()["field"]) == (403, "old_otp")
    for _ in range(2):  # the response may be lost
        changed = await client.post(CHANGE, code | old, account.token)
        assert (changed.status_code, changed.json()["number"]) == (200, other_phone)
    # It cannot be undone, so the former number is free.
    assert (await client.sign_in(phone)).json()["user_id"] != account.user_id


@pytest.mark.parametrize("path", [REQUEST, CHANGE])
async def test_a_number_that_nobody_may_have_is_an_error_of_its_field(
    client: Client, phone: str, path: str
) -> None:
    account = await client.app.sign_up(phone)
    codes = {"otp": "424242", "request_id": "0"} if path == CHANGE else {}
    rejected = await client.post(path, {"phone": TEST_PHONE} | codes, account.token)
    assert rejected.status_code == 400
    (field_error,) = rejected.json()["field_errors"]
    assert (field_error["field"], field_error["code"]) == ("phone", "conflicting_value")
