"""What is counted of proofs before a message."""

import pytest

from adapters.metrics.features.attestation import CountAttestations
from adapters.metrics.metrics import Metrics
from application.attestation.events import (
    AttestationAccepted,
    AttestationRejected,
    AttestationRequested,
)
from application.ports.security_events import SecurityEvent
from domain.otp.delivery import Channel
from tests.support.builders import a_phone
from tests.support.counted_events import accepted
from tests.support.counts import counts


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(
            AttestationRequested(phone=a_phone(), channel=Channel.SMS),
            {"otp_requests": ("US", "attestation_required")},
            id="a request that needs a proof",
        ),
        pytest.param(
            AttestationAccepted(phone=a_phone(), channel=Channel.SMS),
            {"attestations": ("accepted",)},
            id="a proof",
        ),
        pytest.param(
            AttestationRejected(
                phone=a_phone(), channel=Channel.SMS, result="used", reason="a reason"
            ),
            {"attestations": ("used",)},
            id="a proof that was used before",
        ),
        pytest.param(accepted(), {}, id="all else"),
    ],
)
def test_a_security_event_counts(
    event: SecurityEvent, expected: dict[str, tuple[str, ...]]
) -> None:
    metrics = Metrics()
    CountAttestations(metrics).record(event)

    assert counts(metrics) == {name: {labels: 1} for name, labels in expected.items()}
