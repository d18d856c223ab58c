"""A seeded model of people who enter codes, over the real use cases of several processes."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Final

from adapters.records.features.conversion import make_conversion_repositories
from application.conversion.feature import ConversionFeature, ConversionPolicy
from application.otp.extensions import CountedCode
from application.ports.otp import DeliveryResult
from domain.conversion.counts import HOUR, ConversionSource, HourConversion, SourceSum
from domain.otp.channel_order import ChannelOrder
from domain.otp.delivery import Channel
from domain.otp.permits import Recognition
from tests.support.core_harness import CoreHarness
from tests.support.core_policy import make_core_policy
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.messenger import ACCEPTED, FakeMessenger
from tests.support.fakes.randomness import SeededRandomness

USUAL: Final = 0.85
STEP: Final = timedelta(seconds=20)
"""How often each process writes and reads here, unless a test says otherwise."""


WHATSAPP_FIRST: Final = ChannelOrder((Channel.WHATSAPP, Channel.SMS))


class SimulatedChannel:
    """The only provider of a channel of messages. Nothing is sent."""

    provider = "meta"

    async def send(self, *_: object) -> DeliveryResult:
        return ACCEPTED

    def retry_after(self) -> float:
        return 0


class SimulatedProcess:
    """One process of the service."""

    def __init__(
        self,
        database: InMemoryDatabase,
        providers: tuple[str, ...],
        skew: timedelta,
        seed: int,
        channels: ChannelOrder | None = None,
    ) -> None:
        messenger = FakeMessenger()
        messenger.names = providers
        clock = MovableClock(MovableClock().now() + skew)
        self.app = CoreHarness(
            database=database,
            messenger=messenger,
            clock=clock,
            randomness=SeededRandomness(seed),
            policy=make_core_policy(channels=channels or ChannelOrder()),
        )
        if channels is not None:
            self.app.otp.extensions.message_channels[Channel.WHATSAPP] = SimulatedChannel()
        self.channels = self.app.otp.request_otp.channels
        self.conversion = ConversionFeature(
            self.app.use_cases,
            make_conversion_repositories(database.stores),
            ConversionPolicy(),
        )
        self.is_away = False

    def first(self, country: str = "IN", fraction: float = 0.9) -> str:
        """Return the provider that is tried first for a message outside of the samples."""
        extensions = self.app.otp.extensions
        assert extensions.order_providers is not None
        assert extensions.order_channels is not None
        channels = self.channels.plan(country, None)
        if extensions.order_channels(country, channels, fraction)[0] is Channel.WHATSAPP:
            return SimulatedChannel.provider
        names = self.app.messenger.names
        return extensions.order_providers(country, Channel.SMS, names, fraction)[0]

    async def update(self) -> None:
        """Write and read, unless the database is away."""
        if not self.is_away:
            await self.conversion.update()


def channel_of(provider: str) -> Channel:
    """Return the channel of a provider."""
    return Channel.WHATSAPP if provider == SimulatedChannel.provider else Channel.SMS


class Simulation:
    """Codes of one country. `shares` is which part is entered of each provider's codes.

    A stranger enters a code three times out of four where a recognized phone always does.
    """

    def __init__(
        self,
        providers: tuple[str, ...] = ("acme", "other"),
        skews: tuple[timedelta, ...] = (timedelta(),),
        seed: int = 1,
        channels: ChannelOrder | None = None,
    ) -> None:
        """Begin.

        Args:
            providers: The names of the providers of SMS.
            skews: How far the clock of each process is ahead.
            seed: Of all chances.
            channels: The channels of each country, with WhatsApp; None for a service without it.
        """
        self.database = InMemoryDatabase()
        self.processes = [
            SimulatedProcess(self.database, providers, skew, number, channels)
            for number, skew in enumerate(skews)
        ]
        names = providers if channels is None else (SimulatedChannel.provider, *providers)
        self.shares = dict.fromkeys(names, USUAL)
        self.sent = dict.fromkeys(names, 0)
        self.country = "IN"
        self.minutes = 0.0
        self.step = STEP
        self._random = Random(seed)
        self._waiting: list[tuple[float, SimulatedProcess, CountedCode]] = []

    @property
    def process(self) -> SimulatedProcess:
        """The first process."""
        return self.processes[0]

    async def add_usual(self, country: str = "IN", sent: int = 10_000) -> None:
        """Add what was counted yesterday."""
        process = self.process
        starts_at = process.app.clock.now() - 24 * HOUR
        record = HourConversion(
            id=f"yesterday:{country}",
            starts_at=starts_at,
            changed_at=starts_at,
            sources=tuple(
                SourceSum(
                    ConversionSource(country, channel_of(provider), provider, group),
                    sent,
                    round(sent * USUAL * part),
                )
                for provider in self.shares
                for group, part in (("recognized", 1), ("stranger", 0.75))
            ),
        )
        await process.conversion.read.repositories.hours.save(record.id, record, 0)

    async def run(self, minutes: float, per_minute: int = 30) -> None:
        """Let people request and enter codes for some minutes."""
        end = self.minutes + minutes
        while self.minutes < end - 1e-9:
            for _ in range(round(per_minute * self.step / timedelta(minutes=1))):
                self.request(self._random.choice(self.processes))
            self.minutes += self.step / timedelta(minutes=1)
            for process in self.processes:
                process.app.clock.advance(self.step)
            due = [each for each in self._waiting if each[0] <= self.minutes]
            self._waiting = [each for each in self._waiting if each[0] > self.minutes]
            for _, process, code in due:
                process.app.otp.extensions.count_code(replace(code, is_entered=True))
            for process in self.processes:
                await process.update()

    async def run_until_first(self, provider: str, minutes: float, per_minute: int = 30) -> float:
        """Run until a provider is tried first, and return how many minutes that took."""
        start = self.minutes
        while self.process.first(self.country) != provider:
            assert self.minutes - start < minutes, f"{provider} is not first in {minutes} minutes"
            await self.run(self.step / timedelta(minutes=1), per_minute)
        return self.minutes - start

    def request(
        self,
        process: SimulatedProcess,
        *,
        recognition: Recognition | None = None,
        network: str = "",
        provider: str = "",
        is_entered: bool | None = None,
    ) -> None:
        """Let somebody request a code, who enters it after 15 to 50 seconds, or not."""
        random, fraction = self._random, self._random.random()
        provider = provider or process.first(self.country, fraction)
        recognized = random.choice((Recognition.DEVICE, Recognition.DEVICE, Recognition.NONE))
        recognition = recognized if recognition is None else recognition
        code = CountedCode(
            country=self.country,
            channel=channel_of(provider),
            provider=provider,
            recognition=recognition,
            has_proof=False,
            network=network or f"network {random.randrange(500)}",
            number_range=f"range {random.randrange(500)}",
            fraction=fraction,
            sent_at=process.app.clock.now(),
            is_entered=False,
        )
        self.sent[provider] += 1
        process.app.otp.extensions.count_code(code)
        part = 1 if recognition is Recognition.DEVICE else 0.75
        if is_entered is None:
            is_entered = random.random() < self.shares[provider] * part
        if is_entered:
            after = random.uniform(0.25, 0.85)
            self._waiting.append((self.minutes + after, random.choice(self.processes), code))
