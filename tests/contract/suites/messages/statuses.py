"""Status callbacks, as the suites read them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from application.ports.webhooks import MessageStatus, SignedRequest
from tests.contract.suites.messages.driver import MessengerDriver


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def read_statuses(
    messenger_driver: MessengerDriver, request: SignedRequest
) -> Sequence[MessageStatus] | None:
    """Read a status callback; fail in words if it raises or returns something else."""
    messenger: Any = messenger_driver.messenger
    try:
        statuses = messenger.read_statuses(request)
    except Exception as error:
        words = f"read_statuses raised {type(error).__name__}: no request may do that"
        raise AssertionError(words) from error
    is_sequence = isinstance(statuses, Sequence)
    if statuses is not None and not (
        is_sequence and all(isinstance(status, MessageStatus) for status in statuses)
    ):
        pytest.fail(
            f"read_statuses returned {statuses!r}, neither a list of MessageStatus nor None"
        )
    return cast("Sequence[MessageStatus] | None", statuses)


def with_other_body(request: SignedRequest) -> SignedRequest:
    """Return a request whose signature is for another body."""
    form = [*request.form, ("Another", "field")] if request.form else ()
    return replace(request, body=request.body + b" ", form=form)


def expect_rejected(
    messenger_driver: MessengerDriver, requests: Mapping[str, SignedRequest]
) -> None:
    """Fail with what is different in each request that is taken for authentic."""
    accepted = [
        how
        for how, request in requests.items()
        if read_statuses(messenger_driver, request) is not None
    ]
    assert accepted == [], f"read_statuses accepted a callback {', '.join(accepted)}"
