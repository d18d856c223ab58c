"""How many logins ask the hook at the same time, and how long they wait."""

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from adapters.hooks.login_hook import MAX_CONCURRENT, TIMEOUT, HttpLoginHook
from adapters.shared.http import HttpResponse, Transport
from application.features.login_hook.ports import LoginHookFailed, LoginInquiry
from application.identities.extensions import AllowLogin
from domain.otp.delivery import Channel
from tests.support.builders import NOW

SECRET = f"whsec_{'A' * 43}="
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
