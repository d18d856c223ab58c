"""Attestation: a client is asked for a proof."""

from pathlib import Path

import pytest

from tests.support.altcha_client import solve_challenge
from tests.support.walker import walking

pytestmark = pytest.mark.slow


def test_a_client_proves_itself_instead_of_waiting_for_a_limit(tmp_path: Path) -> None:
    settings = {"DIALTONE_ATTESTATION": "altcha", "DIALTONE_SMS_LIMIT_PER_COUNTRY": "20/1h"}
    with walking(tmp_path / "service", **settings) as walker:
        phones = [f"+14155{number}0901" for number in range(71, 91)]
        responses = [
            walker.http.post("/auth/request-otp", json={"phone": phone, "attestation": {}})
            for phone in phones
        ]
        assert responses[0].status_code == 200
        asked = responses[-1]
        assert (asked.status_code, asked.json()["code"]) == (403, "attestation_required")
        [challenge] = asked.json()["attestation"]
        assert challenge.keys() == {"type", "challenge"}
        proof = {"type": challenge["type"], "response": solve_challenge(challenge["challenge"])}
        body = {"phone": phones[-1], "attestation": proof}
        proven = walker.http.post("/auth/request-otp", json=body)
        assert (proven.status_code, proven.json()["sent"]) == (200, True)
