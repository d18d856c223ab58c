"""Messages by country, language and platform, as phones get them."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

PROJECT = Path(__file__).parents[2]
DOMAIN = "login.example.org"
FIRST_HASH, SECOND_HASH = "FA+9qCX9VSu", "01234567/9a"
REGISTERED = (
    "Dear customer, {} is your OTP to sign in to 4711 Taxi. It is valid for 5 minutes. "
    "Do not share it. - DIALTN"
)
_numbers = count(1)


def write_documented_examples(folder: Path) -> None:
    document = (PROJECT / "docs/sms-templates.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"```toml\n# (\S+\.toml)\n(.*?)```", document, re.DOTALL):
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def taxi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with the documented examples, and an app name that looks like a code."""
    folder = tmp_path_factory.mktemp("taxi")
    write_documented_examples(folder)
    environ = {
        "DIALTONE_APP_NAME": "4711 Taxi",
        "DIALTONE_ANDROID_HASH": f"{FIRST_HASH},{SECOND_HASH}",
        "DIALTONE_WEB_DOMAIN": DOMAIN,
        "DIALTONE_SMS_TEMPLATES_DIR": str(folder),
        "DIALTONE_DEFAULT_LOCALE": "fr",
    }
    with running(folder, environ) as service:
        yield service


def request_otp(service: Service, phone: str | None = None, **preferences: str) -> tuple[str, str]:
    """Request a code; return the code and the message."""
    phone = phone or f"+1415558{next(_numbers):04d}"
    body = {"phone": phone, **preferences}
    response = httpx.post(f"{service.url}/auth/request-otp", json=body, **PLAIN_HTTP)
    assert response.status_code == 200, response.text
    return service.code(phone), service.texts(phone)[0]


def test_a_request_gets_its_language_or_the_default(taxi: Service) -> None:
    code, text = request_otp(taxi, locale="de-AT")
    assert text.startswith(f"{code} ist Ihr 4711 Taxi-Code.")
    code, text = request_otp(taxi, locale="en_US")
    assert text.startswith(f"{code} is your 4711 Taxi code.")
    for preferences in ({}, {"locale": "xx"}, {"locale": "\u0000" * 50}, {"platform": "toaster"}):
        code, text = request_otp(taxi, **preferences)
        assert text.startswith(f"{code} est votre code 4711 Taxi")


def test_the_documented_country_file_is_used_unchanged(taxi: Service) -> None:
    for number, platform in enumerate(("android", "web", "ios")):
        phone = f"+91987654321{number}"
        code, text = request_otp(taxi, phone, platform=platform, locale="hi")
        assert text == REGISTERED.format(code)
        response = httpx.post(
            f"{taxi.url}/auth/verify-otp", json={"phone": phone, "otp": code}, **PLAIN_HTTP
        )
        assert response.json()["success"] is True


def test_the_operator_can_preview_all_messages(taxi: Service) -> None:
    preview = taxi.run("check-settings", "--templates")
    units = len(REGISTERED.format("012345"))
    assert preview.returncode == 0
    assert f"{taxi.folder}/IN.toml, general: 1 message, {units} units of GSM-7" in preview.stdout
    assert f"    {REGISTERED.format('012345')}\n" in preview.stdout
    assert f"    @{DOMAIN} #012345\n" in preview.stdout


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"DIALTONE_SMS_TEMPLATES_DIR": "templates"},
            ("DIALTONE_SMS_TEMPLATES_DIR: ", "templates/IN.toml, general", "code first"),
        ),
        (
            {"DIALTONE_ANDROID_HASH": FIRST_HASH, "DIALTONE_APP_NAME": "ह" * 20},
            ("Built-in template", ".toml, android", "140 bytes", "shorter DIALTONE_APP_NAME"),
        ),
    ],
)
def test_an_invalid_template_stops_the_start_with_its_file_and_the_rule(
    tmp_path: Path, environ: dict[str, str], expected: tuple[str, ...]
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/IN.toml").write_text('general = "OTP of 47110: {code}"')
    service = Service(tmp_path, environ)
    run = service.run("run")
    assert run.returncode == 2
    assert run.stderr
    for line in run.stderr.splitlines():
        assert all(part in line for part in expected), line
    assert service.run("check-settings").stderr == run.stderr
    assert not (tmp_path / "secrets.json").exists()
