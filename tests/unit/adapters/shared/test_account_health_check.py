"""The health check of an account: how long its results are kept, and how long it waits."""

import asyncio

import pytest

from adapters.shared import account_health_check
from adapters.shared.account_health_check import FAILURE_TTL, SUCCESS_TTL, AccountHealthCheck
from application.ports.errors import MessengerUnavailable
from tests.support.fakes.clock import SecondsClock

SILENCE = "The provider does not respond."


class Checked(AccountHealthCheck):
    """A check that counts its requests; `failure` is what the provider says."""

    def __init__(self, clock: SecondsClock) -> None:
        super().__init__(clock, SILENCE)
        self.requests = 0
        self.failure = ""
        self.responds = asyncio.Event()
        self.responds.set()

    async def _find_failure(self) -> str | None:
        self.requests += 1
        await self.responds.wait()
        return self.failure or None


async def failure_of(checked: Checked) -> str:
    with pytest.raises(MessengerUnavailable) as error:
        await checked.check()
    return str(error.value)


async def test_checks_use_one_request_until_its_result_expires() -> None:
    clock = SecondsClock()
    checked = Checked(clock)
    await checked.check()
    clock.seconds += SUCCESS_TTL - 1
    await checked.check()
    assert checked.requests == 1

    clock.seconds += 1
    checked.failure = "There is no credit."
    for _ in range(2):
        assert await failure_of(checked) == "There is no credit."
    assert checked.requests == 2

    # A failure expires sooner than a success.
    checked.failure = ""
    clock.seconds += FAILURE_TTL - 1
    await failure_of(checked)
    clock.seconds += 1
    await checked.check()


async def test_a_check_ends_after_its_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_health_check, "HEALTH_CHECK_TIMEOUT", 0.01)
    checked = Checked(SecondsClock())
    checked.responds.clear()
    assert await failure_of(checked) == SILENCE
