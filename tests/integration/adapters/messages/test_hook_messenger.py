"""The messenger of an HTTP hook, and everything that can happen to a message."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest

from adapters.messages.http_hook import HOOK_TIMEOUTS, HookMessenger, open_hook_messenger
from application.ports.otp import DeliveryStatus
from application.ports.webhooks import MessageStatus
from domain.otp.delivery import ReportedStatus
from tests.support.builders import a_message, a_phone
from tests.support.servers.fake_hook import SECRET, FakeHook, sign_status
from tests.support.timeouts import LONG

PHONE: Final = a_phone()
TEXT: Final = "012345 is your code"
STATUS_URL: Final = "https://dialtone.example.org/sms/status?delivery=" + "ab" * 16
OTHER_STATUS_URL: Final = "https://dialtone.example.org/sms/status?delivery=" + "cd" * 16


@pytest.fixture
def hook() -> Iterator[FakeHook]:
    with FakeHook() as hook:
        yield hook


@pytest.fixture
async def messenger(hook: FakeHook) -> AsyncIterator[HookMessenger]:
    async with open_hook_messenger(
        "the hook", f"{hook.url}/sms?key=1", [SECRET], timeouts=LONG
    ) as messenger:
        yield messenger


async def test_a_message_is_posted_as_documented(hook: FakeHook, messenger: HookMessenger) -> None:
    sent = await messenger.send(
        PHONE, a_message(TEXT, status_url=STATUS_URL, locale="pt", requested_locale="pt-BR")
    )
    notice = await messenger.send(PHONE, a_message(TEXT))

    assert (sent.status, sent.provider_message_id) == (DeliveryStatus.ACCEPTED, "p1")
    assert (notice.status, notice.provider_message_id) == (DeliveryStatus.ACCEPTED, "p2")
    assert {(request.method, request.path) for request in hook.requests} == {("POST", "/sms?key=1")}
    assert {request.headers["Content-Type"] for request in hook.requests} == {"application/json"}
    assert HOOK_TIMEOUTS.total == 5
    # Gunicorn keeps an idle connection for two seconds.
    assert HOOK_TIMEOUTS.idle < 2
    first_id, second_id = [message.pop("message_id") for message in hook.messages]
    assert first_id != second_id
    message = {"phone": PHONE.e164, "country": PHONE.country, "text": TEXT, "channel": "sms"}
    message["purpose"] = "sign_in"
    assert hook.messages == [
        message | {"locale": "pt-BR", "status_url": STATUS_URL},
        message | {"locale": None, "status_url": None},
    ]


async def test_the_words_of_the_hook_are_for_the_log_and_without_digits(
    hook: FakeHook, messenger: HookMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    hook.error = "rejected"

    with caplog.at_level(logging.WARNING):
        result = await messenger.send(PHONE, a_message(TEXT))

    assert "is your code" not in result.reason
    [record] = caplog.records
    assert record.msg == {
        "event": "hook_rejected_message",
        "provider": "the hook",
        "error_code": "rejected",
        "reason": f"+{'*' * 11}: ****** is your code",
    }


async def test_the_health_check_is_a_connection_whose_success_is_held(
    hook: FakeHook, messenger: HookMessenger
) -> None:
    await messenger.check()
    await messenger.check()

    assert [(request.method, request.path) for request in hook.requests] == [("HEAD", "/")]
    assert await messenger.check_connection() == "no message was sent"


async def send(hook: FakeHook, messenger: HookMessenger, url: str = STATUS_URL) -> str:
    """Send a message, and return its id."""
    await messenger.send(PHONE, a_message(TEXT, status_url=url))
    message_id: str = hook.messages[-1]["message_id"]
    return message_id


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"status": "sent", "error_code": null, "more": 1}',
            [MessageStatus(ReportedStatus.SENT)],
        ),
        (
            b'{"status": "failed", "error_code": 30007}',
            [MessageStatus(ReportedStatus.FAILED, "30007")],
        ),
        (b'{"status": "Delivered"}', None),
    ],
)
async def test_a_hook_reports_the_status_of_a_message(
    hook: FakeHook, messenger: HookMessenger, body: bytes, expected: list[MessageStatus] | None
) -> None:
    message_id = await send(hook, messenger)

    assert messenger.read_statuses(sign_status(message_id, STATUS_URL, body)) == expected


async def test_a_status_of_one_message_is_none_of_another(
    hook: FakeHook, messenger: HookMessenger
) -> None:
    message_id = await send(hook, messenger)
    other_id = await send(hook, messenger, OTHER_STATUS_URL)

    for url, own_id in ((STATUS_URL, message_id), (OTHER_STATUS_URL, other_id)):
        assert messenger.read_statuses(sign_status(own_id, url)) is not None
    for url, foreign_id in ((OTHER_STATUS_URL, message_id), (STATUS_URL, other_id)):
        assert messenger.read_statuses(sign_status(foreign_id, url)) is None
    for any_id in ("", message_id[:-1], message_id + "0", "sms_"):
        assert messenger.read_statuses(sign_status(any_id, STATUS_URL)) is None
    # The hook may have made it.
    status = sign_status("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", STATUS_URL)
    assert messenger.read_statuses(status) is not None
    async with open_hook_messenger("another", hook.url, [SECRET], timeouts=LONG) as other_hook:
        assert other_hook.read_statuses(sign_status(message_id, STATUS_URL)) is None
