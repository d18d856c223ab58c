"""What is counted of proofs before a message."""

from typing import Any

import pytest

from adapters.metrics.features.attestation import CountAttestations
from adapters.metrics.metrics import Metrics
from application.ports.system import SecurityEventType
from tests.support.builders import a_phone
from tests.support.counts import counts


@pytest.mark.parametrize(
    ("event", "details", "expected"),
    [
        pytest.param(
            SecurityEventType.ATTESTATION_REQUIRED,
            {"phone": a_phone()},
            {"otp_requests": ("US", "attestation_required")},
            id="a request that needs a proof",
        ),
        pytest.param(
            SecurityEventType.ATTESTATION_ACCEPTED,
            {"phone": a_phone()},
            {"attestations": ("accepted",)},
            id="a proof",
        ),
        pytest.param(
            SecurityEventType.ATTESTATION_REJECTED,
            {"phone": a_phone(), "result": "used"},
            {"attestations": ("used",)},
            id="a proof that was used before",
        ),
        pytest.param(SecurityEventType.OTP_ACCEPTED, {"phone": a_phone()}, {}, id="all else"),
    ],
)
def test_a_security_event_counts(
    event: SecurityEventType, details: dict[str, Any], expected: dict[str, tuple[str, ...]]
) -> None:
    metrics = Metrics()
    CountAttestations(metrics).emit(event, **details)

    assert counts(metrics) == {name: {labels: 1} for name, labels in expected.items()}
