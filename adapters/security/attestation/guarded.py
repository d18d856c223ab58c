"""An operator's own adapter, of which nothing is an error of the service."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import msgspec

from adapters.security.attestation.results import unavailable
from adapters.shared.causes import code_of
from application.features.attestation import (
    Attestation,
    ProofRequest,
    ProofResult,
    ProofStatus,
)
from application.ports.errors import PortError
from application.tasks import call_adapter, is_ended
from domain.otp.otp_request import Proof

TIMEOUT: Final = 3.0


class GuardedAttestation:
    """Makes a result or a `PortError` of each exception and of each delay.

    A client that sends a proof, or asks what it needs for one, gets a 429 then, and not a 500.
    """

    def __init__(self, attestation: Attestation) -> None:
        """Guard an adapter, which may have a health check."""
        self._attestation = attestation
        if hasattr(attestation, "check"):
            self.check = attestation.check

    async def request_proof(self, subject: str, now: datetime) -> ProofRequest:
        """Return the adapter's request within `TIMEOUT`.

        Raises:
            PortError: it returned none, or one that is not JSON.
        """
        result = await _call(lambda: self._attestation.request_proof(subject, now))
        if not isinstance(result, ProofRequest):
            raise PortError(f"the adapter returned {type(result).__name__}")
        try:
            msgspec.json.encode(dict(result.fields))
        except Exception as error:
            raise PortError("the adapter returned a proof request that is not JSON") from error
        return result

    async def verify(self, proof: Proof, subject: str) -> ProofResult:
        """Check a proof within `TIMEOUT`."""
        try:
            result = await _call(lambda: self._attestation.verify(proof, subject))
        except PortError as error:
            return unavailable(str(error))
        if not isinstance(result, ProofResult):
            return unavailable(f"the adapter returned {type(result).__name__}")
        # Own code may have no types.
        status: object = result.status
        texts: tuple[object, ...] = (result.proof_id, result.reason)
        if not isinstance(status, ProofStatus):
            return unavailable("the adapter returned a result with another status")
        if not all(isinstance(text, str) for text in texts):
            return unavailable("the adapter returned a result whose fields are no text")
        if result.status is ProofStatus.VALID and not result.proof_id:
            return unavailable("the adapter returned a valid proof without a proof_id")
        return result


async def _call(method: Callable[[], Awaitable[object]]) -> object:
    """Return what a method of the adapter returns.

    Raises:
        PortError: it raised anything, or took longer than `TIMEOUT`.
    """
    try:
        return await call_adapter("attest", method, TIMEOUT)
    except TimeoutError:
        raise PortError("no result in time") from None
    # An operator's adapter may raise anything, also of what it has cancelled itself.
    except BaseException as error:  # SystemExit would end the process
        if is_ended():
            raise
        # Its text may have the response.
        reason = f"the adapter failed with {type(error).__name__}"
        raise PortError(reason, code_of(error)) from None
