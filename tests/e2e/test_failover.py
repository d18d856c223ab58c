"""`DIALTONE_SMS` with two messengers, and all results of the first.

Which response of Twilio has which result is tested with the Twilio messenger.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import httpx
import pytest

from application.ports.messenger import DeliveryStatus
from tests.e2e.own_messenger import OWN_FACTORY, OWN_REASON, OwnMessenger
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.http_server import respond_with
from tests.support.service import Service, running

LEGACY_INVALID: Final = "Bad Request/ Data format incorrect 400 Bad Request: "
LEGACY_NOT_SENT: Final = (
    "Internal server error 500 Internal Server Error: unable to connect to message server :- "
)


class Failover(NamedTuple):
    """A service, and its messengers in their order."""

    service: Service
    twilio: FakeTwilio
    own: OwnMessenger

    def request_otp(self, phone: str, path: str = "/auth/request-otp") -> httpx.Response:
        url = f"{self.service.url}{path}"
        return httpx.post(url, json={"phone": phone}, timeout=30, **PLAIN_HTTP)

    def request_legacy_otp(self, phone: str) -> httpx.Response:
        return self.request_otp(phone, "/authenticate/get_otp")


class Case(NamedTuple):
    """A behavior of Twilio and the result of a message."""

    name: str
    behavior: Callable[..., None] | None
    status: DeliveryStatus
    reason: str = ""


CASES: Final = (
    Case("accepts", None, DeliveryStatus.ACCEPTED),
    Case(
        "unsubscribed",
        rejects(21610),
        DeliveryStatus.INVALID_NUMBER,
        "This number has unsubscribed from these messages; reply START to one of them, or use"
        " another number.",
    ),
    Case("rate limited", rejects(20429), DeliveryStatus.REJECTED),
    Case("gateway timeout", respond_with(504, b"<html>"), DeliveryStatus.UNKNOWN),
)


@pytest.fixture(scope="module")
def running_failover(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failover]:
    folder = tmp_path_factory.mktemp("failover")
    own = OwnMessenger(folder).install()
    with FakeTwilio() as twilio:
        settings = {
            **twilio.environ,
            "DIALTONE_SMS": f"twilio,{OWN_FACTORY}",
            "DIALTONE_COUNTRIES": "*",
        }
        with running(folder, settings, own.inbox) as service:
            yield Failover(service, twilio, own)


@pytest.fixture
def failover(running_failover: Failover) -> Iterator[Failover]:
    yield running_failover
    running_failover.twilio.behavior = running_failover.twilio.respond
    running_failover.own.set_status(DeliveryStatus.ACCEPTED)


def legacy_error(status: int, exit_code: int, error: str) -> dict[str, Any]:
    return {"error": error, "exit_code": exit_code, "message": "failed", "status_code": status}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_second_messenger_is_used_only_after_a_rejection(
    failover: Failover, phone: str, other_phone: str, case: Case
) -> None:
    requests_before = len(failover.twilio.requests)
    failover.twilio.behavior = case.behavior or failover.twilio.respond

    response = failover.request_otp(phone)
    legacy = failover.request_legacy_otp(other_phone)

    assert len(failover.twilio.requests) - requests_before == 2
    by_second = [len(failover.own.inbox(number)) for number in (phone, other_phone)]
    assert by_second == ([1, 1] if case.status is DeliveryStatus.REJECTED else [0, 0])
    if case.status is DeliveryStatus.INVALID_NUMBER:
        assert (response.status_code, response.json()["errors"]) == (400, {"phone": [case.reason]})
        assert legacy.json() == legacy_error(400, 4, LEGACY_INVALID + case.reason)
    else:
        assert (response.status_code, response.json()["sent"]) == (200, True)
        assert legacy.json() == {"message": "success", "exit_code": 0}


def test_if_both_reject_the_last_reason_is_returned_and_nothing_is_counted(
    failover: Failover, phone: str
) -> None:
    failover.twilio.behavior = rejects(20429)
    failover.own.set_status(DeliveryStatus.REJECTED)

    response, *_ = [failover.request_otp(phone) for _ in range(8)]
    legacy = failover.request_legacy_otp(phone)

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json() == {"error": OWN_REASON, "code": "delivery_failed", "retry_after": 5}
    assert legacy.status_code == 500
    assert legacy.json() == legacy_error(500, 5, LEGACY_NOT_SENT + OWN_REASON)
    failover.own.set_status(DeliveryStatus.ACCEPTED)
    assert failover.request_otp(phone).json()["sent"] is True


def test_a_message_that_may_be_lost_is_a_warning_and_fails_readiness(
    failover: Failover, phone: str
) -> None:
    # `own` is healthy, but it is not tried after an unknown result.
    failover.twilio.behavior = respond_with(200, b"<html>It works!</html>")

    assert failover.request_otp(phone).json()["sent"] is True

    reason = "The response is not from the message service."
    # The first readiness of this service, so no earlier result is held.
    readiness = httpx.get(f"{failover.service.url}/health/ready", timeout=30, **PLAIN_HTTP)
    assert (readiness.status_code, readiness.json()["database"]) == (200, "ok")
    assert readiness.json()["messages"] == f"A recent message may be lost: {reason}"
    lines = [json.loads(line) for line in failover.service.log.splitlines()]
    warning = [line for line in lines if line["event"] == "delivery_unknown"][-1]
    assert (warning["level"], warning["provider"]) == ("warning", "TwilioMessenger")
    assert warning["reason"] == reason
    assert phone not in failover.service.log
