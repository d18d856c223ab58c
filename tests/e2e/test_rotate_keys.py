"""`dialtone rotate-keys`, while services run."""

from pathlib import Path
from typing import Any

import httpx
import jwt

from tests.e2e.test_start import me, sign_in
from tests.support.keys import create_secrets_file, edit_secrets_file
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service


def post(service: Service, path: str, **body: Any) -> dict[str, Any]:
    with httpx.Client(base_url=service.url, **PLAIN_HTTP, timeout=20) as http:
        response: dict[str, Any] = http.post(path, json=body).json()
    return response


def published_key_ids(service: Service) -> list[str]:
    response = httpx.get(f"{service.url}/.well-known/jwks.json", **PLAIN_HTTP)
    return [key["kid"] for key in response.json()["keys"]]


def test_two_services_share_codes_and_tokens_during_a_key_rotation(
    tmp_path: Path,
) -> None:
    first, second = Service(tmp_path), Service(tmp_path)
    first.start()
    tokens = [sign_in(first, "+14155592001")]
    post(first, "/auth/request-otp", phone="+14155592002")
    rotation = first.run("rotate-keys")
    assert rotation.returncode == 0, rotation.stderr
    second.start()

    assert published_key_ids(second)[1:] == published_key_ids(first)
    code = first.code("+14155592002")
    verified = post(second, "/auth/verify-otp", phone="+14155592002", otp=code, refresh=True)
    tokens += [verified["access_token"], sign_in(second, "+14155592003")]
    post(second, "/auth/request-otp", phone="+14155592004")
    code = second.code("+14155592004")
    verified = post(first, "/auth/verify-otp", phone="+14155592004", otp=code, refresh=True)
    tokens += [verified["access_token"]]

    assert [me(service, token) for token in tokens for service in (first, second)] == [404] * 8
    key_ids = {jwt.get_unverified_header(token)["kid"] for token in tokens}
    # Short-lived tokens have the published key, and long-lived ones another.
    assert set(published_key_ids(first)) < key_ids
    assert len(key_ids) == 2
    assert (first.stop(), second.stop()) == (0, 0)


def test_a_weak_key_prevents_the_start_in_production(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    create_secrets_file(path)
    weak_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    edit_secrets_file(path, lambda document: document["otp_pepper"][0].update(key=weak_key))
    environ = {
        "DIALTONE_ENV": "production",
        "DIALTONE_STOP_DELAY": "0s",
        "DIALTONE_SINGLE_HOST": "yes",
        "DIALTONE_PUBLIC_URL": "https://dialtone.test",
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_TRUSTED_PROXIES": "none",
        "DIALTONE_SMS": "twilio",
        "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
        "TWILIO_AUTH_TOKEN": "a secret",
        "TWILIO_FROM": "+15005550006",
    }

    start = Service(tmp_path, environ).run("run")

    assert start.returncode == 1
    (line,) = start.stderr.splitlines()
    assert line.startswith("DIALTONE_SECRETS_FILE: ")
    assert '"otp_pepper[0].key" is not random' in line
    assert weak_key not in line
