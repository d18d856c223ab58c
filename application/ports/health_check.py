from typing import Protocol


class HealthCheck(Protocol):
    """Whether a part that the service needs is there."""

    async def check(self) -> None:
        """Return when the part would do its work now, in bounded time.

        Raises:
            PortError: it would not; the text says why.
        """
        ...
