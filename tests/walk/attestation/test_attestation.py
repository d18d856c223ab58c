"""Attestation, of which a client asks for the challenge."""

from pathlib import Path

from tests.support.walker import walking


def test_a_client_gets_a_challenge_instead_of_a_limit(tmp_path: Path) -> None:
    settings = {"DIALTONE_ATTESTATION": "altcha", "DIALTONE_SMS_LIMIT_PER_COUNTRY": "20/1h"}
    with walking(tmp_path / "service", **settings) as walker:
        phones = [f"+14155{number}0901" for number in range(71, 91)]
        responses = [
            walker.http.post("/auth/request-otp", json={"phone": phone, "attestation": {}})
            for phone in phones
        ]
        assert responses[0].status_code == 200
        challenged = responses[-1]
        assert (challenged.status_code, challenged.json()["code"]) == (403, "attestation_required")
