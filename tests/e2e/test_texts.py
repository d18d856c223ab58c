"""Message texts by country, language and platform, as phones get them."""

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
FIRST, SECOND = "FA+9qCX9VSu", "01234567/9a"
REGISTERED = (
    "Dear customer, {} is your OTP to sign in to 4711 Taxi. It is valid for 5 minutes. "
    "Do not share it. - DIALTN"
)
_numbers = count(1)


def write_documents_examples(folder: Path) -> None:
    document = (PROJECT / "docs/texts.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"```toml\n# (\S+\.toml)\n(.*?)```", document, re.DOTALL):
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def taxi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with the document's examples, for an app whose name looks like a code."""
    folder = tmp_path_factory.mktemp("taxi")
    write_documents_examples(folder)
    environ = {
        "DIALTONE_APP_NAME": "4711 Taxi",
        "DIALTONE_ANDROID_HASH": f"{FIRST},{SECOND}",
        "DIALTONE_WEB_DOMAIN": DOMAIN,
        "DIALTONE_TEXTS": str(folder),
        "DIALTONE_LOCALE": "fr",
    }
    with running(folder, environ) as service:
        yield service


def asked(service: Service, phone: str | None = None, **form: str) -> tuple[str, str]:
    """Ask for a code; gives the code and the text."""
    phone = phone or f"+1415558{next(_numbers):04d}"
    body = {"phone": phone, **form}
    answer = httpx.post(f"{service.url}/auth/request-otp", json=body, **PLAIN_HTTP)
    assert answer.status_code == 200, answer.text
    return service.code(phone), service.texts(phone)[0]


def test_a_request_gets_its_language_or_the_usual_one(taxi: Service) -> None:
    code, text = asked(taxi, locale="de-AT")
    assert text.startswith(f"{code} ist Ihr 4711 Taxi-Code.")
    code, text = asked(taxi, locale="en_US")
    assert text.startswith(f"{code} is your 4711 Taxi code.")
    for form in ({}, {"locale": "xx"}, {"locale": "\u0000" * 50}, {"platform": "toaster"}):
        code, text = asked(taxi, **form)
        assert text.startswith(f"{code} est votre code 4711 Taxi")


@pytest.mark.parametrize("locale", ["en", "es", "fr", "de", "pt", "hi", "ar", "zh"])
@pytest.mark.parametrize("platform", ["android", "web"])
def test_the_code_is_the_first_run_of_digits_and_last_lines_are_last(
    taxi: Service, locale: str, platform: str
) -> None:
    code, text = asked(taxi, locale=locale, platform=platform)
    assert re.findall(r"\d{4,}", text)[0] == code
    assert code.isascii()
    last = text.split("\n")[-1]
    assert (last == FIRST) == (platform == "android")
    assert (last == f"@{DOMAIN} #{code}") == (platform == "web")


def test_the_hash_of_the_request_is_sent_when_it_is_on_the_list(taxi: Service) -> None:
    for app_hash, sent in ((SECOND, SECOND), ("AAAAAAAAAAA", FIRST), ("x", FIRST)):
        _, text = asked(taxi, platform="android", app_hash=app_hash)
        assert text.endswith(f"\n{sent}")


def test_the_documents_language_is_sent(taxi: Service) -> None:
    code, text = asked(taxi, locale="es-MX")
    assert text == f"{code} es el PIN de 4711 Taxi. Vale 5 min. No lo compartas."
    code, text = asked(taxi, locale="es", platform="Android")
    assert text == f"{code} es el PIN de 4711 Taxi.\n{FIRST}"


def test_the_documents_country_is_sent_unchanged_and_signs_in(taxi: Service) -> None:
    for number, platform in enumerate(("android", "web", "ios")):
        phone = f"+91987654321{number}"
        code, text = asked(taxi, phone, platform=platform, locale="hi")
        assert text == REGISTERED.format(code)
        answer = httpx.post(
            f"{taxi.url}/auth/verify-otp", json={"phone": phone, "otp": code}, **PLAIN_HTTP
        )
        assert answer.json()["success"] is True


def test_the_older_app_gets_the_general_text_of_the_country_or_the_usual_language(
    taxi: Service,
) -> None:
    for phone in ("+919876543219", "+14155590099"):
        url = f"{taxi.url}/authenticate/get_otp"
        assert httpx.post(url, json={"phone": phone}, **PLAIN_HTTP).status_code == 200
    indian, other = taxi.code("+919876543219"), taxi.code("+14155590099")
    assert taxi.texts("+919876543219") == [REGISTERED.format(indian)]
    assert taxi.texts("+14155590099")[0].startswith(f"{other} est votre code")


def test_the_messages_can_be_looked_at_beforehand(taxi: Service) -> None:
    shown = taxi.run("check-settings", "--templates")
    units = len(REGISTERED.format("012345"))
    assert shown.returncode == 0
    assert f"{taxi.folder}/IN.toml, general: 1 message, {units} units of GSM-7" in shown.stdout
    assert f"    {REGISTERED.format('012345')}\n" in shown.stdout
    assert f"    @{DOMAIN} #012345\n" in shown.stdout


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"DIALTONE_TEXTS": "texts"}, ("DIALTONE_TEXTS: ", "texts/IN.toml, general", "code first")),
        ({"DIALTONE_TEXTS": "none"}, ("DIALTONE_TEXTS: ", "cannot be read as a folder")),
        ({"DIALTONE_LOCALE": "xx"}, ("DIALTONE_LOCALE: ", "no texts in this language")),
        (
            {"DIALTONE_ANDROID_HASH": FIRST, "DIALTONE_APP_NAME": "ह" * 20},
            ("Shipped text", ".toml, android", "140 bytes", "Shorten DIALTONE_APP_NAME"),
        ),
    ],
)
def test_a_text_that_breaks_a_rule_stops_the_start_and_is_named(
    tmp_path: Path, environ: dict[str, str], told: tuple[str, ...]
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/IN.toml").write_text('general = "OTP of 47110: {code}"')
    service = Service(tmp_path, environ)
    refused = service.run("run")
    assert refused.returncode == 1
    assert refused.stderr
    for line in refused.stderr.splitlines():
        assert all(part in line for part in told), line
    assert service.run("check-settings").stderr == refused.stderr
    assert not (tmp_path / "secrets.json").exists()
