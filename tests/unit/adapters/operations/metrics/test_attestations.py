"""What is counted of proofs before a message."""

from typing import Any, Final

import pytest

from adapters.operations.metrics.features.attestation import CountAttestations
from adapters.operations.metrics.metrics import Metrics
from application.features.attestation.feature import (
    AttestationAccepted,
    AttestationRejected,
    AttestationRequested,
)
from application.ports.security_events import SecurityEvent
from domain.otp.delivery import Channel
from tests.support.builders import a_phone
from tests.support.counted_events import accepted
from tests.support.counts import counts

SMS: Final[dict[str, Any]] = {"phone": a_phone(), "channel": Channel.SMS}
Counts = dict[str, dict[tuple[str, ...], float]]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (AttestationRequested(**SMS), {"otp_requests": {("US", "attestation_required"): 1}}),
        (AttestationAccepted(**SMS), {"attestations": {("accepted",): 1}}),
        (
            AttestationRejected(**SMS, result="used", reason="a reason"),
            {"attestations": {("used",): 1}},
        ),
        (accepted(), {}),
    ],
)
def test_a_security_event_counts(event: SecurityEvent, expected: Counts) -> None:
    metrics = Metrics()
    CountAttestations(metrics).record(event)

    assert counts(metrics) == expected
