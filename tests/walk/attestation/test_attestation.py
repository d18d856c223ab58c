"""Attestation, of which a client asks for the challenge."""

from pathlib import Path

from tests.support.walker import walking


def test_a_client_gets_a_challenge_instead_of_a_limit(tmp_path: Path) -> None:
    settings = {"DIALTONE_ATTESTATION": "altcha", "DIALTONE_SMS_LIMIT_PER_IP": "1/1h"}
    with walking(tmp_path / "service", **settings) as walker:
        walker.sign_in("+14155570901")
        body = {"phone": "+14155570902", "attestation": {}}
        challenged = walker.http.post("/auth/request-otp", json=body)
        assert (challenged.status_code, challenged.json()["code"]) == (403, "attestation_required")
