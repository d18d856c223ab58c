"""`DIALTONE_SMS` with two messengers.

Which response of Twilio has which result is tested with the Twilio messenger.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import httpx
import pytest

from application.ports.messenger import DeliveryStatus
from tests.e2e.own_messenger import OWN_FACTORY, OWN_REASON, OwnMessenger
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.service import Service, running

LEGACY_INVALID: Final = "Bad Request/ Data format incorrect 400 Bad Request: "
LEGACY_NOT_SENT: Final = (
    "Internal server error 500 Internal Server Error: unable to connect to message server :- "
)


UNSUBSCRIBED: Final = (
    "This number has unsubscribed from these messages; reply START to one of them, or use another"
    " number."
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


def test_the_second_messenger_is_used_only_after_a_rejection(
    failover: Failover, phone: str, other_phone: str
) -> None:
    failover.twilio.behavior = rejects(20429)
    assert failover.request_otp(phone).json()["sent"] is True
    assert failover.request_legacy_otp(other_phone).json() == {"message": "success", "exit_code": 0}
    assert [len(failover.own.inbox(number)) for number in (phone, other_phone)] == [1, 1]


def test_a_number_that_the_carrier_rejects_is_invalid_in_both_apis(
    failover: Failover, phone: str
) -> None:
    failover.twilio.behavior = rejects(21610)

    response, legacy = failover.request_otp(phone), failover.request_legacy_otp(phone)

    assert (response.status_code, response.json()["errors"]) == (400, {"phone": [UNSUBSCRIBED]})
    assert legacy.json() == legacy_error(400, 4, LEGACY_INVALID + UNSUBSCRIBED)
    assert failover.own.inbox(phone) == []


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
