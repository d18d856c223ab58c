"""The solver in Python of `docs/deploy` makes a valid proof."""

import json
import runpy
from datetime import UTC, datetime

from adapters.security.attestation.altcha import AltchaAttestation
from application.features.attestation.ports import ProofStatus
from domain.otp.attestation_proof import Proof
from tests.support.keys import FakeKeyRing
from tests.support.markdown import PROJECT


async def test_the_solver_makes_a_valid_proof() -> None:
    names = runpy.run_path(str(PROJECT / "docs/deploy/solve_altcha.py"))
    attestation = AltchaAttestation(FakeKeyRing(), difficulty=10)

    required = await attestation.request_proof("phone", datetime.now(UTC))
    # As a client sees it: JSON of the 403.
    response = names["solve"](json.loads(json.dumps(required.fields["challenge"])))

    result = await attestation.verify(Proof("altcha", response), "phone")
    assert result.status is ProofStatus.VALID
