"""Providers that take messages, and lose, delay or reject them for some hours."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Final

from application.ports.otp import CodeMessage, DeliveryResult, TextMessage
from application.ports.system import Clock
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber
from tests.benchmarks.month.countries import (
    CHANNEL_OF,
    COUNTRIES,
    FIRST_SMS,
    WHATSAPP,
    reaches_whatsapp,
)
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, UNAVAILABLE

ALL_COUNTRIES: Final = tuple(country.code for country in COUNTRIES)
LOST: Final = 0.01
"""The share of messages that even a provider without a fault loses."""
SECONDS_TO_ARRIVE: Final = (2, 9)
SECONDS_OF_SLOW: Final = (420, 1_500)


class Fault(StrEnum):
    """What a degraded provider does with messages."""

    SILENT = "takes all messages, delivers none"
    HALF = "takes all messages, loses half of them"
    SLOW = "delivers after 7 to 25 minutes"
    REJECTING = "rejects all messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Hours in which a provider is degraded.

    Attributes:
        provider: Its name.
        fault: What it does.
        day: The day of the month, from 1.
        hour: When it begins, in UTC.
        hours: For how long.
        countries: Where.
    """

    provider: str
    fault: Fault
    day: int
    hour: int = 13
    hours: int = 1
    countries: Collection[str] = ALL_COUNTRIES

    def begin(self, month: datetime) -> datetime:
        """Return when it begins, in a month that begins then."""
        return month + timedelta(days=self.day - 1, hours=self.hour)

    def end(self, month: datetime) -> datetime:
        """Return when the provider works again."""
        return self.begin(month) + timedelta(hours=self.hours)

    @property
    def channels(self) -> Collection[Channel]:
        """The channels by which its messages can go: those of WhatsApp by SMS, too."""
        return {Channel.SMS, CHANNEL_OF[self.provider]}

    @property
    def title(self) -> str:
        """What the table calls it."""
        is_everywhere = self.countries == ALL_COUNTRIES
        where = "" if is_everywhere else f" in {', '.join(self.countries)}"
        return f"`{self.provider}` {self.fault.value}{where}"


INCIDENTS: Final = (
    Incident(provider=FIRST_SMS, fault=Fault.SILENT, day=5),
    Incident(provider=FIRST_SMS, fault=Fault.HALF, day=6),
    Incident(provider=FIRST_SMS, fault=Fault.SILENT, day=7, countries=("IN",)),
    Incident(provider=FIRST_SMS, fault=Fault.SLOW, day=8),
    Incident(provider=FIRST_SMS, fault=Fault.REJECTING, day=9),
    Incident(provider=WHATSAPP, fault=Fault.SILENT, day=10),
)
"""They are simulated with and without attackers, on days on which nobody attacks."""

Deliver = Callable[[str, PhoneNumber, str, datetime | None], None]
"""Is told of each message that a provider took: provider, phone, code, time of arrival."""


class SimulatedProvider:
    """A `Messenger` that takes messages, and tells when they arrive."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        incidents: Sequence[tuple[datetime, datetime, Incident]],
        deliver: Deliver,
        seed: str,
    ) -> None:
        """Set its incidents, as times of this month."""
        self.name = name
        self._clock = clock
        self._incidents = [one for one in incidents if one[2].provider == name]
        self._deliver = deliver
        self._seed = seed

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        """Take a code, or reject it."""
        assert isinstance(message, CodeMessage)
        if self.name == WHATSAPP and not reaches_whatsapp(phone):
            return INVALID_NUMBER
        now = self._clock.now()
        fault = self._fault(phone.country, now)
        if fault is Fault.REJECTING:
            return UNAVAILABLE
        # A message is as lucky in a month with attackers as in one without.
        random = Random(f"{self._seed} {self.name} {phone.e164} {now.timestamp()}")
        chance, seconds = random.random(), random.uniform(*SECONDS_TO_ARRIVE)
        lost = {Fault.SILENT: 1.0, Fault.HALF: 0.5}.get(fault or Fault.SLOW, LOST)
        if fault is Fault.SLOW:
            seconds = random.uniform(*SECONDS_OF_SLOW)
        arrives_at = None if chance < lost else now + timedelta(seconds=round(seconds))
        self._deliver(self.name, phone, message.code, arrives_at)
        return ACCEPTED

    def _fault(self, country: str, now: datetime) -> Fault | None:
        for begin, end, incident in self._incidents:
            if begin <= now < end and country in incident.countries:
                return incident.fault
        return None
