"""What a proof of work costs: attackers a core of a server, and people a slow phone.

`docs/proofs.md` has the table for `MS_PER_DERIVATION`. `make bench ARGS=attestation` measures it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import pbkdf2_hmac
from pathlib import Path
from statistics import fmean
from typing import Final

from adapters.attestation.altcha import COST, TYPE, AltchaAttestation
from application.ports.attestation import AttestationStatus
from domain.otp.attestation_proof import AttestationProof
from entrypoints.features.attestation import AttestationSettings
from entrypoints.settings.read import read_settings
from tests.benchmarks.attack_sizes import UNVERIFIED_WITH_ATTESTATION
from tests.support.altcha_client import solve_challenge
from tests.support.keys import FakeKeyRing

MS_PER_DERIVATION: Final = 0.25
"""Of a server's core, by OpenSSL. The worker of ALTCHA's widget takes as long there."""
SLOWDOWN_OF_PHONE: Final = 6
"""How many times as long a core of a slow phone takes: that of Chromium's slow phones."""
WORKERS: Final = 4
"""Of the widget, on a phone with little memory."""
PRICES_OF_SOLVERS: Final = (1, 3)
"""From and to: what services take for a thousand captchas that they solve, in US dollars."""
DEFAULT_DIFFICULTY: Final = read_settings({}, None).of(AttestationSettings).attestation_difficulty
DIFFICULTIES: Final = sorted({1_000, DEFAULT_DIFFICULTY, 10_000, 30_000})
SECONDS_AN_HOUR: Final = 3_600
PROOFS: Final = 20
"""So many are made to measure one."""
_SUBJECT: Final = "a phone"
_DERIVATIONS: Final = 300
_ROUNDS: Final = 20


@dataclass(frozen=True, slots=True)
class ProofCost:
    """What proofs of a difficulty cost."""

    difficulty: int
    ms_per_derivation: float = MS_PER_DERIVATION

    @classmethod
    def of_a_core(cls, proofs_an_hour: int) -> "ProofCost":
        """Return the cost of proofs of which so many keep a core busy for an hour."""
        return cls(round(SECONDS_AN_HOUR * 1_000 / proofs_an_hour / MS_PER_DERIVATION))

    @property
    def server_ms(self) -> float:
        """How long a core of a server takes for a proof, on average."""
        return self.difficulty * self.ms_per_derivation

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
        is_default = self.difficulty == DEFAULT_DIFFICULTY
        return [
            f"{self.difficulty:,}{' (default)' if is_default else ''}",
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


async def measure_attestation(_: Path) -> None:
    """Print how long a derivation and a proof take here, and the table that follows."""
    ms = measure_derivation()
    print(f"a derivation of {COST:,} iterations: {ms:.3f} ms of a core by OpenSSL")
    proof_ms = fmean([await _measure_proof() for _ in range(PROOFS)])
    print(f"a proof of difficulty {DEFAULT_DIFFICULTY:,}: {proof_ms:,.0f} ms of a core in Python\n")
    rows = [HEAD, *(ProofCost(difficulty, ms).row() for difficulty in DIFFICULTIES)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def measure_derivation() -> float:
    """Return how long a core takes for a derivation, in milliseconds: the shortest of some."""
    return min(_measure_derivations() for _ in range(_ROUNDS))


def _measure_derivations() -> float:
    started_at = time.process_time()
    for counter in range(_DERIVATIONS):
        pbkdf2_hmac("sha256", counter.to_bytes(20, "big"), bytes(16), COST, 32)
    return (time.process_time() - started_at) * 1_000 / _DERIVATIONS


async def _measure_proof() -> float:
    """Make a proof that the service accepts, and return how long a core takes for it."""
    attestation = AltchaAttestation(FakeKeyRing(), DEFAULT_DIFFICULTY)
    required = await attestation.challenge(_SUBJECT, datetime.now(UTC))
    started_at = time.process_time()
    proof = AttestationProof(TYPE, solve_challenge(required.fields["challenge"]))
    ms = (time.process_time() - started_at) * 1_000
    assert (await attestation.verify(proof, _SUBJECT)).status is AttestationStatus.VALID
    return ms
