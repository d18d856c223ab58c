"""Build the use cases of conversion."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from application.conversion.choose_provider import ChooseProvider
from application.conversion.count_conversion import CountConversion
from application.conversion.share_counts import ReadConversion, WriteConversion
from application.operations.cleanup import expire
from application.otp.extensions import OtpExtensions, ProviderState
from application.otp.feature import OtpFeature
from application.ports.conversion import ConversionRepositories
from application.use_cases import UseCases
from domain.conversion.counts import ConversionSums
from domain.conversion.degradation import HYSTERESIS
from domain.conversion.provider_states import (
    STATES_ID,
    LeftProvider,
)
from domain.conversion.recent_counts import RecentCounts
from domain.otp.channel_order import ChannelOrder

_PROCESS_ID_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionPolicy:
    """What the operator decides: whether the order of providers may change."""

    chooses_provider: bool = True


class ConversionFeature:
    """The use cases of conversion. From now on, codes are counted.

    Attributes:
        recent: The counts of all processes, as they were read last.
        write: Writes what this process counted.
        choice: The order of the providers.
    """

    def __init__(
        self, core: UseCases, repositories: ConversionRepositories, policy: ConversionPolicy
    ) -> None:
        clock = core.system.clock
        self._repositories = repositories
        self._policy = policy
        self.recent = RecentCounts()
        sums = ConversionSums(core.system.randomness.bytes(_PROCESS_ID_BYTES).hex())
        self.write = WriteConversion(sums=sums, repositories=repositories, clock=clock)
        self.read = ReadConversion(recent=self.recent, repositories=repositories, clock=clock)
        otp = core.find(OtpFeature)
        extensions = otp.extensions if otp else OtpExtensions()
        self.choice = ChooseProvider(
            recent=self.recent,
            repositories=repositories,
            clock=clock,
            providers=tuple(otp.send_text.messenger.names) if otp else (),
            channels=otp.request_otp.channels if otp else ChannelOrder(),
            message_channels=extensions.message_channels,
        )
        core.operations.cleanup.add_steps(
            {
                "expired_conversion_minutes": expire(repositories.minutes),
                "expired_conversion_hours": expire(repositories.hours),
            }
        )
        extensions.count_code = CountConversion(
            sums=sums,
            is_sampled=self.choice.is_sampled if policy.chooses_provider else None,
            clock=clock,
        )
        if policy.chooses_provider:
            extensions.order_providers = self.choice.order_providers
            extensions.order_channels = self.choice.order_channels
        extensions.list_left_providers = self._describe_left

    async def update(self) -> None:
        """Write what this process counted, read what all have, and decide by it.

        Raises:
            StorageError
            CorruptRecord
        """
        await self.write()
        await self.read()
        if self._policy.chooses_provider and len(self.choice.provider_names) > 1:
            await self.choice.decide()

    def count_left(self) -> Mapping[str, int]:
        """Return in how many countries each provider is left, as it was read last."""
        countries = {(each.country, each.provider) for each in self.choice.states.left}
        left = Counter(provider for _, provider in countries)
        return {name: left[name] for name in self.choice.provider_names}

    async def list_states(self) -> Sequence[LeftProvider]:
        """Return the providers that are left now, by country; none where nothing is chosen.

        Raises:
            StorageError
            CorruptRecord
        """
        if not self._policy.chooses_provider:
            return ()
        loaded = await self._repositories.states.load(STATES_ID)
        left = loaded.value.left if loaded else ()
        return sorted(left, key=lambda each: each.key)

    async def _describe_left(self) -> Sequence[ProviderState]:
        return [
            ProviderState(
                country=left.country,
                channel=left.channel,
                provider=left.provider,
                since=left.left_at,
                until=left.left_at + HYSTERESIS,
                reason=f"{left.entered} of {left.sent} codes were entered, of which usually "
                f"{left.usual_percent} % are.",
            )
            for left in await self.list_states()
        ]
