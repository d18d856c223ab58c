"""Attackers of each kind that the pages name, each on a day of its own, at a fixed rate."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from random import Random
from typing import Final

from domain.identities.device_token import DeviceToken
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber
from tests.benchmarks.month.countries import BY_CODE, FIRST_SMS, reaches_whatsapp
from tests.benchmarks.month.ledger import Client, Sent
from tests.benchmarks.month.schedule import Schedule
from tests.benchmarks.month.service import MonthService, Requested
from tests.support.core_harness import wrong_code

BEGIN_HOUR: Final = 12
HOURS: Final = 3
"""Each attacks from noon to 15:00 UTC, and what follows counts until noon of the next day."""
PREPARATION: Final = timedelta(hours=10)
"""Own numbers get their accounts so long before, over half of this time."""
MINUTE: Final = timedelta(minutes=1)
GUESSES: Final = 5
NUMBERS_BETWEEN: Final = 101
"""Lines of a range between a number that WhatsApp reaches and the next one that is tried."""
SECONDS_TO_ENTER: Final = 15


class Way(Enum):
    """What an attacker does with each request."""

    STRANGERS = "asks for codes to phones of others, or to rented numbers"
    OWN_NUMBERS = "asks for codes with own numbers that have accounts"
    ONE_PHONE = "asks for codes to the phone of one customer"
    GUESSES = "asks for codes, and guesses each"
    CALLERS = "calls the phone line with forged numbers, and asks for calls with a code"
    CHANNELS = "asks for a code of each number by WhatsApp, and directly after by SMS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacker:
    """An attacker, and how much of everything it has.

    Attributes:
        name: A short name, in the order of the days.
        title: What the table calls it.
        day: The day of the month, from 1.
        way: What it does.
        rate: Requests an hour.
        countries: Where its numbers are.
        ranges: In how many number ranges of each country.
        networks: At how many networks it has IPs.
        numbers: How many numbers it has, of others or of its own.
        sends_proofs: It buys proofs, and sends one where it is asked.
        enters: The share of its codes that it enters.
        channel: Which channel it asks for. An SMS is what pumping earns money by.
        is_without_whatsapp: Its numbers are those that WhatsApp does not reach.
    """

    name: str
    title: str
    day: int
    way: Way = Way.STRANGERS
    rate: int = 1_200
    countries: Sequence[str] = ("ID",)
    ranges: int = 250
    networks: int = 500
    numbers: int = 100_000
    sends_proofs: bool = False
    enters: float = 0.0
    channel: Channel | None = Channel.SMS
    is_without_whatsapp: bool = False

    def begin(self, month: datetime) -> datetime:
        """Return when it begins, in a month that begins then."""
        return month + timedelta(days=self.day - 1, hours=BEGIN_HOUR)

    def end(self, month: datetime) -> datetime:
        """Return when it ends."""
        return self.begin(month) + timedelta(hours=HOURS)

    @property
    def strength(self) -> str:
        """What it has, in words."""
        many = f"{self.ranges} ranges" if self.ranges > 1 else "1 range"
        where = f"{many} in {', '.join(self.countries)}"
        if self.way is Way.ONE_PHONE:
            where = "1 phone"
        networks = f", {self.networks:,} networks" if self.way is not Way.CALLERS else ""
        own = f"{self.numbers:,} own numbers, " if self.way is Way.OWN_NUMBERS else ""
        return f"{self.rate:,} an hour; {own}{where}{networks}"


_ALL: Final = tuple(BY_CODE)
ATTACKERS: Final = (
    Attacker(name="one-range", title="pumping of one number range", day=11, rate=600, ranges=1),
    Attacker(name="one-country", title="pumping of one country", day=12),
    Attacker(
        name="many-countries",
        title="pumping of many countries",
        day=13,
        rate=2_400,
        countries=_ALL,
        networks=1_000,
    ),
    Attacker(
        name="bought-proofs",
        title="pumping of one country with proofs that were bought",
        day=14,
        sends_proofs=True,
    ),
    Attacker(
        name="half-entered",
        title="pumping of one country that enters two of five codes",
        day=15,
        enters=0.4,
    ),
    Attacker(
        name="below-the-warning",
        title="pumping that stays below the warning",
        day=16,
        rate=180,
        networks=100,
    ),
    Attacker(
        name="own-logins",
        title="own numbers that log in",
        day=17,
        way=Way.OWN_NUMBERS,
        rate=900,
        ranges=60,
        networks=300,
        numbers=600,
        enters=1.0,
    ),
    Attacker(
        name="against-a-provider",
        title=f"own recognized numbers that enter nothing, against `{FIRST_SMS}`",
        day=18,
        way=Way.OWN_NUMBERS,
        rate=400,
        countries=("IN",),
        ranges=60,
        networks=60,
        numbers=300,
    ),
    Attacker(
        name="one-phone",
        title="a flood against the phone of one customer",
        day=19,
        way=Way.ONE_PHONE,
        rate=300,
        countries=("IN",),
        networks=100,
        numbers=1,
    ),
    Attacker(
        name="one-network",
        title="a flood from one network",
        day=20,
        rate=1_200,
        countries=("IN",),
        networks=1,
    ),
    Attacker(
        name="guesses",
        title="guesses of the codes of random accounts",
        day=21,
        way=Way.GUESSES,
        rate=600,
        countries=("US",),
    ),
    Attacker(
        name="callers",
        title="forged callers who ask for a call with a code",
        day=22,
        way=Way.CALLERS,
        rate=300,
        countries=("US",),
        ranges=100,
    ),
    Attacker(
        name="channels",
        title="a code by WhatsApp and then by SMS, for each number",
        day=23,
        way=Way.CHANNELS,
        rate=600,
        countries=("BR",),
    ),
    Attacker(
        name="expensive-country",
        title="pumping against the budget of the most expensive country, with proofs and logins",
        day=24,
        rate=1_800,
        networks=2_000,
        sends_proofs=True,
        enters=0.5,
    ),
    Attacker(
        name="large-country",
        title="pumping of the country with most customers",
        day=25,
        rate=1_800,
        countries=("IN",),
        networks=1_000,
    ),
    Attacker(
        name="without-whatsapp",
        title="pumping by the SMS that follows where WhatsApp does not reach a number",
        day=26,
        channel=None,
        is_without_whatsapp=True,
    ),
)
assert len({one.day for one in ATTACKERS}) == len(ATTACKERS)


@dataclass(slots=True, eq=False)
class Attack:
    """An attacker at work."""

    attacker: Attacker
    service: MonthService
    schedule: Schedule
    random: Random
    victim: PhoneNumber
    requests: int = 0
    tokens: dict[int, DeviceToken | None] = field(default_factory=dict)

    def plan(self, month: datetime) -> None:
        """Plan all of its acts."""
        attacker, begin = self.attacker, self.attacker.begin(month)
        if attacker.way is Way.OWN_NUMBERS:
            step = PREPARATION / 2 / attacker.numbers
            for number in range(attacker.numbers):
                register = partial(self._register, number)
                self.schedule.add(begin - PREPARATION + step * number, register)
        left = 0.0
        for minute in range(HOURS * 60):
            left += attacker.rate / 60
            self.schedule.add(begin + minute * MINUTE, partial(self._act, int(left)))
            left -= int(left)

    async def _register(self, number: int) -> None:
        await self._ask(number, logs_in=True)

    async def _act(self, requests: int) -> None:
        for _ in range(requests):
            number = self.requests % self.attacker.numbers
            self.requests += 1
            match self.attacker.way:
                case Way.CALLERS:
                    await self.service.call_back(self._phone(number), self.attacker.name)
                case Way.CHANNELS:
                    await self._compare_channels(number)
                case Way.GUESSES:
                    await self._guess(number)
                case _:
                    enters = self.random.random() < self.attacker.enters
                    await self._ask(number, logs_in=enters)

    async def _ask(self, number: int, *, logs_in: bool) -> None:
        ip, token = self._client_ip(), self.tokens.get(number)
        client = Client.RECOGNIZED if token else self._client
        requested = await self._request(self._phone(number), ip, client, token)
        if logs_in and requested.sent is not None and requested.result is not None:
            enter = partial(
                self._enter, number, requested.sent, ip, requested.result.request_id, token
            )
            time = self.service.now + timedelta(seconds=SECONDS_TO_ENTER)
            self.schedule.add(time, enter)

    async def _enter(
        self, number: int, sent: Sent, ip: str, request_id: str, token: DeviceToken | None
    ) -> None:
        if sent.arrives_at is None:
            return
        logged_in = await self.service.enter(sent, ip, request_id, token)
        if logged_in is not None and self.attacker.way is Way.OWN_NUMBERS:
            self.tokens[number] = logged_in.device_token or token

    async def _guess(self, number: int) -> None:
        ip = self._client_ip()
        requested = await self._request(self._phone(number), ip, self._client)
        if requested.sent is None or requested.result is None:
            return
        for guess in range(GUESSES):
            code = wrong_code(requested.sent.code, guess + 1)
            is_checked = await self.service.guess(
                requested.sent, ip, requested.result.request_id, code
            )
            self.service.ledger.facts["guesses"] = (
                self.service.ledger.facts.get("guesses", 0) + is_checked
            )

    async def _compare_channels(self, number: int) -> None:
        phone, ip = self._phone(number), self._client_ip()
        for channel in (Channel.WHATSAPP, Channel.SMS):
            await self._request(phone, ip, self._client, channel=channel)

    @property
    def _client(self) -> Client:
        return Client.PROVEN if self.attacker.sends_proofs else Client.UNPROVEN

    async def _request(
        self,
        phone: PhoneNumber,
        ip: str,
        client: Client,
        token: DeviceToken | None = None,
        channel: Channel | None = None,
    ) -> Requested:
        name, ledger = self.attacker.name, self.service.ledger
        requested = await self.service.request(
            phone,
            ip,
            client,
            by=name,
            device_token=token,
            sends_proof=self.attacker.sends_proofs,
            channel=channel or self.attacker.channel,
        )
        ledger.requests[name, requested.reason or "taken"] += 1
        ledger.requests[name, "proofs"] += requested.used_proof
        return requested

    def _phone(self, number: int) -> PhoneNumber:
        attacker = self.attacker
        if attacker.way is Way.ONE_PHONE:
            return self.victim
        country = BY_CODE[attacker.countries[number % len(attacker.countries)]]
        # Other attackers have other numbers.
        first = attacker.day * 400_000 // attacker.ranges * attacker.ranges
        number = first + number // len(attacker.countries)
        phone = country.phone(number, is_attacked=True, ranges=attacker.ranges)
        while attacker.is_without_whatsapp and reaches_whatsapp(phone):
            number += NUMBERS_BETWEEN * attacker.ranges
            phone = country.phone(number, is_attacked=True, ranges=attacker.ranges)
        return phone

    def _client_ip(self) -> str:
        network = self.random.randrange(self.attacker.networks)
        day, host = self.attacker.day, self.random.randrange(1, 255)
        return f"{100 + day}.{network // 256}.{network % 256}.{host}"
