"""Owners of all kinds log in while strangers attack their phone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, cycle, islice
from typing import Final

from domain.errors import RateLimitExceeded
from domain.identities.device_token import DeviceToken
from domain.otp.challenge import OTP_TTL
from domain.phone import PhoneNumber
from tests.benchmarks.attack_sizes import NETWORKS_AT_ONE_PHONE
from tests.benchmarks.simulation import (
    KNOWN_IP,
    SECONDS_TO_TYPE,
    Attack,
    Owner,
    Simulation,
    client_ips,
)
from tests.support.builders import a_phone

OWN_IP: Final = 0
"""In place of a number of IPs: the strangers have the IP of the owner."""
CROWDS: Final = (1, NETWORKS_AT_ONE_PHONE, 1_000, OWN_IP)
LOGINS: Final = 4
HOURS_BETWEEN_LOGINS: Final = 6
IPS_IN_A_BURST: Final = 60
"""More do not matter at one phone: after 50 failures in a row unknown IPs have no attempt."""
REQUESTS_IN_A_BURST: Final = 8
IDS_IN_USE: Final = 8


OWNERS: Final = (
    Owner("device token, new IP", has_token=True),
    Owner("`request_id`, new IP", sends_id=True),
    Owner("`request_id`, known IP", sends_id=True, is_at_known_ip=True),
    Owner("neither, known IP", is_at_known_ip=True),
    Owner("neither, new IP"),
)


@dataclass(slots=True)
class Strangers:
    """Attackers who know one phone.

    - All at once: they request and guess until limits stop them, each quarter of an hour. If they
      have the IP of the owner, they also use up its limit of attempts, at other phones.
    - Slowly: one request and one guess of each kind at a time, each five minutes.
    """

    simulation: Simulation
    phone: PhoneNumber
    client_ips: Sequence[str]
    in_bursts: bool
    has_own_ip: bool = False
    request_ids: list[str] = field(default_factory=list)
    last_sent_at: datetime | None = None
    turns: "count[int]" = field(default_factory=count)

    @property
    def period(self) -> timedelta:
        """The time from one step to the next."""
        return timedelta(minutes=15 if self.in_bursts else 5)

    async def act(self) -> None:
        """Request, guess with the ids of the latest requests, and guess without an id."""
        for _ in range(REQUESTS_IN_A_BURST if self.in_bursts else 1):
            if not await self._request():
                break
        if self.in_bursts and self.has_own_ip:
            await self._use_up_attempts_of_ip()
        now = self.simulation.now
        if self.last_sent_at is None or now - self.last_sent_at > OTP_TTL:
            return  # No code is active.
        if self.in_bursts:
            for request_id in self.request_ids[-IDS_IN_USE:]:
                await self.simulation.guess_all(self.phone, self._next_ip(), request_id)
            for client_ip in self._ips_of_burst():
                await self.simulation.guess_all(self.phone, client_ip)
            return
        await self.simulation.guess(self.phone, self._next_ip(), self.request_ids[-1])
        await self.simulation.guess(self.phone, self._next_ip())

    async def _use_up_attempts_of_ip(self) -> None:
        for number in count(2):  # the owner has the first
            if not await self.simulation.guess(a_phone(number), self._next_ip()):
                return

    async def _request(self) -> bool:
        result = await self.simulation.request(self.phone, self._next_ip())
        if isinstance(result, RateLimitExceeded):
            return False
        self.request_ids.append(result.request_id)
        if result.sent:
            self.last_sent_at = self.simulation.now
        return True

    def _next_ip(self) -> str:
        return self.client_ips[next(self.turns) % len(self.client_ips)]

    def _ips_of_burst(self) -> Sequence[str]:
        first = next(self.turns)
        ips = islice(cycle(self.client_ips), first % len(self.client_ips), None)
        return list(islice(ips, min(len(self.client_ips), IPS_IN_A_BURST)))


@dataclass(slots=True)
class LoginOutcome:
    """What happened when an owner wanted to log in."""

    seconds: float = math.inf
    rejected_requests: int = 0
    rejected_attempts: int = 0

    def violates_rules(self, owner: Owner) -> bool:
        """Return whether an owner was rejected who must never be: with a device token or an id.

        An owner who got no id yet is like one without.
        """
        if owner.has_token:
            return bool(self.rejected_requests + self.rejected_attempts)
        return owner.sends_id and bool(self.rejected_attempts)


@dataclass(slots=True)
class SimulatedOwner:
    """An owner, who does what the responses say until the login succeeds."""

    simulation: Simulation
    kind: Owner
    device_token: DeviceToken | None = None

    async def prepare(self) -> None:
        """Log in from the known IP, two days before the attack."""
        simulation = self.simulation
        await simulation.request(self.kind.phone, KNOWN_IP)
        logged_in = await simulation.verify(self.kind.phone, KNOWN_IP)
        assert logged_in is not None
        if self.kind.has_token:
            self.device_token = logged_in.device_token
        await simulation.advance(timedelta(days=2))

    async def log_in(self, number: int, attack: Attack, deadline: timedelta) -> LoginOutcome:
        """Log in while the attack goes on."""
        simulation, login = self.simulation, LoginOutcome()
        client_ip = self.kind.client_ip(number)
        started_at = simulation.now
        while simulation.now - started_at < deadline:
            await attack.act()
            requested = await simulation.request(self.kind.phone, client_ip, self.device_token)
            if isinstance(requested, RateLimitExceeded):
                login.rejected_requests += 1
                rest = started_at + deadline - simulation.now
                await attack.wait(min(timedelta(seconds=requested.retry_after), rest))
                continue
            code = simulation.code_of(self.kind.phone)  # attackers may cause another message
            await attack.act()
            await attack.wait(timedelta(seconds=SECONDS_TO_TYPE))
            request_id = requested.request_id if self.kind.sends_id else None
            if await simulation.verify(
                self.kind.phone, client_ip, request_id, self.device_token, code=code
            ):
                login.seconds = (simulation.now - started_at).total_seconds()
                break
            login.rejected_attempts += 1
        return login


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerResult:
    """The logins of an owner, and what the attack achieved meanwhile."""

    kind: Owner
    ips: int
    attack: str
    logins: Sequence[LoginOutcome]
    messages_a_day: float
    expected_hits_a_day: float

    @property
    def max_seconds(self) -> float:
        """The duration of the slowest login."""
        return max(login.seconds for login in self.logins)

    @property
    def violations(self) -> Sequence[str]:
        """Describe the logins that were rejected and must never be."""
        return [
            f"{self.kind.title}, {self.ips} IPs, {self.attack}: {login}"
            for login in self.logins
            if login.violates_rules(self.kind)
        ]


async def attack_one_phone(kind: Owner, ips: int, in_bursts: bool) -> OwnerResult:
    """Attack the phone of an owner, who logs in every six hours."""
    simulation = Simulation()
    owner = SimulatedOwner(simulation, kind)
    await owner.prepare()
    strangers = Strangers(simulation, kind.phone, client_ips(ips), in_bursts, ips == OWN_IP)
    attack = Attack(simulation, strangers.act, strangers.period)
    messages, started_at, results = simulation.messages, simulation.now, []
    for number in range(LOGINS):
        if ips == OWN_IP:
            strangers.client_ips = [kind.client_ip(number)]
        next_at = started_at + timedelta(hours=HOURS_BETWEEN_LOGINS * (number + 1))
        await attack.wait(timedelta(hours=2))
        results.append(await owner.log_in(number, attack, next_at - simulation.now))
        await attack.wait(next_at - simulation.now)
    days = (simulation.now - started_at) / timedelta(days=1)
    return OwnerResult(
        kind=kind,
        ips=ips,
        attack="in bursts" if in_bursts else "slowly",
        logins=results,
        messages_a_day=(simulation.messages - messages) / days,
        expected_hits_a_day=simulation.expected_hits / days,
    )
