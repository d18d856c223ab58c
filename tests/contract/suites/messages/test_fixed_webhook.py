"""The promises to a provider that posts to one fixed URL: references in bodies, and a handshake."""

from dataclasses import replace
from typing import Any, Final

from application.ports.webhooks import MAX_HANDSHAKE_LENGTH, SignedRequest, coverage_of
from domain.otp.delivery_report import ReportedStatus
from tests.contract.suites.messages.driver import MessengerDriver
from tests.contract.suites.messages.statuses import (
    expect_rejected,
    now,
    read_statuses,
    with_other_body,
)
from tests.contract.suites.promises import not_promised

REFERENCES: Final = (f"{'ab' * 31}-1", f"{'ab' * 31}-2")
"""As long as they may be, see `TextMessage`. Their ends are different."""
URL: Final = "https://dialtone.example.org/sms/status"
WORD: Final = "1158201444"
"""What strangers hope to get back."""
OF_STRANGERS: Final = (
    "",
    "?delivery=1",
    f"?hub.mode=subscribe&hub.challenge={WORD}&hub.verify_token=",
    f"?hub.mode=subscribe&hub.challenge={WORD}",
    f"?hub.challenge={WORD}&hub.challenge={WORD}&hub.verify_token=a&hub.verify_token=b",
    f"?challenge={WORD}&token={WORD}&crc_token={WORD}&validationToken={WORD}",
    "?%ff=%ff&a[]=%00",
    f"?{WORD * 1000}",
)


async def test_the_statuses_of_several_messages_have_the_reference_of_each(
    messenger_driver: MessengerDriver,
) -> None:
    if coverage_of(messenger_driver.messenger).url and not messenger_driver.reports_references:
        not_promised("its provider posts to the URL of each message")
    requests = await messenger_driver.sign_references(URL, REFERENCES, now())

    read = [read_statuses(messenger_driver, request) for request in requests]
    assert None not in read, "read_statuses rejected what sign_references() has signed"
    statuses = [status for statuses in read for status in statuses or ()]
    reported = {status.reference: status.status for status in statuses}
    assert reported == dict.fromkeys(REFERENCES, ReportedStatus.DELIVERED), (
        f"read_statuses returned {reported!r} of the delivered messages {REFERENCES!r}. Each "
        "status has the `reference` of its message, because no URL names it"
    )
    for request, known in zip(requests, read, strict=True):
        expect_rejected(messenger_driver, {"with another body": with_other_body(request)})
        elsewhere = read_statuses(messenger_driver, replace(request, url=f"{URL}?of=another"))
        assert elsewhere in (None, known), (
            f"read_statuses returned {elsewhere!r} where the same request has another URL, which "
            "nobody has signed. The `reference` is in the body"
        )


def answer(messenger_driver: MessengerDriver, request: SignedRequest) -> str | None:
    """Answer a GET request; fail in words if that raises or returns something else."""
    messenger: Any = messenger_driver.messenger
    try:
        text = messenger.answer_handshake(request)
    except Exception as error:
        words = f"answer_handshake raised {type(error).__name__}: no request may do that"
        raise AssertionError(words) from error
    assert text is None or isinstance(text, str), f"answer_handshake returned {text!r}"
    return text


async def test_a_stranger_gets_nothing_back(messenger_driver: MessengerDriver) -> None:
    if not hasattr(messenger_driver.messenger, "answer_handshake"):
        not_promised("it has no answer_handshake()")
    for query in OF_STRANGERS:
        for headers in ({}, {"x-signature": WORD}):
            text = answer(messenger_driver, SignedRequest(f"{URL}{query}", headers))
            assert text is None, f"answer_handshake returned {text!r} to a stranger's {query[:60]}"


async def test_a_handshake_of_the_provider_is_answered_with_its_secret_only(
    messenger_driver: MessengerDriver,
) -> None:
    request, expected = await messenger_driver.make_handshake(URL)

    text = answer(messenger_driver, request)

    assert text == expected, f"answer_handshake returned {text!r}, not {expected!r}"
    assert text.isascii()
    assert text.isprintable()
    assert 0 < len(text) <= MAX_HANDSHAKE_LENGTH
    forged, _ = await messenger_driver.make_handshake(URL, is_forged=True)
    text = answer(messenger_driver, forged)
    assert text is None, f"answer_handshake returned {text!r} to somebody without the secret"
