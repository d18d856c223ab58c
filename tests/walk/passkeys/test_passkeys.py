"""Passkeys of users."""

import json
from typing import Any

from tests.support.authenticator import SoftwareAuthenticator
from tests.support.walker import Walker


def test_a_user_adds_a_passkey_and_signs_in_with_it(walker: Walker) -> None:
    def ask(path: str) -> str:
        return json.dumps(walker.http.post(f"{path}/options").json()["publicKey"])

    def send(path: str, answer: str) -> Any:
        response = walker.http.post(path, json={"credential": json.loads(answer)})
        assert response.is_success, response.text
        return response.json()

    walker.sign_up("+14155570501", "Passkey Walk")
    device = SoftwareAuthenticator(f"http://localhost:{walker.service.port}")
    send("/users/me/passkeys", device.create(ask("/users/me/passkeys")))
    signed_in = send("/auth/passkey", device.get(ask("/auth/passkey")))
    assert signed_in["user_id"] == walker.user_id
    listed = walker.service.run("user", "passkeys", walker.phone)
    assert "used 20" in listed.stdout
    signed_out = walker.service.run("user", "sign-out", walker.phone, "--reason", "lost phone")
    assert "Passkeys stay" in signed_out.stdout, signed_out.stderr
    removed = walker.service.run(
        "user", "passkey-remove", walker.phone, "--all", "--reason", "lost phone"
    )
    assert "has lost" in removed.stdout, removed.stderr
