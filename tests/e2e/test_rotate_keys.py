"""`dialtone rotate-keys`, beside services that run."""

import re
from pathlib import Path
from typing import Any

import httpx
import jwt

from tests.e2e.test_start import me, sign_in
from tests.support.plain_http import PLAIN_HTTP
from tests.support.secrets_files import change_secrets, made_secrets, read_secrets
from tests.support.service import Service


def post(service: Service, path: str, **body: str) -> dict[str, Any]:
    with httpx.Client(base_url=service.url, **PLAIN_HTTP, timeout=20) as http:
        answer: dict[str, Any] = http.post(path, json=body).json()
    return answer


def published(service: Service) -> list[str]:
    answer = httpx.get(f"{service.url}/.well-known/jwks.json", **PLAIN_HTTP)
    return [key["kid"] for key in answer.json()["keys"]]


def test_before_and_after_a_rotation_two_services_take_what_the_other_gave(tmp_path: Path) -> None:
    early, late = Service(tmp_path), Service(tmp_path)
    early.start()
    tokens = [sign_in(early, "+14155592001")]
    post(early, "/auth/request-otp", phone="+14155592002")
    rotated = early.run("rotate-keys")
    assert rotated.returncode == 0, rotated.stderr
    late.start()

    assert published(late)[1:] == published(early)
    code = early.code("+14155592002")
    answer = post(late, "/auth/verify-otp", phone="+14155592002", otp=code)
    tokens += [answer["access_token"], sign_in(late, "+14155592003")]
    post(late, "/auth/request-otp", phone="+14155592004")
    code = late.code("+14155592004")
    answer = post(early, "/auth/verify-otp", phone="+14155592004", otp=code)
    tokens += [answer["access_token"]]

    assert [me(service, token) for token in tokens for service in (early, late)] == [404] * 8
    assert {jwt.get_unverified_header(token)["kid"] for token in tokens} == set(published(early))
    assert (early.stop(), late.stop()) == (0, 0)


def test_it_tells_what_it_did_and_no_key(tmp_path: Path) -> None:
    made_secrets(tmp_path / "secrets.json")
    service, path = Service(tmp_path), tmp_path / "secrets.json"

    rotated = service.run("rotate-keys", "--after", "1h")

    lines = rotated.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "signing_keys",
        "refresh_keys",
        "otp_keys",
    ]
    secrets = read_secrets(path)
    newest = (secrets.signing_keys[0], secrets.refresh_keys[0], secrets.otp_keys[0])
    for key, line in zip(newest, lines, strict=True):
        assert re.search(rf"\b{key.id}\b.* {key.not_before:%Y-%m-%dT%H:%M:%S}Z .*1 kept", line)
        assert key.key.hex() not in line
    assert "PRIVATE" not in rotated.stdout


def test_it_refuses_to_rotate_twice_and_what_it_cannot_use(tmp_path: Path) -> None:
    made_secrets(tmp_path / "secrets.json")
    service = Service(tmp_path)
    service.run("rotate-keys")

    again, soon = service.run("rotate-keys"), service.run("rotate-keys", "--after", "5s")
    (tmp_path / "secrets.json").chmod(0o644)
    open_to_others = service.run("rotate-keys")

    assert (again.returncode, soon.returncode, open_to_others.returncode) == (1, 2, 1)
    assert "rotate again after that" in again.stderr
    assert "from 1m to 30d" in soon.stderr
    assert "chmod 600" in open_to_others.stderr
    for refused in (again, soon, open_to_others):
        assert len(refused.stderr.splitlines()) == 1


def test_in_production_a_weak_key_stops_the_start(tmp_path: Path) -> None:
    made_secrets(tmp_path / "secrets.json")
    weak = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    change_secrets(
        tmp_path / "secrets.json", lambda document: document["otp_keys"][0].update(key=weak)
    )
    environ = {
        "DIALTONE_ENV": "production",
        "DIALTONE_SINGLE_HOST": "yes",
        "DIALTONE_PUBLIC_URL": "https://dialtone.test",
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_SMS": "twilio",
        "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
        "TWILIO_AUTH_TOKEN": "a secret",
        "TWILIO_FROM": "+15005550006",
    }

    refused = Service(tmp_path, environ).run("run")

    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith("DIALTONE_SECRETS_FILE: ")
    assert '"peppers[0].key" is not random' in line
    assert weak not in line
