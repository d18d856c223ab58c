"""Attacks on all phones: floods of messages, pumpers who earn by them, and guesses.

After an hour of each attack owners of all kinds log in.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from itertools import count
from typing import Final

from domain.errors import RateLimitExceeded
from domain.identities.device_token import DeviceToken
from domain.phone import PhoneNumber
from tests.benchmarks.simulation import (
    OWN_IP,
    Attack,
    Login,
    Owner,
    SimulatedOwner,
    Simulation,
)
from tests.support.builders import a_phone

COUNTRIES: Final = ("US", "IN", "GB", "NG", "BD")
DEADLINE: Final = timedelta(hours=1)
"""After so long an owner gives up."""
OWNERS_RANGE: Final = 555
OWN_NUMBERS: Final = 2_000
OWN_RANGES: Final = 4
STEP: Final = timedelta(minutes=5)
REJECTIONS_IN_A_ROW: Final = 20
"""After so many rejected requests of different IPs a flood pauses until its next step."""
SITES_IN_A_ROW: Final = 20
"""After so many sites without a message attackers who guess pause until the next step."""
LATER_REQUESTS: Final = 3
UNKNOWN_IPS_AT_A_PHONE: Final = 40
"""More do not matter: after 50 failures in a row unknown IPs have no attempt."""


class Pumper(StrEnum):
    """Whose numbers get the messages."""

    OTHERS = "numbers of others in five countries"
    OWNERS_COUNTRY = "numbers of others in the owner's country"
    OWNERS_RANGE = "numbers of others in the owner's number range"
    OWN = "2,000 numbers of their own in four ranges"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdResult:
    """What attackers reached in an hour, and the logins of owners who came after it.

    A site is an IPv4 address in a network of its own, or an IPv6 /48 with so many /64.
    """

    attackers: str
    ips: int
    ips_per_site: int = 1
    messages: int
    checked: int
    expected_hits: float
    logins: Mapping[Owner, Login]

    @property
    def violations(self) -> Sequence[str]:
        """Describe the owners who were rejected and must never be."""
        return [
            f"{self.attackers}, {self.ips} IPs: {owner}: {login}"
            for owner, login in self.logins.items()
            if login.violates_rules(owner)
        ]


async def pump(pumper: Pumper, ips: int) -> CrowdResult:
    """Cause as many messages as possible."""
    simulation = Simulation()
    own_ips = sorted({owner.client_ip(0) for owner in Owner})
    used_ips = own_ips if ips == OWN_IP else client_ips(ips)
    attackers: Flood | OwnNumbers
    match pumper:
        case Pumper.OTHERS:
            attackers = Flood(simulation, used_ips, COUNTRIES)
        case Pumper.OWNERS_COUNTRY:
            attackers = Flood(simulation, used_ips, COUNTRIES[:1])
        case Pumper.OWNERS_RANGE:
            attackers = Flood(simulation, used_ips, COUNTRIES[:1], OWNERS_RANGE, ranges=1)
        case Pumper.OWN:
            attackers = OwnNumbers(simulation, used_ips)
    return await _attack_all(simulation, attackers.act, pumper, ips)


async def guess_everywhere(sites: int, ips_per_site: int) -> CrowdResult:
    """Guess the codes of as many phones of one country as possible."""
    simulation = Simulation()
    if ips_per_site == 1:
        ips = [[client_ip] for client_ip in client_ips(sites)]
    else:
        ips = [
            [f"2001:db8:{site:x}:{number:x}::/64" for number in range(ips_per_site)]
            for site in range(sites)
        ]
    guessers = Guessers(simulation, ips)
    return await _attack_all(simulation, guessers.act, "guessers", sites, ips_per_site)


async def _attack_all(
    simulation: Simulation,
    act: Callable[[], Awaitable[None]],
    attackers: str,
    ips: int,
    ips_per_site: int = 1,
) -> CrowdResult:
    owners = [
        SimulatedOwner(simulation, kind, a_phone(9_990 + number))
        for number, kind in enumerate(Owner)
    ]
    for owner in owners:
        await owner.prepare()
    messages = simulation.messages
    attack = Attack(simulation, act, STEP)
    await attack.act()
    await attack.wait(timedelta(hours=1) - STEP)
    reached = simulation.messages - messages, simulation.checked_guesses, simulation.expected_hits
    logins = {owner.kind: await owner.log_in(0, attack, DEADLINE) for owner in owners}
    return CrowdResult(
        attackers=attackers,
        ips=ips,
        ips_per_site=ips_per_site,
        messages=reached[0],
        checked=reached[1],
        expected_hits=reached[2],
        logins=logins,
    )


@dataclass(slots=True)
class Flood:
    """Requests for codes to phones without end, until limits stop them."""

    simulation: Simulation
    client_ips: Sequence[str]
    countries: Sequence[str]
    first_range: int = 200
    ranges: int = 700
    number: int = 0

    async def act(self) -> None:
        """Request codes until so many requests in a row are rejected."""
        rejected = 0
        while rejected < min(REJECTIONS_IN_A_ROW, len(self.client_ips) * len(self.countries)):
            self.number += 1
            country = self.countries[self.number % len(self.countries)]
            phone = a_number(self.number, country, self.first_range, self.ranges)
            client_ip = self.client_ips[self.number % len(self.client_ips)]
            result = await self.simulation.request(phone, client_ip)
            rejected = rejected + 1 if isinstance(result, RateLimitExceeded) else 0


@dataclass(slots=True)
class OwnNumbers:
    """Pumpers who request codes for their own numbers and log in with them."""

    simulation: Simulation
    client_ips: Sequence[str]
    device_tokens: dict[PhoneNumber, DeviceToken | None] = field(default_factory=dict)
    number: int = 0

    async def act(self) -> None:
        """Request codes and log in until so many requests in a row are rejected."""
        rejected = 0
        while rejected < REJECTIONS_IN_A_ROW:
            self.number += 1
            phone = a_number(self.number % OWN_NUMBERS, ranges=OWN_RANGES)
            client_ip = self.client_ips[self.number % len(self.client_ips)]
            token = self.device_tokens.get(phone)
            result = await self.simulation.request(phone, client_ip, token)
            if isinstance(result, RateLimitExceeded) or not result.sent:
                rejected += 1
                continue
            verified = await self.simulation.verify(phone, client_ip, result.request_id, token)
            if verified is None:
                rejected += 1
                continue
            rejected = 0
            self.device_tokens[phone] = verified.device_token


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
    number: int, country: str = "US", first_range: int = 200, ranges: int = 700
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


def client_ips(ips: int) -> Sequence[str]:
    """Return so many IPv4 addresses, each in a network of its own: the best for attackers."""
    return [f"10.{number >> 8}.{number & 255}.9" for number in range(ips)]
