"""Owners of all kinds log in while strangers attack their phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tests.benchmarks.attack_sizes import NETWORKS_AT_ONE_PHONE
from tests.benchmarks.simulation import (
    OWN_IP,
    Attack,
    LoginOutcome,
    Owner,
    SimulatedOwner,
    Simulation,
    Strangers,
    client_ips,
)
from tests.support.repositories import OpenRepositories

CROWDS: Final = (1, NETWORKS_AT_ONE_PHONE, 1_000, OWN_IP)
LOGINS: Final = 4
HOURS_BETWEEN_LOGINS: Final = 6


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
    def violations(self) -> Sequence[str]:
        """Describe the logins that were rejected and must never be."""
        return [
            f"{self.kind}, {self.ips} IPs, {self.attack}: {login}"
            for login in self.logins
            if login.violates_rules(self.kind)
        ]


async def attack_one_phone(
    kind: Owner,
    ips: int,
    *,
    in_bursts: bool,
    logins: int = LOGINS,
    repositories: OpenRepositories | None = None,
) -> OwnerResult:
    """Attack the phone of an owner, who logs in every six hours."""
    simulation = Simulation(repositories)
    owner = SimulatedOwner(simulation, kind)
    await owner.prepare()
    strangers = Strangers(simulation, owner.phone, client_ips(ips), in_bursts, ips == OWN_IP)
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
