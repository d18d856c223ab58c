"""Leave providers whose codes nobody enters, and return to them."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from application.otp.extensions import MessageChannel
from application.ports.conversion import ConversionRepositories
from application.ports.system import Clock
from application.update import change
from domain.conversion.degradation import Returned, find_degraded, find_recovered
from domain.conversion.provider_states import (
    STATES_ID,
    Alternative,
    LeftProvider,
    ProviderStates,
    is_channel_sampled,
    is_sampled,
    order_providers,
)
from domain.conversion.recent_counts import RecentCounts
from domain.otp.channel_order import ChannelOrder
from domain.otp.delivery import Channel

COMPARE_INTERVAL: Final = timedelta(minutes=1)
"""How often a process looks whether a provider returns: it reads the counts of two hours."""

_log: Final = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class ChooseProvider:
    """The order in which providers and channels are tried, and who decides it.

    - The order of the providers of SMS is `OrderProviders`, that of channels `OrderChannels`.
    - Any process decides, by the counts of all. The first write of a decision wins, and only the
      process that wrote it logs it. The others read it.
    - While the database is away, the order stays as it is.

    Attributes:
        recent: The counts.
        repositories: Where the states are.
        clock: The clock.
        providers: The names of the providers of SMS, in the operator's order.
        channels: The channels of each country.
        message_channels: The channels besides the SMS; each has one provider.
        states: What was read last.
    """

    recent: RecentCounts
    repositories: ConversionRepositories
    clock: Clock
    providers: Sequence[str]
    channels: ChannelOrder
    message_channels: Mapping[Channel, MessageChannel]
    states: ProviderStates = field(default_factory=ProviderStates)
    _compared_at: datetime | None = None

    def order_providers(
        self, country: str, channel: Channel, providers: Sequence[str], fraction: float
    ) -> Sequence[str]:
        """Return the providers in the order in which they are tried for one message."""
        return order_providers(self.states.order(country, channel, providers), fraction)

    def order_channels(
        self, country: str, channels: Sequence[Channel], fraction: float
    ) -> Sequence[Channel]:
        """Return the channels in the order in which they are tried for one message.

        If the only provider of the first channel is left, the next channel comes before it, but
        for its sample. If all providers are left, the order is the operator's.
        """
        first, *others = channels
        if (
            first not in self.message_channels
            or not self.states.find(country, first, self.message_channels[first].provider)
            or self.states.are_all_left(country, self.list_alternatives(first))
            or is_channel_sampled(fraction)
        ):
            return channels
        return (*others[:1], first, *others[1:])

    def is_sampled(self, channel: Channel, fraction: float) -> bool:
        """Return whether a message is in the random sample of a provider that is not the first."""
        if channel is Channel.SMS:
            return is_sampled(fraction, self.providers)
        return channel in self.message_channels and is_channel_sampled(fraction)

    def can_leave(self, country: str, channel: str) -> bool:
        """Return whether messages of a country and channel can go another way.

        Those of SMS need another provider. Those of another channel need a next channel.
        """
        if channel == Channel.SMS:
            return len(self.providers) > 1
        return (
            channel in self.message_channels and channel in self.channels.plan(country, None)[:-1]
        )

    def list_alternatives(self, channel: str) -> Collection[Alternative]:
        """Return the providers by which messages of a channel may be sent, also by the next one."""
        alternatives: list[Alternative] = [(Channel.SMS, name) for name in self.providers]
        if channel in self.message_channels:
            alternatives.append((channel, self.message_channels[Channel(channel)].provider))
        return alternatives

    @property
    def provider_names(self) -> Sequence[str]:
        """The names of the providers of all channels."""
        return (*self.providers, *(each.provider for each in self.message_channels.values()))

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
        for left in find_degraded(self.recent, self.states, now, self.can_leave):
            await self._leave(left)
        if self._compared_at and timedelta() <= now - self._compared_at < COMPARE_INTERVAL:
            return
        self._compared_at = now
        for returned in find_recovered(self.recent, self.states, now, self.list_alternatives):
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
