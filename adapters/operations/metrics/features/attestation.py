"""Proofs that were sent before a code."""

from adapters.operations.metrics.metrics import Metrics, country_label
from application.features.attestation import (
    AttestationAccepted,
    AttestationRejected,
    AttestationRequested,
)
from application.ports.security_events import SecurityEvent


class CountAttestations:
    """Count proofs by their result, and the requests for a code that need one."""

    def __init__(self, metrics: Metrics) -> None:
        self._attestations = metrics.counter(
            "attestations", "Proofs that were sent before a code.", "result"
        )
        self.without_hostname = metrics.counter(
            "attestations_without_hostname", "Valid proofs for which hCaptcha named no host."
        )
        self._otp_requests = metrics.otp_requests

    def record(self, event: SecurityEvent) -> None:
        match event:
            case AttestationRequested():
                country = country_label(event.country)
                self._otp_requests.labels(country, "attestation_required").inc()
            case AttestationAccepted():
                self._attestations.labels("accepted").inc()
            case AttestationRejected():
                self._attestations.labels(event.result).inc()
            case _:
                pass
