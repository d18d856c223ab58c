"""`DIALTONE_ATTESTATION` and the settings of its adapters."""

from typing import Final

from entrypoints.features.attestation import Ask, AttestationSettings, AttestationType
from entrypoints.settings.read import read_settings
from entrypoints.settings.values import Factory
from tests.support import settings as support
from tests.support.settings import problem, problems
from tests.unit.entrypoints.settings.texts import SECRET

SITEVERIFY: Final = {
    "DIALTONE_ATTESTATION": "siteverify",
    "DIALTONE_ATTESTATION_URL": "https://hcaptcha.test/siteverify/",
    "DIALTONE_ATTESTATION_SECRET": SECRET,
    "DIALTONE_ATTESTATION_SITE_KEY": "10000000-ffff",
    "DIALTONE_ATTESTATION_HOSTNAMES": "app.example.org, localhost,org.example.my_app",
}


def settings(**variables: str) -> AttestationSettings:
    return support.settings(**variables).of(AttestationSettings)


def read_attestation(environ: dict[str, str]) -> AttestationSettings:
    return read_settings(environ, None).of(AttestationSettings)


def test_without_the_setting_all_is_as_before_and_with_it_there_is_a_part_for_proofs() -> None:
    assert settings().attestation is None
    assert settings(ATTESTATION="NONE").attestation is None
    assert settings(ATTESTATION="our.own:proofs").attestation == Factory("our.own:proofs")
    assert settings(ATTESTATION="ALTCHA").attestation is AttestationType.ALTCHA
    line = problem(ATTESTATION="altcah")
    assert "Must be none, altcha, siteverify or package.module:factory." in line
    for environ, has_part in (
        ({}, False),
        ({"DIALTONE_ATTESTATION": "none"}, False),
        ({"DIALTONE_ATTESTATION": "altcha"}, True),
        (SITEVERIFY, True),
    ):
        policy = read_settings(environ, None).otp_policy(are_messages_reported=False)
        assert policy.rate_limits.has_attested_part is has_part


def test_siteverify_has_the_keys_of_a_provider_and_the_secret_is_hidden() -> None:
    read = read_attestation(SITEVERIFY)

    assert read.attestation is AttestationType.SITEVERIFY
    assert read.attestation_url == "https://hcaptcha.test/siteverify/"
    assert read.attestation_secret.value == SECRET
    assert read.attestation_hostnames == ("app.example.org", "localhost", "org.example.my_app")
    assert SECRET not in repr(read)


def test_host_names_are_by_default_those_of_the_web_apps_and_of_the_service() -> None:
    origins = "https://app.example.org:8443,http://localhost:3000,http://[::1]"
    read = settings(WEB_ORIGINS=origins, PUBLIC_URL="https://APP.example.org/api")
    assert read.attestation_hostnames == ("app.example.org", "localhost")
    assert settings(PUBLIC_URL="https://api.test").attestation_hostnames == ("api.test",)
    assert settings().attestation_hostnames == ()


def test_siteverify_needs_all_its_settings_and_altcha_none() -> None:
    lines = problems({"DIALTONE_ATTESTATION": "siteverify"})

    assert list(lines) == [name for name in SITEVERIFY if name != "DIALTONE_ATTESTATION"]
    for name in lines:
        assert "Must be set if DIALTONE_ATTESTATION is siteverify" in lines[name]
    unused = SITEVERIFY | {"DIALTONE_ATTESTATION": "altcha"}
    assert read_attestation(unused).attestation is AttestationType.ALTCHA


def test_plain_http_is_for_a_provider_on_this_machine_in_development_only() -> None:
    environ = SITEVERIFY | {"DIALTONE_ATTESTATION_URL": "http://127.0.0.1:8080/siteverify"}
    in_production = environ | {"DIALTONE_ENV": "production"}

    assert read_attestation(environ).attestation_url.startswith("http://")
    assert "https://" in problems(in_production)["DIALTONE_ATTESTATION_URL"]
    unused = in_production | {"DIALTONE_ATTESTATION": "altcha"}
    assert "DIALTONE_ATTESTATION_URL" not in problems(unused)


def test_all_strangers_are_asked_only_if_there_is_a_proof() -> None:
    assert settings().attestation_ask is Ask.LIMITED
    asked = settings(ATTESTATION="altcha", ATTESTATION_ASK="strangers")
    assert asked.attestation_ask is Ask.STRANGERS
    assert "Must be set if DIALTONE_ATTESTATION_ASK" in problem(ATTESTATION_ASK="strangers")
