"""A user changes the phone number, and the former number undoes it: over HTTP, as apps do it."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, Final
from zipfile import ZipFile

import httpx
import pytest

from tests.e2e.app import Account, App, bearer
from tests.e2e.deployments import DATABASES, Database, on_sqlite
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.support.core_harness import wrong_code
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import REASON

REQUEST: Final = "/users/me/phone/request-otp"
CHANGE: Final = "/users/me/phone"
REQUEST_UNDO: Final = "/auth/undo-phone-change/request-otp"
UNDO: Final = "/auth/undo-phone-change"
DISOWN: Final = "/users/me/phone/disown"
VERIFY: Final = "/auth/verify-otp"
LEGACY_REQUEST: Final = "/authenticate/get_otp"
LEGACY_VERIFY: Final = "/authenticate/validate_otp"
TEST_PHONES: Final = ("+14155559001", "+14155559002")
TEST_CODE: Final = "424242"
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
    numbers = ",".join(f"{number}={TEST_CODE}@{until:%Y-%m-%d}" for number in TEST_PHONES)
    settings = {**database(request), "DIALTONE_TEST_OTPS": numbers}
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
    texts = len(client.service.texts(phone))
    assert (await client.post(REQUEST_UNDO, {"phone": phone})).status_code == 200
    assert (await client.sign_in(phone)).json()["user_id"] == attacker.user_id
    assert len(client.service.texts(phone)) == texts + 1, "there is nothing to undo"
    assert await client.number_of(own["access_token"]) == other_phone


@pytest.mark.parametrize("service", DATABASES, indirect=True, ids=lambda value: value.__name__)
async def test_a_number_is_changed_undone_and_changed_again(
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
    client.service.advance_clock(timedelta(seconds=retry_after + 1))
    owner = (await client.sign_in(phone)).json()
    account = Account(phone, owner["access_token"], account.user_id)
    again = await client.change(account, body["phone"])
    assert (again.status_code, again.json()["number"]) == (200, body["phone"])


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
    client.service.advance_clock(COOLDOWN)
    texts = len(client.service.texts(phone))
    requested = await client.post(REQUEST_UNDO, {"phone": phone})
    assert requested.status_code == 200
    next_owner = await client.sign_in(phone)
    assert next_owner.json()["user_id"] != account.user_id
    assert len(client.service.texts(phone)) == texts + 1


async def test_only_the_right_code_reveals_that_a_number_is_in_use(
    client: Client, phone: str, other_phone: str
) -> None:
    account, _ = await client.app.sign_up(phone), await client.app.sign_up(other_phone)
    code = await client.request_code(REQUEST, other_phone, token=account.token)
    wrong = code | {"otp": wrong_code(code["otp"])}
    assert (await client.post(CHANGE, wrong, account.token)).json()["code"] == "invalid_otp"
    in_use = await client.post(CHANGE, code, account.token)
    assert (in_use.status_code, in_use.json()) == (
        409,
        {"error": "Phone number already in use", "code": "phone_in_use"},
    )
    assert await client.number_of(account.token) == phone


async def test_a_number_that_was_blocked_meanwhile_counts_as_in_use(
    client: Client, phone: str, other_phone: str
) -> None:
    account = await client.app.sign_up(phone)
    code = await client.request_code(REQUEST, other_phone, token=account.token)
    assert client.service.run("user", "block", other_phone, *REASON).returncode == 0
    in_use = await client.post(CHANGE, code, account.token)
    assert (in_use.status_code, in_use.json()["code"]) == (409, "phone_in_use")
    assert await client.number_of(account.token) == phone


async def test_a_change_forgets_all_devices_and_ends_all_other_sessions(
    client: Client, phone: str, other_phone: str
) -> None:
    await client.app.sign_in(phone)
    account = await client.app.sign_up(phone)
    assert (await client.change(account, other_phone)).status_code == 200
    archive = await client.http.get("/users/me/export", headers=account.headers)
    with ZipFile(BytesIO(archive.content)) as files:
        (name,) = (name for name in files.namelist() if name.endswith("sessions.json"))
        sessions = json.loads(files.read(name))
    assert (len(sessions["sessions"]), sessions["recognized_devices"]) == (1, [])


async def test_an_older_app_at_the_former_number_changes_nothing(
    client: Client, phone: str, other_phone: str
) -> None:
    account = await client.app.sign_up(phone)
    assert (await client.change(account, other_phone)).status_code == 200
    for _ in range(3):
        client.service.advance_clock(COOLDOWN)
        code = await client.request_code(LEGACY_REQUEST, phone)
        wrong = code | {"otp": wrong_code(code["otp"])}
        expected, response = [await client.post(LEGACY_VERIFY, body) for body in (wrong, code)]
        assert (response.status_code, response.content) == (403, expected.content)
        assert "Invalid OTP or Validation failed " in response.json()["error"]
    assert await client.number_of(account.token) == other_phone
    assert (await client.undo(phone)).status_code == 200


async def test_a_number_without_a_change_gets_no_code_for_an_undo(
    client: Client, phone: str, other_phone: str
) -> None:
    await client.app.sign_up(phone)
    bodies = []
    for number in (phone, other_phone):
        requested = await client.post(REQUEST_UNDO, {"phone": number})
        bodies.append(requested.json() | {"request_id": "", "resend_in": 0})
        assert requested.status_code == 200
    assert bodies[0] == bodies[1]
    assert bodies[0]["sent"] is True
    # This message comes after the others would have come.
    await client.app.sign_in(phone.replace("+1415556", "+1415557"))
    assert [len(client.service.texts(number)) for number in (phone, other_phone)] == [1, 0]


async def test_a_change_cannot_be_undone_after_seven_days(
    client: Client, phone: str, other_phone: str
) -> None:
    account = await client.app.sign_up(phone)
    assert (await client.change(account, other_phone)).status_code == 200
    client.service.advance_clock(UNDO_PERIOD - COOLDOWN - timedelta(minutes=2))
    code = await client.request_code(REQUEST_UNDO, phone)
    client.service.advance_clock(COOLDOWN + timedelta(minutes=2))
    late = await client.post(UNDO, code)
    assert (late.status_code, late.json()["code"]) == (403, "invalid_otp")
    next_owner = await client.sign_in(phone)
    assert next_owner.json()["user_id"] != account.user_id
    assert next_owner.json()["username"] is None


async def test_the_deletion_of_the_account_frees_both_numbers(
    client: Client, phone: str, other_phone: str
) -> None:
    account = await client.app.sign_up(phone)
    assert (await client.change(account, other_phone)).status_code == 200
    deleted = await client.http.delete("/users/me", headers=account.headers)
    assert deleted.status_code == 204
    owners = [(await client.sign_in(number)).json() for number in (phone, other_phone)]
    assert len({owner["user_id"] for owner in owners} | {account.user_id}) == 3


async def test_a_user_gets_five_codes_a_day_for_changes(client: Client, phone: str) -> None:
    account = await client.app.sign_up(phone)
    numbers = [phone.replace("+1415556", f"+141555{digit}") for digit in (0, 1, 2, 3, 4, 7)]
    for number in numbers[:5]:
        await client.request_code(REQUEST, number, token=account.token)
    rejected = await client.post(REQUEST, {"phone": numbers[5]}, account.token)
    assert (rejected.status_code, rejected.json()["code"]) == (429, "rate_limited")
    retry_after = timedelta(seconds=int(rejected.headers["retry-after"]))
    assert retry_after > timedelta(hours=23)
    client.service.advance_clock(retry_after)
    await client.request_code(REQUEST, numbers[5], token=account.token)


async def test_only_a_user_with_a_test_number_changes_to_a_test_number(
    client: Client, phone: str
) -> None:
    account = await client.app.sign_up(phone)
    first, second = TEST_PHONES
    rejected = await client.post(REQUEST, {"phone": first}, account.token)
    assert rejected.status_code == 400
    (field_error,) = rejected.json()["field_errors"]
    assert (field_error["field"], field_error["code"]) == ("phone", "conflicting_value")
    body = {"phone": first, "otp": TEST_CODE, "request_id": "0"}
    assert (await client.post(CHANGE, body, account.token)).status_code == 400

    await client.post("/auth/request-otp", {"phone": first})
    login = await client.post(VERIFY, {"phone": first, "otp": TEST_CODE})
    token = login.json()["access_token"]
    await client.post("/users", {"username": "A reviewer", "number": first}, token)
    requested = await client.post(REQUEST, {"phone": second}, token)
    body = {"phone": second, "otp": TEST_CODE, "request_id": requested.json()["request_id"]}
    changed = await client.post(CHANGE, body, token)
    assert (changed.status_code, changed.json()["number"]) == (200, second)
