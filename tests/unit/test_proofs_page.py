"""The solver in Python of `docs/web.md` makes a valid proof."""

import base64
import hashlib
import itertools
import json
from datetime import UTC, datetime
from typing import Any

from adapters.security.attestation.altcha import AltchaAttestation
from application.features.attestation.ports import ProofStatus
from domain.otp.attestation_proof import Proof
from tests.support.keys import FakeKeyRing
from tests.support.markdown import blocks_in, page


async def test_the_solver_of_the_page_makes_a_valid_proof() -> None:
    [code] = blocks_in("python", page("docs/web.md"))
    names: dict[str, Any] = {
        "base64": base64, "hashlib": hashlib, "itertools": itertools, "json": json
    }  # fmt: skip
    exec(code, names)  # noqa: S102 - the code of our page
    attestation = AltchaAttestation(FakeKeyRing(), difficulty=10)

    required = await attestation.request_proof("phone", datetime.now(UTC))
    # As a client sees it: JSON of the 403.
    response = names["solve"](json.loads(json.dumps(required.fields["challenge"])))

    result = await attestation.verify(Proof("altcha", response), "phone")
    assert result.status is ProofStatus.VALID
