"""`DIALTONE_ATTESTATION` and the settings of its adapters."""

from typing import Final

from entrypoints.features.attestation import AttestationSettings
from tests.support import settings as support
from tests.support.settings import problems
from tests.unit.entrypoints.settings.texts import SECRET

ALTCHA: Final = {"DIALTONE_ATTESTATION": "altcha"}
SITEVERIFY: Final = {
    "DIALTONE_ATTESTATION": "siteverify",
    "DIALTONE_ATTESTATION_URL": "http://127.0.0.1:8080/siteverify",
    "DIALTONE_ATTESTATION_SECRET": SECRET,
    "DIALTONE_ATTESTATION_SITE_KEY": "10000000-ffff",
    "DIALTONE_ATTESTATION_HOSTNAMES": "app.example.org",
}


def test_host_names_are_by_default_those_of_the_web_apps_and_of_the_service() -> None:
    def names(**variables: str) -> tuple[str, ...]:
        return support.settings(**variables).of(AttestationSettings).attestation_hostnames

    origins = "https://app.example.org:8443,http://localhost:3000,http://[::1]"
    both = names(WEB_ORIGINS=origins, PUBLIC_URL="https://APP.example.org/api")
    assert both == ("app.example.org", "localhost")
    assert (names(PUBLIC_URL="https://api.test"), names()) == (("api.test",), ())


def test_siteverify_is_asked_by_https_in_production() -> None:
    url, production = "DIALTONE_ATTESTATION_URL", SITEVERIFY | {"DIALTONE_ENV": "production"}
    assert "https://" in problems(production)[url]
    assert url not in problems(production | ALTCHA)
    assert url not in problems(production | {url: "https://hcaptcha.test/siteverify/"})
