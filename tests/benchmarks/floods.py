"""Attacks on all phones: floods of messages, by strangers and by attackers with numbers of their
own; and guesses. After an hour of each attack owners of all kinds try to log in.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Final

from domain.errors import RateLimitExceeded
from domain.identities.device_token import DeviceToken
from domain.phone import PhoneNumber
from tests.benchmarks.attack_sizes import MESSAGES_PER_PHONE
from tests.benchmarks.flood_plans import OWNERS_RANGE, Flood, Place
from tests.benchmarks.simulation import (
    KNOWN_IP,
    SECONDS_TO_TYPE,
    Attack,
    Owner,
    Simulation,
    client_ips,
)

STEP: Final = timedelta(minutes=5)
REJECTIONS_IN_A_ROW: Final = 20
"""After so many rejected requests of different IPs a flood pauses until its next step."""
SITES_IN_A_ROW: Final = 20
"""After so many sites without a message attackers who guess pause until the next step."""
LATER_REQUESTS: Final = 3
UNKNOWN_IPS_AT_A_PHONE: Final = 40
"""More do not matter: after 50 failures in a row unknown IPs have no attempt."""
ABOUT_A_WEEK: Final = 6
"""Days."""
LOGINS_OF_A_NUMBER: Final = 10
"""More do not matter: after that the limits of the phone stop it."""
DAYS_BEFORE: Final = (9, 5, 1)
"""The days before an attack on which old accounts were used. Younger ones logged in on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodResult:
    """What an attack reached in an hour, which proofs it took, and who was served in it."""

    flood: Flood
    messages: int
    proofs: int
    served: Mapping[Owner, bool]

    @property
    def violations(self) -> Sequence[str]:
        """Describe what is not as the page says."""
        plan = self.flood
        title = f"{plan.title}, with attestation" if plan.has_attestation else plan.title
        wrong = [
            f"{title}: {owner.title}: {'' if is_served else 'not '}served"
            for owner, is_served in self.served.items()
            if is_served != (owner in plan.served)
        ]
        if plan.messages not in (None, self.messages):
            wrong.append(f"{title}: {self.messages} messages instead of {plan.messages}")
        if plan.proofs not in (None, self.proofs):
            wrong.append(f"{title}: {self.proofs} proofs instead of {plan.proofs}")
        return wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessResult:
    """What attackers who guess reached in an hour.

    A site is an IPv4 client IP in a network of its own, or an IPv6 /48 with so many /64.
    """

    sites: int
    ips_per_site: int
    messages: int
    checked: int
    expected_hits: float

    @property
    def violations(self) -> Sequence[str]:
        """Describe guessers who need far less than the week that the page says."""
        days = 1 / (self.expected_hits * 24)
        return [f"{self.sites} sites: an account in {days:.1f} days"] if days < ABOUT_A_WEEK else []


async def flood(plan: Flood) -> FloodResult:
    """Simulate an attack for an hour. The owners try to log in near its end."""
    simulation = Simulation(has_attestation=plan.has_attestation)
    started_at, own = simulation.now, OwnNumbers(simulation, plan)
    tokens: dict[Owner, DeviceToken | None] = {}
    for day, next_day in zip(DAYS_BEFORE, (*DAYS_BEFORE[1:], 0), strict=True):
        is_last = day == DAYS_BEFORE[-1]
        for owner in plan.owners:
            if owner.has_account and (owner.is_old or is_last):
                await simulation.request(owner.phone, KNOWN_IP)
                logged_in = await simulation.verify(owner.phone, KNOWN_IP)
                assert logged_in is not None
                tokens[owner] = logged_in.device_token
        await own.prepare(only_old=not is_last)
        passed = simulation.now - started_at
        await simulation.advance(timedelta(days=DAYS_BEFORE[0] - next_day) - passed)
    strangers = Strangers(simulation, plan)

    async def act() -> None:
        await own.act()
        await strangers.act()

    sent_before, proofs_before = simulation.messages, simulation.proofs
    attack = Attack(simulation, act, STEP)
    await attack.act()
    await attack.wait(timedelta(hours=1) - STEP)
    messages = simulation.messages - sent_before
    proofs = simulation.proofs - proofs_before
    served = {owner: await _log_in(simulation, attack, owner, tokens) for owner in plan.owners}
    return FloodResult(flood=plan, messages=messages, proofs=proofs, served=served)


async def _log_in(
    simulation: Simulation,
    attack: Attack,
    owner: Owner,
    tokens: Mapping[Owner, DeviceToken | None],
) -> bool:
    """Return whether an owner can log in at once."""
    await attack.act()
    token = tokens.get(owner) if owner.has_token else None
    requested = await simulation.request(
        owner.phone, owner.client_ip(), token, sends_proof=owner.sends_proof
    )
    if isinstance(requested, RateLimitExceeded):
        return False
    await attack.wait(timedelta(seconds=SECONDS_TO_TYPE))
    client_ip, request_id = owner.client_ip(), requested.request_id
    return await simulation.verify(owner.phone, client_ip, request_id, token) is not None


async def guess_everywhere(sites: int, ips_per_site: int) -> GuessResult:
    """Guess the codes of as many phones of one country as possible, for an hour."""
    simulation = Simulation()
    if ips_per_site == 1:
        ips = [[client_ip] for client_ip in client_ips(sites)]
    else:
        ips = [
            [f"2001:db8:{site:x}:{number:x}::/64" for number in range(ips_per_site)]
            for site in range(sites)
        ]
    attack = Attack(simulation, Guessers(simulation, ips).act, STEP)
    await attack.act()
    await attack.wait(timedelta(hours=1) - STEP)
    return GuessResult(
        sites=sites,
        ips_per_site=ips_per_site,
        messages=simulation.messages,
        checked=simulation.checked_guesses,
        expected_hits=simulation.expected_hits,
    )


@dataclass(slots=True)
class Strangers:
    """Requests for codes to phones of others without end, until limits stop them."""

    simulation: Simulation
    plan: Flood
    number: int = 0

    async def act(self) -> None:
        """Request codes until so many requests in a row are rejected."""
        ips, countries, rejected = self.plan.strangers(), self.plan.countries, 0
        most = min(REJECTIONS_IN_A_ROW, len(ips) * len(countries))
        while rejected < most:
            self.number += 1
            country = countries[self.number % len(countries)]
            is_in_range = self.plan.place is Place.OWNERS_RANGE
            first_range, ranges = (OWNERS_RANGE, 1) if is_in_range else (200, 350)
            phone = a_number(self.number, country, first_range, ranges)
            result = await self.simulation.request(
                phone, ips[self.number % len(ips)], sends_proof=self.plan.sends_proofs
            )
            rejected = rejected + 1 if isinstance(result, RateLimitExceeded) else 0


@dataclass(slots=True)
class OwnNumbers:
    """Attackers who request codes for their own numbers. Those with old accounts are the last."""

    simulation: Simulation
    plan: Flood
    tokens: dict[int, DeviceToken | None] = field(default_factory=dict)
    with_token: bool = False
    steps: int = 0
    sent: Counter[str] = field(default_factory=Counter)

    @property
    def _first_old(self) -> int:
        return self.plan.own_numbers - self.plan.old_numbers

    async def prepare(self, *, only_old: bool) -> None:
        """Log in with each number. Where the limits reject it, try again an hour later."""
        for number in range(self._first_old if only_old else 0, self.plan.own_numbers):
            while not await self._request(number, logs_in=True):
                await self.simulation.advance(timedelta(hours=1))

    async def act(self) -> None:
        """Request a code for each number: with the device token, or without at the trusted IP.

        - Old accounts wait until the younger ones have used up their messages.
        - Who logs in repeats that until limits stop it.
        """
        # First those that are bound to an IP.
        self.with_token = self.plan.logs_in or self.steps % 2 == 1
        self.steps += 1
        numbers = self.plan.own_numbers
        if self.plan.logs_in:
            rejected = 0
            for number in range(numbers * LOGINS_OF_A_NUMBER):
                is_sent = await self._request(number % numbers, logs_in=True)
                rejected = 0 if is_sent else rejected + 1
                if rejected > numbers:
                    return
            return
        have_younger_ones_finished = self.steps > MESSAGES_PER_PHONE
        for number in range(numbers if have_younger_ones_finished else self._first_old):
            await self._request(number, logs_in=False)

    async def _request(self, number: int, *, logs_in: bool) -> bool:
        is_recognized = number in self.tokens
        token = self.tokens[number] if is_recognized and self.with_token else None
        phone = self._phone(number)
        for client_ip in self._client_ips(number, anywhere=token is not None):
            result = await self.simulation.request(
                phone, client_ip, token, sends_proof=self.plan.sends_proofs
            )
            if not isinstance(result, RateLimitExceeded) and result.sent:
                break
        else:
            return False
        self.sent[client_ip] += 1
        if logs_in:
            verified = await self.simulation.verify(phone, client_ip, result.request_id, token)
            assert verified is not None
            self.tokens[number] = verified.device_token
        return True

    def _phone(self, number: int) -> PhoneNumber:
        if self.plan.place is Place.OWNERS_RANGE:
            return PhoneNumber(f"+1415{OWNERS_RANGE}{1000 + number}")
        return a_number(number, first_range=700, ranges=self.plan.own_ranges)

    def _client_ips(self, number: int, *, anywhere: bool) -> Sequence[str]:
        """Return the IPs of a number: with a device token any, those with most left first."""
        if self.plan.place is Place.OWNERS_NETWORK:
            return [f"203.0.113.{100 + number}"]
        networks = self.plan.own_networks
        ips = [f"10.{network >> 8}.{network & 255}.10" for network in range(networks)]
        is_spread = anywhere and networks < self.plan.own_numbers
        return sorted(ips, key=self.sent.__getitem__) if is_spread else [ips[number % networks]]


@dataclass(slots=True)
class Guessers:
    """Attackers who take any account: they guess wherever a message brings attempts.

    All requests and guesses for a phone come from one site if it has many IPs.
    """

    simulation: Simulation
    sites: Sequence[Sequence[str]]
    number: int = 0
    turns: "count[int]" = field(default_factory=count)

    async def act(self) -> None:
        """Request codes for phones, and guess with each until limits stop it."""
        without_message = 0
        while without_message < min(SITES_IN_A_ROW, len(self.sites)):
            self.number += 1
            is_sent = await self._attack(a_number(self.number))
            without_message = 0 if is_sent else without_message + 1

    async def _attack(self, phone: PhoneNumber) -> bool:
        request_ip = self._next_ip()
        first = await self.simulation.request(phone, request_ip)
        if isinstance(first, RateLimitExceeded):
            return False
        await self.simulation.guess_all(phone, request_ip, first.request_id)
        await self.simulation.guess_all(phone, request_ip)
        for _ in range(LATER_REQUESTS):
            later = await self.simulation.request(phone, self._next_ip())
            if not isinstance(later, RateLimitExceeded):
                await self.simulation.guess_all(phone, self._next_ip(), later.request_id)
        for _ in range(UNKNOWN_IPS_AT_A_PHONE):
            if not await self.simulation.guess(phone, self._next_ip()):
                break
        return first.sent

    def _next_ip(self) -> str:
        """Return an IP of the site whose turn it is: that of the phone."""
        turn = next(self.turns)
        if len(self.sites[0]) == 1:
            return self.sites[turn % len(self.sites)][0]
        site = self.sites[self.number % len(self.sites)]
        return site[turn % len(site)]


def a_number(
    number: int, country: str = "US", first_range: int = 200, ranges: int = 350
) -> PhoneNumber:
    """Return a different phone of the country for each number, spread over number ranges."""
    spread, line = first_range + number % ranges, number // ranges % 10_000
    return PhoneNumber(
        {
            "US": f"+1415{spread}{line:04d}",
            "IN": f"+9198{spread}{line:05d}",
            "GB": f"+447400{spread}{line % 1000:03d}",
            "NG": f"+234803{spread}{line:04d}",
            "BD": f"+88017{spread}{line:05d}",
        }[country]
    )
