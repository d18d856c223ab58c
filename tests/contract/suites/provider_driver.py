"""Failures of the provider behind an adapter, which the suites begin and end."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from tests.contract.suites.external_adapter import call_test_method

FAILED_CALLS: Final = 5
"""After so many failures a circuit breaker is open. An adapter has none: the service has its own,
and another would keep a provider that works again from its work."""
TASK_SECONDS: Final = 1.0
"""How long the tests wait for what an adapter does in the background."""


class ProviderDriver:
    """What a provider does to the requests that it gets from now on."""

    async def break_provider(self) -> None:
        """Make the provider unreachable: there is no connection."""
        raise NotImplementedError

    async def hang_provider(self) -> None:
        """Make the provider read each request, and never answer."""
        raise NotImplementedError

    async def drop_provider(self) -> None:
        """Make the provider read each request, and close the connection without an answer.

        What it sends already, such as a recording, breaks off.
        """
        raise NotImplementedError

    async def fail_provider(self, status: int) -> None:
        """Make the provider answer each request with this status and an empty body."""
        raise NotImplementedError

    async def mend_provider(self) -> None:
        """Reset these: the provider does its work again."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """A failure after which nobody knows what the provider did.

    The words follow "the provider".
    """

    method: str
    words: str
    arguments: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.words

    async def begin(self, driver: ProviderDriver) -> None:
        """Begin the failure."""
        await getattr(driver, self.method)(*self.arguments)


def answers(status: int) -> LostAnswer:
    """Return the failure of a provider that answers with a status and without an error code."""
    return LostAnswer("fail_provider", f"answers {status} with an empty body", (status,))


HANGS: Final = LostAnswer("hang_provider", "reads the request and never answers")
DISCONNECTS: Final = LostAnswer("drop_provider", "reads the request and closes the connection")
# A 302 or a 404 without the provider's own error may come from a proxy. After a 5xx the provider
# may have done what it was asked for (RFC 9110, section 15.6).
LOST_ANSWERS: Final = (HANGS, DISCONNECTS, *map(answers, (302, 404, 500, 503)))


class ExternalProviderDriver(ProviderDriver):
    """The provider of an external adapter, which has the same methods: see docs/adapters.md."""

    def __init__(self, adapter: Any) -> None:
        self.adapter = adapter
        self._tasks = asyncio.all_tasks()
        self._is_failing = False

    async def break_provider(self) -> None:
        await self._begin("break_provider")

    async def hang_provider(self) -> None:
        await self._begin("hang_provider")

    async def drop_provider(self) -> None:
        await self._begin("drop_provider")

    async def fail_provider(self, status: int) -> None:
        await self._begin("fail_provider", status)

    async def mend_provider(self) -> None:
        await call_test_method(self.adapter, "mend_provider")
        self._is_failing = False
        # A task of the adapter may repeat what has failed. That of the test is none of it.
        if tasks := asyncio.all_tasks() - self._tasks - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=TASK_SECONDS)

    async def end_test(self) -> None:
        """Mend the provider, which may be a server that the next test uses too."""
        if self._is_failing and hasattr(self.adapter, "mend_provider"):
            await self.mend_provider()

    async def _begin(self, failure: str, *arguments: int) -> None:
        await call_test_method(self.adapter, failure, *arguments)
        self._is_failing = True
