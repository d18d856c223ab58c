"""Owners of four kinds log in while strangers attack their phone, or all phones of a country."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from application.ports.repositories import Repositories
from tests.benchmarks.floods import Flood, client_ips
from tests.benchmarks.simulation import (
    Attack,
    Login,
    Owner,
    SimulatedOwner,
    Simulation,
    Strangers,
)
from tests.support.builders import a_phone

OWN_IP: Final = 0
"""In place of a number of IPs: the strangers have the IP of the owner."""
CROWDS: Final = (1, 10, 1_000, 34_000, OWN_IP)
LOGINS: Final = 4
HOURS_BETWEEN_LOGINS: Final = 6
FLOOD_DEADLINE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerResult:
    """The logins of an owner, and what the attack achieved meanwhile."""

    kind: Owner
    ips: int
    attack: str
    logins: Sequence[Login]
    messages_a_day: float
    expected_hits_a_day: float

    @property
    def served(self) -> int:
        """How many logins succeeded."""
        return sum(login.is_served for login in self.logins)

    @property
    def max_seconds(self) -> float:
        """The duration of the slowest login."""
        return max(login.seconds for login in self.logins)

    @property
    def rejected_requests(self) -> int:
        """How many requests for a code were rejected."""
        return sum(login.rejected_requests for login in self.logins)

    @property
    def rejected_attempts(self) -> int:
        """How many correct codes were rejected."""
        return sum(login.rejected_attempts for login in self.logins)

    @property
    def violates_rules(self) -> bool:
        """Whether an owner was rejected who must never be: with a device token, or with an id."""
        if self.kind is Owner.DEVICE:
            return bool(self.rejected_requests + self.rejected_attempts)
        return self.kind.sends_id and bool(self.rejected_attempts)


async def attack_one_phone(
    kind: Owner,
    ips: int,
    *,
    in_bursts: bool,
    logins: int = LOGINS,
    repositories: Repositories | None = None,
) -> OwnerResult:
    """Attack the phone of an owner, who logs in every six hours."""
    simulation = Simulation(repositories)
    owner = SimulatedOwner(simulation, kind)
    await owner.prepare()
    strangers = Strangers(simulation, owner.phone, client_ips(ips), in_bursts)
    attack = Attack(simulation, strangers.act, strangers.period)
    messages, started_at, results = simulation.messages, simulation.now, []
    for number in range(logins):
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


async def flood_country(ips: int) -> list[OwnerResult]:
    """Request codes for other phones of a country; after an hour its owners log in, in turn."""
    simulation = Simulation()
    owners = [
        SimulatedOwner(simulation, kind, a_phone(number)) for number, kind in enumerate(Owner)
    ]
    for owner in owners:
        await owner.prepare()
    own_ips = sorted({kind.client_ip(0) for kind in Owner})
    flood = Flood(simulation, own_ips if ips == OWN_IP else client_ips(ips), ("US",))
    attack = Attack(simulation, flood.act, timedelta(minutes=5))
    messages, started_at = simulation.messages, simulation.now
    await attack.wait(timedelta(hours=1))
    logins = [await owner.log_in(0, attack, FLOOD_DEADLINE) for owner in owners]
    days = (simulation.now - started_at) / timedelta(days=1)
    return [
        OwnerResult(
            kind=owner.kind,
            ips=ips,
            attack="flood of the country",
            logins=[login],
            messages_a_day=(simulation.messages - messages) / days,
            expected_hits_a_day=0.0,
        )
        for owner, login in zip(owners, logins, strict=True)
    ]
