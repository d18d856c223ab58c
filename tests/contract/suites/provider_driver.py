"""Failures of the provider behind an adapter, which the suites begin and end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import pytest

from application.ports.otp import DeliveryStatus
from tests.contract.suites.external_adapter import AuthorMethodFailed, call_test_method, is_given
from tests.contract.suites.outcomes import CHECK_SECONDS, observe
from tests.contract.suites.promises import require_health_check, unproven

T = TypeVar("T")

FAILED_CALLS: Final = 5
"""Failures after which a circuit breaker is open. The service has one; another one in an adapter
would keep a provider from its work that works again."""
TASK_SECONDS: Final = 1.0
"""How long the tests wait for what an adapter does in the background."""


class ProviderDriver:
    """What a provider does to the requests that it gets from now on.

    These are methods that an external adapter has for tests, see docs/adapters.md. The drivers of
    ours have no `adapter`: they know their fakes.
    """

    adapter: Any = None
    _tasks: frozenset["asyncio.Task[Any]"] = frozenset()

    def __init__(self, adapter: Any) -> None:
        self.adapter = adapter
        self._tasks = frozenset(asyncio.all_tasks())
        self._is_failing = False

    async def provider_is(self, state: str) -> None:
        """Set what the provider does from now on.

        - `away`: it is unreachable, so there is no connection.
        - `silent`: it reads each request, and never answers.
        - `drops`: it reads each request, and closes the connection without an answer. What it sends
          already, such as a recording, breaks off.
        - `refuses`: it answers with its own error about the account: a wrong key, no balance.
        - `well`: it does its work again.

        If a protocol begins with a handshake, `silent` and `drops` are about the requests after it:
        an adapter was used once before.
        """
        await set_provider(self.adapter, state)
        self._is_failing = state != "well"
        if state == "well":
            await self.wait_for_tasks()

    async def fail_provider(self, status: int) -> None:
        """Make the provider answer each request with this status and an empty body."""
        await self._begin("fail_provider", status)

    async def wait_for_tasks(self) -> None:
        """Wait for tasks of the adapter, which may repeat what has failed."""
        # The task of the test is not one of the adapter.
        others = {*self._tasks, asyncio.current_task()}
        if self.adapter and (tasks := asyncio.all_tasks() - others):
            await asyncio.wait(tasks, timeout=TASK_SECONDS)

    async def end_test(self) -> None:
        """Mend the provider, which may be a server that the next test uses too."""
        if self._is_failing and hasattr(self.adapter, "provider_is"):
            await self.provider_is("well")

    async def _begin(self, failure: str, *arguments: int) -> None:
        await call_test_method(self.adapter, failure, *arguments)
        self._is_failing = True


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """A failure after which nobody knows what the provider did.

    The words follow "the provider".
    """

    failure: str | int
    words: str

    def __str__(self) -> str:
        return self.words

    async def begin(self, driver: ProviderDriver) -> None:
        """Begin the failure."""
        if isinstance(self.failure, int):
            await driver.fail_provider(self.failure)
        else:
            await driver.provider_is(self.failure)


def answers(status: int) -> LostAnswer:
    """Return the failure of a provider that answers with a status and without an error code."""
    return LostAnswer(status, f"answers {status} with an empty body")


WITHOUT_PROVIDER: Final = (
    DeliveryStatus.NOT_CONNECTED,
    DeliveryStatus.UNAVAILABLE,
    DeliveryStatus.REJECTED,
    # The provider of an external adapter may also break off.
    *([DeliveryStatus.UNKNOWN] if is_given() else []),
)
"""The statuses that a message or a call may have without a provider."""
HANGS: Final = LostAnswer("silent", "reads the request and never answers")
DISCONNECTS: Final = LostAnswer("drops", "reads the request and closes the connection")
# A 302 or a 404 without the provider's own error may come from a proxy. After a 5xx the provider
# may have done what it was asked for (RFC 9110, section 15.6).
LOST_ANSWERS: Final = (HANGS, DISCONNECTS, *map(answers, (302, 404, 500, 503)))


async def expect_check(
    driver: ProviderDriver, adapter: Any, state: str, error: type[Exception]
) -> None:
    """Fail unless the health check of an adapter ends in time while its provider is in a state.

    It raises the error of its port. Unless its provider is away, it may return instead.
    """
    require_health_check(adapter)
    await driver.provider_is(state)
    outcome = await observe(adapter.check(), CHECK_SECONDS)
    may_return = state != "away"
    is_returned = may_return and outcome.words == "returned None"
    if not is_returned and not isinstance(outcome.error, error):
        expected = f"{'return None or ' * may_return}raise {error.__name__}"
        pytest.fail(f"check {outcome.words}, but has to {expected}", pytrace=False)


async def set_provider(adapter: Any, state: str) -> None:
    """Set the state of the provider behind an external adapter, by a method that it has for tests.

    What a test needs it for is unproven if there is none, or it raises `NotImplementedError`.
    """
    if hasattr(adapter, "provider_is"):
        try:
            await call_test_method(adapter, "provider_is", state)
        except AuthorMethodFailed as error:
            if not isinstance(error.__cause__, NotImplementedError):
                raise
        else:
            return
    unproven(f'no helper provider_is("{state}")')


async def list_sent(adapter: Any, method: str, kind: Callable[..., T]) -> list[T]:
    """Return what a method for tests lists, each value as this NamedTuple or with its fields.

    None is an empty text.
    """
    sent = await call_test_method(adapter, method)
    return [kind(*("" if field is None else field for field in each)) for each in sent]
