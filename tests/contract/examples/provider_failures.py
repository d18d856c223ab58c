"""Methods for the contract tests: what a provider does to the requests that it gets from now on."""

from typing import Final

from adapters.shared.http import Transport

FAILURE_PATH: Final = "/failure"
"""Where a PUT request begins the failure in its body: `HANGS`, `DROPS`, a status, or the error code
with which messages and calls are rejected. An empty body ends it."""
HANGS: Final = "hangs"
DROPS: Final = "drops"
_NOBODY: Final = "http://127.0.0.1:1"


class ProviderFailures:
    """Failures of Acme, which its server of tests begins and ends."""

    _transport: Transport
    _url: str
    _usual_url = ""

    def break_provider(self) -> None:
        """Make it unreachable."""
        self._usual_url, self._url = self._usual_url or self._url, _NOBODY

    async def hang_provider(self) -> None:
        """Let it read each request, and never answer."""
        await self._begin_failure(HANGS)

    async def drop_provider(self) -> None:
        """Let it read each request, and close the connection without an answer."""
        await self._begin_failure(DROPS)

    async def fail_provider(self, status: int) -> None:
        """Let it answer each request with a status and an empty body."""
        await self._begin_failure(str(status))

    async def invalidate_number(self) -> None:
        """Let it report each number as one that no phone has."""
        await self._begin_failure("unknown_number")

    async def mend_provider(self) -> None:
        """Undo these."""
        self._url = self._usual_url or self._url
        await self._begin_failure("")

    async def _begin_failure(self, failure: str) -> None:
        url = f"{self._url}{FAILURE_PATH}"
        await self._transport.request("PUT", url, content=failure.encode())
