"""When the login hook is asked, what it is told, what follows, and how many wait for it."""

import asyncio
from dataclasses import replace
from typing import Any, cast

import jwt
import pytest

from adapters.hooks.login_hook import MAX_CONCURRENT, TIMEOUT, HttpLoginHook
from adapters.shared.http import HttpResponse, Transport
from application.features.login_hook import AskLoginHook, LoginHookFailed, LoginInquiry
from application.identities.additions import AllowLogin, RejectLogin
from application.otp.log_in import LoggedIn, OtpRejected
from domain.identities.external_id import parse_external_id
from domain.otp.delivery import Channel
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP, NOW, a_parsed_token, a_phone
from tests.support.core_harness import wrong_code
from tests.unit.application.features.phone_change.phone_changes import change_phone

FAILED = LoginHookFailed("the login hook did not decide: status 500")
INQUIRY = LoginInquiry(
    id="0f" * 16,
    asked_at=NOW,
    user_id=None,
    external_id=None,
    channel=Channel.SMS,
    country="US",
    device=None,
    is_device_recognized=False,
)


class FakeLoginHook:
    """Decides so, or raises it. `app` is the harness with it."""

    def __init__(self, app: AppHarness, *, with_phone: bool = False) -> None:
        self.decision: AllowLogin | RejectLogin | BaseException = AllowLogin()
        self.asked: list[LoginInquiry] = []
        ask = AskLoginHook(self, app.keyed_hashes, app.clock, with_phone)
        self.app = app.adding(login_hook=ask)

    async def ask(self, inquiry: LoginInquiry) -> AllowLogin | RejectLogin:
        self.asked.append(inquiry)
        if isinstance(self.decision, BaseException):
            raise self.decision
        return self.decision


async def test_a_hook_is_told_who_logs_in_and_neither_code_nor_number(app: AppHarness) -> None:
    hook = FakeLoginHook(app)
    app = hook.app
    login = await app.open_session(device="Pixel 9")
    loaded = app.database.identities[login.identity.id]
    named = replace(loaded.value, external_id=parse_external_id("customer-7"))
    await app.use_cases.repositories.identities.replace(named, loaded.version)
    second = await app.open_session(device_token=login.device_token)
    assert second.identity.id == login.identity.id

    first, again = hook.asked
    asked = replace(INQUIRY, id=first.id, asked_at=first.asked_at, device="Pixel 9")
    assert first == asked
    assert (again.user_id, again.external_id) == (login.identity.id, "customer-7")
    assert (again.device, again.is_device_recognized) == (None, True)
    assert first.id != again.id
    with_phone = FakeLoginHook(app, with_phone=True)
    await with_phone.app.open_session()
    assert [inquiry.phone for inquiry in with_phone.asked] == [a_phone().e164]


async def test_a_login_that_is_not_decided_counts_nowhere_and_is_asked_with_the_same_id(
    app: AppHarness,
) -> None:
    hook = FakeLoginHook(app)
    app = hook.app
    request_id = (await app.request_otp()).request_id
    code, permits = app.last_code, app.database.permits
    before = app.database.phone_verifications[a_phone()]
    for hook.decision in (FAILED, FAILED, asyncio.CancelledError()):
        with pytest.raises(type(hook.decision)):
            await app.verify_otp(code, request_id=request_id)
    assert app.database.permits == permits
    assert app.database.phone_verifications[a_phone()] == before
    # Whoever guesses is limited as always.
    assert await app.verify_otp(wrong_code(code), request_id=request_id) == OtpRejected(4)

    hook.decision = AllowLogin({"plan": "gold"})
    login = await app.verify_otp(code, request_id=request_id, with_refresh=True)
    assert isinstance(login, LoggedIn)
    payload = jwt.decode(login.tokens.access_token, options={"verify_signature": False})
    assert payload["app"] == {"plan": "gold"}
    assert len(hook.asked) == 4
    assert len({inquiry.id for inquiry in hook.asked}) == 1


async def test_nothing_but_a_login_with_a_code_asks_the_hook(app: AppHarness) -> None:
    await app.add_administrator(a_phone(2))
    user = await app.add_user(a_phone(1))
    hook = FakeLoginHook(app)
    app = hook.app
    app.advance(hours=12)
    request_id = (await app.request_otp(a_phone(3))).request_id
    options: dict[str, Any] = {"request_id": request_id, "with_refresh": True}
    login = await app.verify_otp(app.last_code, a_phone(3), **options)
    assert isinstance(login, LoggedIn)
    assert len(hook.asked) == 1

    hook.decision = AssertionError()
    # The same login again, and a refresh
    assert isinstance(await app.verify_otp(app.last_code, a_phone(3), **options), LoggedIn)
    token = a_parsed_token(login.tokens.refresh_token)
    await app.identities.refresh_session(token, CLIENT_IP)
    # A change of the number
    await change_phone(app, user, a_phone(7))
    assert len(hook.asked) == 1


SECRET = f"whsec_{'A' * 43}="


class SlowTransport:
    """Responds after so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.open = self.most = 0

    async def request(self, *_: Any, **__: Any) -> HttpResponse:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await asyncio.sleep(self.seconds)  # of the loop's own time
        finally:
            self.open -= 1
        return HttpResponse(200, b'{"decision": "allow"}')


def a_hook(transport: SlowTransport) -> HttpLoginHook:
    return HttpLoginHook("https://hook.test", "", [SECRET], cast("Transport", transport))


async def ask_many(transport: SlowTransport, count: int) -> list[Any]:
    hook = a_hook(transport)
    inquiries = [replace(INQUIRY, id=str(number)) for number in range(count)]
    asked = map(hook.ask, inquiries)
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_at_most_fifty_ask_at_a_time_and_the_others_wait_for_their_turn() -> None:
    transport = SlowTransport(1)
    decisions = await ask_many(transport, MAX_CONCURRENT + 1)
    assert decisions == [AllowLogin()] * (MAX_CONCURRENT + 1)
    assert (transport.most, MAX_CONCURRENT) == (50, 50)


async def test_who_has_no_decision_within_three_seconds_gets_none() -> None:
    with pytest.raises(LoginHookFailed, match="did not decide: no response in time"):
        await a_hook(SlowTransport(TIMEOUT + 0.1)).ask(INQUIRY)

    transport = SlowTransport(TIMEOUT - 0.1)
    *decided, last = await ask_many(transport, MAX_CONCURRENT + 1)
    assert decided == [AllowLogin()] * MAX_CONCURRENT
    assert "no response in time" in str(last)
    *_, last = await ask_many(SlowTransport(TIMEOUT + 0.1), MAX_CONCURRENT + 1)
    assert (str(last), TIMEOUT) == ("the login hook did not decide: 50 logins wait for it", 3)
