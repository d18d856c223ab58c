"""Who sends codes by WhatsApp."""

import pytest

from entrypoints.features.whatsapp import WhatsAppSettings
from entrypoints.settings.read import read_settings
from entrypoints.settings.values import Factory
from tests.support.settings import problems
from tests.unit.settings.texts import META, TWILIO

OWN = {"DIALTONE_WHATSAPP": "our.own:factory"}


def test_nobody_does_by_default() -> None:
    assert read_settings({}, None).of(WhatsAppSettings).whatsapp is None
    named = read_settings({"DIALTONE_WHATSAPP": "none"}, None)
    assert named.of(WhatsAppSettings).whatsapp is None


def test_a_factory_of_an_operator_may() -> None:
    read = read_settings(TWILIO | OWN, None).of(WhatsAppSettings)
    assert read.whatsapp == Factory("our.own:factory")
    assert (
        "console, meta, none or package.module:factory"
        in problems({"DIALTONE_WHATSAPP": "fax"})["DIALTONE_WHATSAPP"]
    )


@pytest.mark.parametrize(
    ("environ", "required"),
    [
        (OWN, ["DIALTONE_PUBLIC_URL", "DIALTONE_COUNTRIES"]),
        (TWILIO | {"DIALTONE_WHATSAPP": "meta"}, [name for name in META if "WHATSAPP_" in name]),
    ],
)
def test_a_provider_needs_its_variables(environ: dict[str, str], required: list[str]) -> None:
    lines = problems(environ)
    assert sorted(lines) == sorted(name for name in required if name != "DIALTONE_WHATSAPP")
    assert all("ust be set if " in line for line in lines.values())


def test_the_terminal_needs_none() -> None:
    environ = {"DIALTONE_WHATSAPP": "console"}
    assert read_settings(environ, None).of(WhatsAppSettings).whatsapp is not None


def test_production_prints_no_codes() -> None:
    lines = problems(TWILIO | {"DIALTONE_ENV": "production", "DIALTONE_WHATSAPP": "console"})
    assert "console prints codes" in lines["DIALTONE_WHATSAPP"]
