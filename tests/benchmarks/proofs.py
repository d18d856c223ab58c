"""What a proof of work costs: attackers a core of a server, and people a slow phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from entrypoints.features.attestation import ALTCHA_DIFFICULTY
from tests.benchmarks.attack_sizes import UNVERIFIED_WITH_ATTESTATION

MS_PER_DERIVATION: Final = 0.25
"""Of a server's core, by OpenSSL, as `docs/proofs.md` says. ALTCHA's widget takes as long there."""
SLOWDOWN_OF_PHONE: Final = 6
"""How many times as long a core of a slow phone takes: that of Chromium's slow phones."""
WORKERS: Final = 4
"""Of the widget, on a phone with little memory."""
PRICES_OF_SOLVERS: Final = (1, 3)
"""From and to: what services take for a thousand captchas that they solve, in US dollars."""
DIFFICULTIES: Final = sorted({1_000, ALTCHA_DIFFICULTY, 10_000, 30_000})
SECONDS_AN_HOUR: Final = 3_600


@dataclass(frozen=True, slots=True)
class ProofCost:
    """What proofs of a difficulty cost."""

    difficulty: int

    @classmethod
    def of_a_core(cls, proofs_an_hour: int) -> "ProofCost":
        """Return the cost of proofs of which so many keep a core busy for an hour."""
        return cls(round(SECONDS_AN_HOUR * 1_000 / proofs_an_hour / MS_PER_DERIVATION))

    @property
    def server_ms(self) -> float:
        """How long a core of a server takes for a proof, on average."""
        return self.difficulty * MS_PER_DERIVATION

    @property
    def phone_ms(self) -> float:
        """How long a core of a slow phone takes, on average."""
        return self.server_ms * SLOWDOWN_OF_PHONE

    @property
    def phone_seconds(self) -> float:
        """How long people wait at a slow phone with four workers, on average."""
        return self.phone_ms / WORKERS / 1_000

    def core_seconds(self, proofs: int) -> float:
        """Return how long a core of a server takes for so many proofs."""
        return proofs * self.server_ms / 1_000

    def cores(self, proofs_an_hour: int) -> float:
        """Return how many cores of a server are busy with so many proofs an hour."""
        return self.core_seconds(proofs_an_hour) / SECONDS_AN_HOUR

    def row(self) -> Sequence[str]:
        """Return its line of the table."""
        attested = UNVERIFIED_WITH_ATTESTATION.attested
        core_seconds, cores = self.core_seconds(attested.size), self.cores(attested.size)
        is_used = self.difficulty == ALTCHA_DIFFICULTY
        return [
            f"{self.difficulty:,}{' (in use)' if is_used else ''}",
            f"{self.server_ms:,.0f} ms",
            f"{self.phone_ms:,.0f} ms",
            f"{self.phone_seconds:.1f} s, at most {2 * self.phone_seconds:.1f} s",
            f"{core_seconds:,.0f} core-seconds: {cores:.2f} cores",
            f"{self.cores(attested.total):.2f} cores",
        ]


HEAD: Final = (
    "difficulty",
    "a proof on a server's core",
    "on a slow phone's core",
    f"wait at a slow phone with {WORKERS} workers",
    "an hour of a flood with proofs, one country",
    "all countries",
)
