"""A caller whose number is unknown is asked to join."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.phone_line import (
    CONNECTING,
    CONSENT,
    GOODBYE,
    JOIN,
    OPERATOR,
    WELCOME,
    WELCOME_BACK,
    PhoneLine,
    bearer,
)


def test_an_unknown_caller_joins_and_talks_to_the_operator(line: PhoneLine, phone: str) -> None:
    before = line.identities()

    call = line.call(phone)
    assert call.heard == [WELCOME, JOIN]
    assert line.identities() == before
    call.press("1")

    consent, thanks, connecting = call.heard[2:]
    assert CONSENT in consent
    assert (thanks, connecting) == ("Thank you. You have joined Dialtone.", CONNECTING)
    assert call.verb is not None
    assert (call.verb.tag, call.verb[0].text) == ("Dial", OPERATOR)
    call.end_dial("completed")
    assert (call.heard[-1], call.status) == (GOODBYE, "completed")
    (joined,) = line.identities().keys() - before.keys()
    record = line.identities()[joined]
    assert consent in record
    assert "given_at" in record
    assert phone not in record


def test_the_owner_sees_the_consent_with_its_time_and_wording(line: PhoneLine, phone: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)  # times of the API end with milliseconds
    call = line.call(phone, "1")
    wording = call.heard[2]
    token, _ = line.sign_up(phone)

    consent = line.http.get("/users/me", headers=bearer(token)).json()["spoken_consent"]

    assert (consent["wording"], consent["language"]) == (wording, "en-US")
    assert before <= datetime.fromisoformat(consent["given_at"]) <= datetime.now(UTC)


def test_who_has_joined_is_known_at_the_next_call(line: PhoneLine, phone: str) -> None:
    line.join(phone)
    before = line.identities()

    assert line.call(phone).heard[0] == WELCOME_BACK
    assert line.identities() == before


def test_an_unknown_caller_declines(line: PhoneLine, phone: str) -> None:
    before = line.identities()

    call = line.call(phone, "2")

    assert (call.heard[-1], call.status) == ("You have not joined. Goodbye.", "completed")
    assert line.identities() == before
    assert line.call(phone).heard[0] == WELCOME


def test_who_hangs_up_during_the_consent_has_not_joined(line: PhoneLine, phone: str) -> None:
    before = line.identities()
    call = line.pick_up(phone, stops_at_redirects=True)
    call.ring()
    call.press("1")
    assert CONSENT in call.heard[-1]

    call.hang_up()

    assert line.identities() == before
    assert line.call(phone).heard[0] == WELCOME


@pytest.mark.parametrize(
    ("prefix", "language", "yes", "joined"),
    [
        ("+1415558", "en-US", "Yes, please!", "You have joined Dialtone."),
        ("+91987650", "hi-IN", "जी हाँ", "आप Dialtone से जुड़ गए हैं।"),
        ("+3461234", "es-MX", "¡Claro, por favor!", "Se ha unido a Dialtone."),
    ],
    ids=["en", "hi", "es"],
)
def test_speech_is_understood_in_the_language_of_the_country(
    line: PhoneLine, phone: str, prefix: str, language: str, yes: str, joined: str
) -> None:
    call = line.call(prefix + phone[-4:])
    assert call.verb is not None
    assert call.verb.get("language") == language

    call.speak(yes, language)

    assert any(joined in text for text in call.heard), call.heard


@pytest.mark.parametrize("caller", ["", "anonymous", "+266696687", "+86282452253", "Restricted"])
def test_a_suppressed_number_cannot_join(line: PhoneLine, caller: str) -> None:
    before = line.identities()

    call = line.call(caller, "1")

    assert call.heard[-1] == "Sorry, you cannot join from this number now. Goodbye."
    assert line.identities() == before
