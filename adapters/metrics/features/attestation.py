"""Proofs that were sent before a code."""

from typing import Unpack

from adapters.metrics.metrics import Metrics
from adapters.metrics.security_events import country_of
from application.ports.system import SecurityEventDetails, SecurityEventType


class CountAttestations:
    """Count proofs by their result, and the requests for a code that need one."""

    def __init__(self, metrics: Metrics) -> None:
        """Count in these metrics."""
        self._attestations = metrics.counter(
            "attestations", "Proofs that were sent before a code.", "result"
        )
        self._otp_requests = metrics.otp_requests

    def emit(self, event: SecurityEventType, **details: Unpack[SecurityEventDetails]) -> None:
        """Count an event."""
        match event:
            case SecurityEventType.ATTESTATION_REQUIRED:
                self._otp_requests.labels(country_of(details), "attestation_required").inc()
            case SecurityEventType.ATTESTATION_ACCEPTED:
                self._attestations.labels("accepted").inc()
            case SecurityEventType.ATTESTATION_REJECTED:
                self._attestations.labels(details.get("result") or "").inc()
            case _:
                pass
