"""Leave providers whose codes nobody enters, and return to them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from application.ports.conversion import ConversionRepositories
from application.ports.system import Clock
from application.update import change
from domain.conversion.degradation import Returned, find_degraded, find_recovered
from domain.conversion.provider_states import (
    STATES_ID,
    LeftProvider,
    ProviderStates,
    order_providers,
)
from domain.conversion.recent_counts import RecentCounts
from domain.otp.delivery import Channel

COMPARE_INTERVAL: Final = timedelta(minutes=1)
"""How often a process looks whether a provider returns: it reads the counts of two hours."""

_log: Final = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class ChooseProvider:
    """The order in which providers are tried (`OrderProviders`), and who decides it.

    - Any process decides, by the counts of all. The first write of a decision wins, and only the
      process that wrote it logs it. The others read it.
    - While the database is away, the order stays as it is.

    Attributes:
        recent: The counts.
        repositories: Where the states are.
        clock: The clock.
        channel: The channel of these providers.
        providers: Their names, in the operator's order.
        states: What was read last.
    """

    recent: RecentCounts
    repositories: ConversionRepositories
    clock: Clock
    channel: Channel
    providers: Sequence[str]
    states: ProviderStates = field(default_factory=ProviderStates)
    _compared_at: datetime | None = None

    def __call__(
        self, country: str, channel: Channel, providers: Sequence[str], fraction: float
    ) -> Sequence[str]:
        """Return the providers in the order in which they are tried for one message."""
        if channel is not self.channel:
            return providers
        return order_providers(self.states.order(country, channel, providers), fraction)

    async def read(self) -> None:
        """Read which providers are left.

        Raises:
            StorageError
            CorruptRecord
        """
        loaded = await self.repositories.states.load(STATES_ID)
        self.states = loaded.value if loaded else ProviderStates()

    async def decide(self) -> None:
        """Leave providers and return to them, by the counts that were read.

        Raises:
            StorageError
            CorruptRecord
        """
        await self.read()
        now = self.clock.now()
        for left in find_degraded(self.recent, self.states, now, self.channel):
            await self._leave(left)
        if self._compared_at and timedelta() <= now - self._compared_at < COMPARE_INTERVAL:
            return
        self._compared_at = now
        for returned in find_recovered(self.recent, self.states, now, self.channel, self.providers):
            await self._return_to(returned)

    async def _leave(self, left: LeftProvider) -> None:
        def leave(states: ProviderStates | None) -> tuple[ProviderStates, ProviderStates | None]:
            before = states or ProviderStates()
            after = before.leave(left)
            return after, after if after != before else None

        written = await change(self.repositories.states, STATES_ID, leave)
        if written is None:
            return
        self.states = written
        _log.warning(
            {
                "event": "provider_left",
                "provider": left.provider,
                "country": left.country,
                "channel": left.channel,
                "sent": left.sent,
                "entered": left.entered,
                "usual_percent": left.usual_percent,
            }
        )

    async def _return_to(self, returned: Returned) -> None:
        left = returned.provider

        def end(states: ProviderStates | None) -> tuple[ProviderStates, ProviderStates | None]:
            before = states or ProviderStates()
            after = before.end(left)
            return after, after if after != before else None

        written = await change(self.repositories.states, STATES_ID, end)
        if written is None:
            return
        self.states = written
        _log.info(
            {
                "event": "provider_returned",
                "provider": left.provider,
                "country": left.country,
                "channel": left.channel,
                "reason": "trial" if returned.is_trial else "sample",
                "sent": returned.sent,
                "entered": returned.entered,
                "left_at": left.left_at,
            }
        )
