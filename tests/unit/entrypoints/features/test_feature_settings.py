"""Settings of features, and what follows from them."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.security.webauthn import WebAuthnRelyingParty
from domain.features.media.errors import TooManyPixels
from domain.identities.passkey import Passkey
from domain.otp.delivery import Channel
from domain.otp.delivery_policy import ChannelOrder
from entrypoints.composition.read_settings import describe_settings, read_settings
from entrypoints.composition.use_cases import open_use_cases
from entrypoints.features.attestation import AttestationSettings
from entrypoints.features.console import ConsoleSettings
from entrypoints.features.events import EventSettings, destination_labels, stored_name
from entrypoints.features.media.feature import IMPORTED_MEDIA, MEDIA
from entrypoints.features.passkeys import PASSKEYS, PasskeySettings
from entrypoints.features.start import http_start_page, keeps_messages
from entrypoints.features.voice.feature import VoiceSettings
from entrypoints.http.features.start.api import HttpStartPageSettings
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Environment, Factory, HttpHook
from tests.support import settings as support
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW
from tests.support.settings import problem, problems, settings
from tests.unit.entrypoints.settings.texts import META, SECRET, TWILIO, VONAGE

# The settings of the library and its files


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"S3_ENDPOINT": "http://10.0.0.7:9000"}, "DIALTONE_S3_ENDPOINT"),
        ({"S3_ENDPOINT": "https://minio:9000"}, "DIALTONE_S3_ENDPOINT"),
        ({"S3_ENDPOINT": "http://minio:9000", "MEDIA_DELIVERY": "service"}, None),
        ({"S3_ENDPOINT": "http://minio:9000", "MEDIA_PUBLIC_URL": "https://cdn.test"}, None),
        ({"MEDIA_PUBLIC_URL": "http://cdn.test"}, "DIALTONE_MEDIA_PUBLIC_URL"),
        ({"S3_ENDPOINT": "https://s3.example.org"}, None),
        ({}, None),
    ],
)
def test_image_urls_that_clients_cannot_open_are_noted_in_production(
    variables: dict[str, str], name: str | None
) -> None:
    read = settings(MEDIA="s3://images", **variables)
    assert [*MEDIA.notes(read)] == []
    notes = [*MEDIA.notes(replace(read, env=Environment.PRODUCTION))]
    assert [note.partition(":")[0] for note in notes] == ([name] if name else [])


def test_the_pixels_of_an_hour_are_divided_by_the_workers_and_imports_have_any_number() -> None:
    read = settings(WORKERS="4")
    allowance = MEDIA.make_pixel_allowance(read)
    assert allowance is not None
    allowance.acquire("a user", 500_000_000)
    with pytest.raises(TooManyPixels):
        allowance.acquire("a user", 1)
    assert IMPORTED_MEDIA.make_pixel_allowance(read) is None


# `DIALTONE_EVENTS`, and what is stored and shown of a destination

URL: Final = f"https://backend.test/{SECRET}?key={SECRET}"
EVENTS: Final = {
    "DIALTONE_EVENTS": f"{URL}, our.events:open_queue,https://backend.test/2",
    "DIALTONE_EVENTS_SECRET": f"whsec_{'A' * 32}",
}


def read_events(environ: dict[str, str]) -> EventSettings:
    return read_settings(environ, None).of(EventSettings)


def test_events_go_to_urls_and_factories_of_which_nothing_secret_is_stored_or_shown() -> None:
    settings = read_events(EVENTS)

    assert settings.events == (
        HttpHook(URL, "https://backend.test"),
        Factory("our.events:open_queue"),
        HttpHook("https://backend.test/2", "https://backend.test (2)"),
    )
    assert (settings.keeps_user_events, read_events({}).keeps_user_events) == (True, False)
    labels = destination_labels(settings.events)
    names = ["https://backend.test", "our.events:open_queue", "https://backend.test (2)"]
    assert [*labels.values()] == names
    assert [len(name) for name in labels] == [12, 12, 12]
    shown = {row.name: row.shown for row in describe_settings(settings)}
    assert shown["DIALTONE_EVENTS"] == ",".join(names)
    assert SECRET not in repr(settings.events)
    assert "Must name each destination once." in problem(EVENTS="our.events:a,our.events:a")


def test_a_destination_keeps_its_stored_name_at_another_place_in_the_list() -> None:
    first, *_ = read_events(EVENTS).events
    moved = read_events(EVENTS | {"DIALTONE_EVENTS": f"https://backend.test/2,{URL}"})

    assert stored_name(moved.events[1]) == stored_name(first)


# The settings of the phone line

OWN = {"DIALTONE_SMS": "our.own:factory", "DIALTONE_COUNTRIES": "IN"}
OWN_VOICE = {"DIALTONE_VOICE": "our.own:calls", "DIALTONE_PUBLIC_URL": "https://a.test"}
NUMBER = "+15005550006"
WITH_NUMBER = TWILIO | {"TWILIO_FROM": NUMBER}


@pytest.mark.parametrize(
    ("environ", "caller_id", "has_voice_channel"),
    [
        (WITH_NUMBER, NUMBER, True),
        (WITH_NUMBER | {"TWILIO_VOICE_FROM": "+14155550001"}, "+14155550001", True),
        (TWILIO, "", False),  # a name cannot call
        (VONAGE, "", False),
        (WITH_NUMBER | {"DIALTONE_VOICE": "NONE"}, "", False),
        (WITH_NUMBER | OWN | {"DIALTONE_VOICE": "twilio"}, NUMBER, True),
        (TWILIO | {"DIALTONE_SMS": "twilio,console"}, "", False),
        (TWILIO | {"DIALTONE_SMS": "console,twilio"}, "", True),
        ({}, "", True),
        (OWN | OWN_VOICE, "", True),
        (OWN, "", False),
    ],
)
def test_calls_are_placed_by_twilio_with_a_number_a_factory_the_console_or_nobody(
    environ: dict[str, str], caller_id: str, *, has_voice_channel: bool
) -> None:
    read = read_settings(environ, None).of(VoiceSettings)

    assert (read.caller_id, read.has_voice_channel) == (caller_id, has_voice_channel)
    assert read.has_phone_line is (bool(caller_id) or isinstance(read.voice, Factory))


# `DIALTONE_ATTESTATION` and the settings of its adapters

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


# The host of the console, and what its passkeys need


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"BIND": "127.0.0.1:8001"}, "http://localhost:8001"),
        ({"PUBLIC_URL": "https://Dialtone.Example.org:443"}, "https://dialtone.example.org"),
        ({"PUBLIC_URL": "https://a.test:8443"}, "https://a.test:8443"),
        ({"PUBLIC_URL": "http://localhost:8000"}, "http://localhost:8000"),
    ],
)
def test_the_console_is_at_the_public_url_or_at_localhost(
    variables: dict[str, str], url: str
) -> None:
    read = settings(WEB_CONSOLE="yes", **variables)
    assert read.of(ConsoleSettings).console_url == url


async def test_devices_show_passkeys_of_the_staff_under_another_name(tmp_path: Path) -> None:
    variables = {
        "WEB_CONSOLE": "yes",
        "PUBLIC_URL": "https://auth.example.org",
        "PASSKEY_DOMAIN": "example.org",
        "WEB_ORIGINS": "https://app.example.org",
        "DATABASE": f"sqlite:///{tmp_path}/dialtone.db",
        "SECRETS_FILE": f"{tmp_path}/secrets.json",
    }
    async with open_use_cases(settings(**variables)) as core:
        passkeys = PASSKEYS.of(core)
        of_staff = passkeys.staff.sign_in.relying_party
        of_users = passkeys.passkeys.sign_in.relying_party
    assert isinstance(of_staff, WebAuthnRelyingParty)
    assert (of_staff.rp_id, of_staff.origins, of_staff.name) == (
        "auth.example.org",
        ["https://auth.example.org"],
        "Dialtone (staff)",
    )
    assert of_users.rp_id == "example.org"


@pytest.mark.parametrize(
    ("variables", "texts"),
    [
        ({}, []),
        ({"WEB_CONSOLE": "yes"}, ["Set it to required on each"]),
        ({"STAFF_PASSKEYS": "required"}, ["staff cannot upload pictures for others"]),
        (
            {
                "WEB_CONSOLE": "yes",
                "STAFF_PASSKEYS": "required",
                "PUBLIC_URL": "https://a.test",
                "WEB_ORIGINS": "https://b.test,https://A.test",
            },
            ["create users (users:create)", "Give the service a host of its own."],
        ),
    ],
)
def test_the_check_of_settings_says_what_a_code_is_enough_for(
    variables: dict[str, str], texts: list[str]
) -> None:
    notes = [*PASSKEYS.notes(settings(**variables))]
    assert len(notes) == len(texts)
    assert all(text in note for text, note in zip(texts, notes, strict=True))


async def test_who_cannot_sign_in_to_the_console_is_named() -> None:
    app = AppHarness()
    check = PASSKEYS.records_check(settings(WEB_CONSOLE="yes"))
    records = app.database.stores.records
    assert await check(records) == ""
    principal = await app.add_administrator()
    user_id = principal.identity.id
    assert f"no passkey for the console: {user_id} (administrator)." in await check(records)
    identities = app.use_cases.repositories.identities
    for rp_id, text in (
        (
            "former.example.org",
            f"another host than localhost, so browsers do not use them here: {user_id}",
        ),
        ("localhost", ""),
    ):
        loaded = await identities.load(user_id)
        assert loaded is not None
        passkey = a_passkey(rp_id, is_staff=True, rp_id=rp_id)
        assert await identities.replace(loaded.value.add_passkey(passkey), loaded.version)
        note = await check(records)
        assert (text in note) if text else note == ""


def a_passkey(name: str, **fields: Any) -> Passkey:
    return Passkey(
        credential_id=name.encode(),
        public_key=b"key",
        sign_count=0,
        name=name,
        created_at=NOW,
        **fields,
    )


# For which domain passkeys of users are, and on which pages they are valid

KEY_HASH: Final = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


def passkeys_of(read: Settings) -> tuple[str | None, list[str]]:
    passkeys = read.of(PasskeySettings)
    return passkeys.passkey_domain, [*passkeys.all_passkey_origins]


def test_in_development_they_are_those_of_localhost() -> None:
    assert passkeys_of(settings()) == ("localhost", ["http://localhost:8000"])
    local = settings(BIND="127.0.0.1:8001", WEB_ORIGINS="http://localhost:5173")
    assert passkeys_of(local) == ("localhost", ["http://localhost:8001", "http://localhost:5173"])


@pytest.mark.parametrize("domain", ["auth.example.org", "app.example.org", "example.org"])
def test_they_are_for_the_domain_and_valid_on_secure_web_apps(domain: str) -> None:
    read = settings(
        PUBLIC_URL="https://auth.example.org",
        WEB_ORIGINS="https://app.example.org,http://127.0.0.1:3000,http://localhost:3000",
        PASSKEY_DOMAIN=domain,
        PASSKEY_ORIGINS=KEY_HASH,
    )
    assert passkeys_of(read) == (
        domain,
        [f"https://{domain}", "https://app.example.org", "http://localhost:3000", KEY_HASH],
    )


async def test_the_passkeys_that_another_domain_loses_are_counted() -> None:
    app = AppHarness()
    check = PASSKEYS.records_check(settings())
    assert await check(app.database.stores.records) == ""
    principal = await app.add_user()
    identities = app.use_cases.repositories.identities
    for number in range(2):
        loaded = await identities.load(principal.identity.id)
        assert loaded is not None
        passkey = a_passkey(str(number))
        assert await identities.replace(loaded.value.add_passkey(passkey), loaded.version)
    note = await check(app.database.stores.records)
    assert note.startswith("Passkeys of users: 2, for localhost now.")


# When there is a page at `/`, and when it may show messages


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"BIND": "localhost:8001"}, {"port": 8001}),
        ({"BIND": "[::1]:8000"}, {}),
        ({"BIND": "127.0.0.2:8000"}, {}),
        ({"TEST_OTPS": "+14155552671=123456@2099-01-01"}, {"has_fixed_codes": True}),
        ({"BIND": "0.0.0.0:8000"}, {"keeps_messages": False}),
        ({"WORKERS": "2"}, {"keeps_messages": False}),
        ({"TRUSTED_PROXIES": "127.0.0.1"}, {"keeps_messages": False}),
        ({"SMS": "console,our.own:sms", "COUNTRIES": "US"}, {"keeps_messages": False}),
        (
            {"SMS": "our.own:sms", "COUNTRIES": "US"},
            {"keeps_messages": False, "prints_messages": False},
        ),
    ],
)
def test_with_the_terminal_alone_at_a_loopback_address_the_page_may_show_messages(
    variables: dict[str, str], expected: dict[str, Any]
) -> None:
    read = settings(**variables)
    usual = HttpStartPageSettings(port=8000, prints_messages=True, keeps_messages=True)
    found = http_start_page(read)
    assert found == replace(usual, image_sources=read.image_sources, **expected)


def test_production_has_no_page_and_keeps_no_messages() -> None:
    production = replace(settings(), env=Environment.PRODUCTION)
    assert http_start_page(production) is None
    assert not keeps_messages(production)


# The channels of each country

SMS, VOICE, WHATSAPP = Channel.SMS, Channel.VOICE, Channel.WHATSAPP
CONSOLE = {"DIALTONE_SMS": "console", "DIALTONE_WHATSAPP": "console"}


def order(environ: dict[str, str]) -> ChannelOrder:
    return read_settings(environ, None).channel_order


def test_each_country_has_its_channels_in_order() -> None:
    text = " in, BR = WhatsApp, sms,voice ; DE=sms;*=sms,whatsapp; "
    found = order(CONSOLE | {"DIALTONE_CHANNELS": text})
    assert found.of("IN") == found.of("BR") == (WHATSAPP, SMS, VOICE)
    assert (found.of("DE"), found.of("US")) == ((SMS,), (SMS, WHATSAPP))


@pytest.mark.parametrize(
    ("environ", "channels"),
    [
        (TWILIO, (SMS,)),
        ({"DIALTONE_SMS": "console"}, (SMS, VOICE)),
        (TWILIO | META, (SMS, WHATSAPP)),
        (CONSOLE, (SMS, WHATSAPP, VOICE)),
        (CONSOLE | {"DIALTONE_CHANNELS": "IN=sms"}, (SMS, WHATSAPP, VOICE)),
    ],
)
def test_without_an_entry_the_sms_comes_first(
    environ: dict[str, str], channels: tuple[Channel, ...]
) -> None:
    assert order(environ).of("US") == channels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("IN=sms;;*=sms", "between two such entries"),
        ("India=sms", "ISO code"),
        ("IN=fax,sms", "IN: Value 1: Must be sms, voice or whatsapp."),
        ("IN=sms;in=sms", "IN must be named once."),
        ("IN=sms,sms", "IN: Must name each channel once."),
        ("IN=voice,sms", "IN: voice must be the last channel."),
        ("IN=whatsapp", "IN has no sms: add it"),
    ],
)
def test_an_error_names_the_country_and_the_way_out(text: str, message: str) -> None:
    line = problems({"DIALTONE_CHANNELS": text})["DIALTONE_CHANNELS"]
    assert message in line
