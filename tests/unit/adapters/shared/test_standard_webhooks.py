"""Requests that are signed by the rules of Standard Webhooks."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from adapters.shared.standard_webhooks import StandardWebhooks

# The example of the specification and of its libraries.
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID: Final = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY: Final = b'{"test": 2432232314}'
TIME: Final = datetime.fromtimestamp(1614265330.5, UTC)
OTHER_SECRET: Final = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"


def test_a_request_is_signed_as_the_specification_says() -> None:
    assert StandardWebhooks([SECRET]).sign(ID, BODY, TIME) == {
        "webhook-id": ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("minutes", [-4.9, 4.9])
def test_a_signature_of_either_secret_is_enough(minutes: float) -> None:
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    both, one = StandardWebhooks([OTHER_SECRET, SECRET]), StandardWebhooks([SECRET])

    assert one.verify(both.sign(ID, BODY, now), BODY)
    assert both.verify(one.sign(ID, BODY, now), BODY)
    assert not one.verify(StandardWebhooks([OTHER_SECRET]).sign(ID, BODY, now), BODY)


@pytest.mark.parametrize("minutes", [-5.1, 5.1])
def test_an_old_request_is_not_signed(minutes: float) -> None:
    webhooks, now = StandardWebhooks([SECRET]), datetime.now(UTC) + timedelta(minutes=minutes)

    assert not webhooks.verify(webhooks.sign(ID, BODY, now), BODY)


@pytest.mark.parametrize(
    "changes",
    [
        *({"webhook-id": text} for text in ("", "\N{SNOWMAN}")),
        *({"webhook-timestamp": text} for text in ("now", "-1", "9" * 400)),
        *({"webhook-signature": text} for text in ("", "v1,\xe4", "v2,AAAA")),
    ],
)
def test_a_malformed_or_changed_request_is_not_signed(changes: dict[str, str]) -> None:
    webhooks = StandardWebhooks([SECRET])
    headers = webhooks.sign(ID, BODY, datetime.now(UTC))

    assert not webhooks.verify(headers | changes, BODY)
    assert not webhooks.verify({}, BODY)
    assert not webhooks.verify(headers, BODY + b" ")
    assert not webhooks.verify(headers, b"\xff")
