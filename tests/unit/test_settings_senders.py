"""Who sends the messages, and what that needs."""

import pytest

from entrypoints.settings import read_settings
from entrypoints.settings.kinds import Factory, Sender, TwilioAccount
from tests.support.settings import refused

HEX = "0123456789abcdefABCDEF0123456789"
TWILIO = {
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "IN,US",
    "TWILIO_ACCOUNT_SID": f"AC{HEX}",
    "TWILIO_AUTH_TOKEN": "a token: of theirs",
    "TWILIO_FROM": "+15005550006",
}
SERVICE = "TWILIO_MESSAGING_SERVICE_SID"


def test_twilio_sends_from_a_number_or_by_a_messaging_service() -> None:
    by_number = read_settings(TWILIO, None)
    by_service = read_settings(
        TWILIO
        | {"TWILIO_FROM": "", SERVICE: f"MG{HEX}", "TWILIO_API_BASE": "http://stand-in.test/"},
        None,
    )

    account = (f"AC{HEX}", "a token: of theirs")
    assert by_number.sms == (Sender.TWILIO,)
    assert by_number.twilio == TwilioAccount(*account, "+15005550006", None)
    assert by_service.twilio == TwilioAccount(*account, f"MG{HEX}", "http://stand-in.test")


@pytest.mark.parametrize("sender", ["+12", "12", "ACME Läut", "Twelve chars", "555-0006", "+ 1-2"])
def test_what_no_message_can_come_from_is_refused(sender: str) -> None:
    lines = refused(TWILIO | {"TWILIO_FROM": sender})

    assert list(lines) == ["TWILIO_FROM"]
    assert sender not in lines["TWILIO_FROM"]


@pytest.mark.parametrize("sender", ["+911234567890", "55512", "Acme", "MGM&Co _1+-", "1st Bank"])
def test_a_number_a_short_code_or_a_name_is_taken(sender: str) -> None:
    account = read_settings(TWILIO | {"TWILIO_FROM": sender}, None).twilio

    assert account is not None
    assert account.sender == sender


def test_everything_that_twilio_needs_and_lacks_is_named_with_an_example() -> None:
    lines = refused({"DIALTONE_SMS": "Twilio", "TWILIO_FROM": " "})

    assert list(lines) == [
        "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM", "DIALTONE_COUNTRIES",
    ]  # fmt: skip
    for name, line in lines.items():
        assert line.startswith(f"{name}: It is not set, and ")
        assert f" Example: {name}=" in line
    assert SERVICE in lines["TWILIO_FROM"]


def test_a_number_and_a_service_are_one_too_many_however_they_are_written() -> None:
    both = TWILIO | {SERVICE: f"MG{HEX}"}

    for environ in (both, both | {"TWILIO_FROM": "no sender"}):
        lines = refused(environ)

        assert list(lines) == ["TWILIO_FROM"]
        assert f"one of this and {SERVICE}, not both" in lines["TWILIO_FROM"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TWILIO_ACCOUNT_SID", f"SK{HEX}"),
        ("TWILIO_ACCOUNT_SID", f"AC{HEX}0"),
        ("TWILIO_ACCOUNT_SID", "tops3cret"),
        ("TWILIO_AUTH_TOKEN", "tops3cret\x00"),
        ("TWILIO_API_BASE", "https://me:tops3cret@api.test"),
        ("TWILIO_API_BASE", "tops3cret.test"),
    ],
)
def test_what_twilio_cannot_use_is_refused_and_not_quoted(name: str, text: str) -> None:
    lines = refused(TWILIO | {name: text})

    assert list(lines) == [name]
    assert text not in lines[name]
    assert "tops3cret" not in lines[name]


def test_a_service_that_is_none_is_told_of_once() -> None:
    lines = refused(TWILIO | {"TWILIO_FROM": "", SERVICE: f"AC{HEX}"})

    assert list(lines) == [SERVICE]


def test_what_a_shell_holds_for_twilio_is_not_judged_where_nothing_uses_it() -> None:
    shell = {name: "\x1b?" for name in TWILIO if name.startswith("TWILIO")}
    shell |= {SERVICE: "?", "TWILIO_API_BASE": "ftp://x"}

    for sms in ("", "console", "my.package:factory"):
        environ = {"DIALTONE_SMS": sms, "DIALTONE_COUNTRIES": "IN"}
        assert read_settings(environ | shell, None) == read_settings(environ, None)


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize("sms", ["twilio", "my.package:factory"])
def test_no_sender_but_the_console_goes_without_countries_anywhere(
    environment: str, sms: str
) -> None:
    environ = TWILIO | {"DIALTONE_ENV": environment, "DIALTONE_SMS": sms, "DIALTONE_COUNTRIES": ""}

    assert "It is not set" in refused(environ)["DIALTONE_COUNTRIES"]


def test_in_development_codes_may_go_to_every_country_by_decision() -> None:
    everywhere = {"DIALTONE_COUNTRIES": "*", "DIALTONE_SMS": "my.package:factory"}

    assert read_settings(everywhere, None).sms == (Factory("my.package:factory"),)


def test_a_country_that_is_none_is_told_of_once() -> None:
    lines = refused(TWILIO | {"DIALTONE_COUNTRIES": "XX"})

    assert list(lines) == ["DIALTONE_COUNTRIES"]
    assert "ISO code" in lines["DIALTONE_COUNTRIES"]


def test_several_senders_are_tried_in_the_order_written() -> None:
    settings = read_settings(TWILIO | {"DIALTONE_SMS": "my.package:factory , Twilio,console"}, None)

    assert settings.sms == (Factory("my.package:factory"), Sender.TWILIO, Sender.CONSOLE)
    assert settings.twilio is not None


def test_one_among_several_that_may_cost_money_needs_countries() -> None:
    environ = {"DIALTONE_SMS": "console,my.package:factory"}

    assert "may cost money" in refused(environ)["DIALTONE_COUNTRIES"]


def test_a_sender_twice_is_refused_since_it_would_refuse_twice() -> None:
    assert "each sender once" in refused({"DIALTONE_SMS": "console,Console"})["DIALTONE_SMS"]
