"""Proofs of work by ALTCHA: no provider, no account, no request to anybody."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from altcha import Payload, create_challenge, verify_solution

from adapters.security.attestation.results import find_problem, invalid, valid
from application.features.attestation import ProofRequest, ProofResult
from application.ports.keys import Key, KeyRing
from domain.otp.otp_request import Proof

TYPE: Final = "altcha"
PROOF_TTL: Final = timedelta(minutes=5)
ALGORITHM: Final = "PBKDF2/SHA-256"
COST: Final = 1_000
"""Iterations of one derivation: some 0.3 ms of a server's core."""
_LABEL: Final = b"dialtone attestation\0"
_KEY_LABEL: Final = b"dialtone attestation key\0"


@dataclass(frozen=True, slots=True)
class AltchaAttestation:
    """Asks clients for work, as the protocol 2 of ALTCHA does in its deterministic mode.

    - The client finds a counter between 0 and twice the difficulty, so the work of each person is
      limited. A start above 0 gains nothing.
    - The signature is an HMAC over the subject, the expiry, the difficulty and a nonce. The subject
      is in its key only, so no client sees it.
    - The signature also identifies the proof: a response can be written in many ways.
    - A response is decoded and its signature compared. Nothing is derived for it.

    Attributes:
        peppers: Keys of the HMAC. All accepted ones verify.
        difficulty: Derivations of a proof on average.
    """

    peppers: KeyRing
    difficulty: int

    async def request_proof(self, subject: str, now: datetime) -> ProofRequest:
        pepper = self.peppers.signing()
        challenge = create_challenge(
            ALGORITHM,
            COST,
            counter=secrets.randbelow(2 * self.difficulty),
            expires_at=now + PROOF_TTL,
            # It is signed with the rest, and clients can tell how long the work takes.
            data={"difficulty": self.difficulty},
            hmac_secret=_derive(pepper, _LABEL, subject),
            hmac_key_secret=_derive(pepper, _KEY_LABEL, subject),
        )
        return ProofRequest(TYPE, {"challenge": challenge.to_dict()})

    async def verify(self, proof: Proof, subject: str) -> ProofResult:
        # The response is Base64 of the challenge and its solution, in JSON.
        if problem := find_problem(proof, TYPE):
            return invalid(problem)
        try:
            payload = Payload.from_base64(proof.response)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return invalid("it is malformed")
        reason = "its challenge is changed, or for another phone"
        for pepper in self.peppers.accepted():
            result = verify_solution(
                payload,
                _derive(pepper, _LABEL, subject),
                hmac_key_secret=_derive(pepper, _KEY_LABEL, subject),
            )
            if result.verified:
                return valid(str(payload.challenge.signature))
            if result.expired:
                reason = "its challenge has expired"
            elif result.invalid_solution:
                reason = "its solution is wrong"
        return invalid(reason)


def _derive(pepper: Key, label: bytes, subject: str) -> bytes:
    """Return the key of an HMAC over challenges of the subject, or over their solutions."""
    return hmac.digest(pepper.key, label + subject.encode(), "sha256")
