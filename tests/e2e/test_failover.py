"""`DIALTONE_SMS` with two messengers, and all results of the first.

Which response of Twilio has which result is tested with the Twilio messenger.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest

from application.ports.messenger import DeliveryStatus
from tests.e2e.deployments import DATABASES, Database, on_sqlite
from tests.e2e.failover_service import (
    FailoverService,
    failover_service,
    new_client_ip,
    new_phone,
)
from tests.e2e.own_messenger import OWN_FACTORY, OWN_REASON
from tests.support.servers import behaviors
from tests.support.servers.behaviors import respond_with
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.http_server import Behavior

LEGACY_INVALID: Final = "Bad Request/ Data format incorrect 400 Bad Request: "
LEGACY_NOT_SENT: Final = (
    "Internal server error 500 Internal Server Error: unable to connect to message server :- "
)
MAY_BE_SENT: Final = (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN)
FAILED_MESSAGE: Final = json.dumps(
    {"sid": "SM" + "0" * 32, "status": "failed", "error_code": 30006}
).encode()


class Case(NamedTuple):
    """A behavior of Twilio (None: its port is closed) and the result of a message."""

    name: str
    behavior: Callable[[FakeTwilio], Behavior | None]
    status: DeliveryStatus
    reason: str = ""


CASES: Final = (
    Case("accepts", lambda twilio: twilio.respond, DeliveryStatus.ACCEPTED),
    Case(
        "unsubscribed",
        lambda _: rejects(21610),
        DeliveryStatus.INVALID_NUMBER,
        "This number has unsubscribed from these messages; reply START to one of them, or use"
        " another number.",
    ),
    Case(
        "failed at creation",
        lambda _: respond_with(201, FAILED_MESSAGE),
        DeliveryStatus.INVALID_NUMBER,
        "This number cannot get text messages; use the number of a mobile phone.",
    ),
    Case(
        "rate limited",
        lambda _: rejects(20429),
        DeliveryStatus.REJECTED,
        "The message service gets too many requests; try again shortly.",
    ),
    Case(
        "port closed",
        lambda _: None,
        DeliveryStatus.REJECTED,
        "The message service cannot be reached; try again shortly.",
    ),
    Case(
        "half an error",
        lambda _: behaviors.truncate(500, b"{}" * 9),
        DeliveryStatus.REJECTED,
        "The message service is unavailable; try again shortly.",
    ),
    Case("gateway timeout", lambda _: respond_with(504, b"<html>"), DeliveryStatus.UNKNOWN),
    Case(
        "invalid body",
        lambda _: respond_with(201, b"<html>It works!</html>"),
        DeliveryStatus.UNKNOWN,
    ),
    Case("no response", lambda _: behaviors.close_connection, DeliveryStatus.UNKNOWN),
)
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_rejection = pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.status is DeliveryStatus.REJECTED],
    ids=lambda case: case.name,
)


@pytest.fixture(scope="module", params=DATABASES, ids=lambda database: database.__name__)
def twilio_first(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FailoverService]:
    database: Database = request.param
    with failover_service(tmp_path_factory.mktemp("failover"), database(request)) as failover:
        yield failover


@pytest.fixture
def failover(twilio_first: FailoverService) -> Iterator[FailoverService]:
    yield twilio_first
    twilio_first.restore()


@pytest.fixture(scope="module")
def twilio_second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FailoverService]:
    folder = tmp_path_factory.mktemp("twilio_second")
    with failover_service(folder, {}, order=f"{OWN_FACTORY},twilio") as failover:
        yield failover


@pytest.fixture
def reversed_failover(twilio_second: FailoverService) -> Iterator[FailoverService]:
    twilio_second.own.set_status(DeliveryStatus.REJECTED)
    yield twilio_second
    twilio_second.restore()


def is_success(response: httpx.Response) -> bool:
    return response.status_code == 200 and response.json()["sent"] is True


def is_legacy_success(response: httpx.Response) -> bool:
    return (response.status_code, response.json()) == (200, {"message": "success", "exit_code": 0})


def legacy_error(status: int, exit_code: int, error: str) -> dict[str, Any]:
    return {"error": error, "exit_code": exit_code, "message": "failed", "status_code": status}


@each_case
async def test_the_second_messenger_is_used_only_after_a_rejection(
    failover: FailoverService, case: Case
) -> None:
    phone, legacy_phone = new_phone(), new_phone()
    requests_before = len(failover.twilio.received)
    failover.set_twilio(case.behavior(failover.twilio))

    response = await failover.request_otp(phone, new_client_ip())
    legacy = await failover.request_legacy_otp(legacy_phone, new_client_ip())

    requests = len(failover.twilio.received) - requests_before
    assert requests == (0 if case.name == "port closed" else 2)
    by_second = [len(failover.own.inbox(number)) for number in (phone, legacy_phone)]
    assert by_second == ([1, 1] if case.status is DeliveryStatus.REJECTED else [0, 0])
    if case.status is DeliveryStatus.INVALID_NUMBER:
        field_error = {"field": "phone", "code": "phone_unreachable", "message": case.reason}
        expected = {
            "errors": {"phone": [case.reason]},
            "code": "invalid",
            "field_errors": [field_error],
        }
        assert (response.status_code, response.json()) == (400, expected)
        assert legacy.status_code == 400
        assert legacy.json() == legacy_error(400, 4, LEGACY_INVALID + case.reason)
    else:
        assert is_success(response)
        assert is_legacy_success(legacy)


@each_case
async def test_limits_are_released_if_no_message_can_have_been_sent(
    failover: FailoverService, case: Case
) -> None:
    phone, client_ip, other_ip = new_phone(), new_client_ip(), new_client_ip()
    failover.own.set_status(DeliveryStatus.REJECTED)
    failover.set_twilio(case.behavior(failover.twilio))
    await failover.request_otp(phone, client_ip)
    failover.restore()

    same_phone = await failover.request_otp(phone, other_ip)
    same_ip = await failover.request_otp(new_phone(), client_ip)

    if case.status in MAY_BE_SENT:
        assert (same_phone.status_code, same_phone.json()["sent"]) == (200, False)
        repeated = await failover.request_otp(phone, client_ip)
        assert (repeated.status_code, repeated.json()["sent"]) == (200, False)
    else:
        assert is_success(same_phone)
    if case.status is DeliveryStatus.REJECTED:
        assert is_success(same_ip)
    else:
        assert (same_ip.status_code, same_ip.json()["code"]) == (429, "rate_limited")
        assert 15 < same_ip.json()["retry_after"] <= 3600


@each_rejection
async def test_if_both_reject_the_last_reason_is_returned(
    reversed_failover: FailoverService, case: Case
) -> None:
    reversed_failover.set_twilio(case.behavior(reversed_failover.twilio))

    response = await reversed_failover.request_otp(new_phone(), new_client_ip())
    legacy = await reversed_failover.request_legacy_otp(new_phone(), new_client_ip())

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json() == {"error": case.reason, "code": "delivery_failed", "retry_after": 5}
    assert legacy.status_code == 500
    assert legacy.json() == legacy_error(500, 5, LEGACY_NOT_SENT + case.reason)


async def test_the_setting_gives_the_order(reversed_failover: FailoverService) -> None:
    phone = new_phone()
    reversed_failover.own.set_status(DeliveryStatus.ACCEPTED)
    requests_before = len(reversed_failover.twilio.received)

    assert is_success(await reversed_failover.request_otp(phone, new_client_ip()))

    assert len(reversed_failover.own.inbox(phone)) == 1
    assert len(reversed_failover.twilio.received) == requests_before


async def test_a_message_that_may_be_lost_is_a_warning_and_fails_readiness(
    tmp_path: Path,
) -> None:
    # `own` is healthy, but it is not tried after an unknown result.
    with failover_service(tmp_path, {}) as failover:
        failover.set_twilio(respond_with(200, b"<html>It works!</html>"))
        phone = new_phone()

        assert is_success(await failover.request_otp(phone, new_client_ip()))

        reason = "The response is not from the message service."
        # The first readiness of this service, so no earlier result is held.
        readiness = await failover.readiness()
        assert readiness.status_code == 200
        assert readiness.json()["database"] == "ok"
        assert readiness.json()["messages"] == f"A recent message may be lost: {reason}"
        [line] = [text for text in failover.service.log.splitlines() if "delivery_unknown" in text]
        warning = json.loads(line)
        assert (warning["level"], warning["provider"]) == ("warning", "TwilioMessenger")
        assert warning["reason"] == reason
        assert phone not in failover.service.log


async def test_the_result_of_the_second_messenger_counts_too(failover: FailoverService) -> None:
    failover.set_twilio(rejects(20429))
    phone, client_ip = new_phone(), new_client_ip()

    failover.own.set_status(DeliveryStatus.INVALID_NUMBER)
    invalid = await failover.request_otp(phone, client_ip)
    assert (invalid.status_code, invalid.json()["errors"]) == (400, {"phone": [OWN_REASON]})

    failover.own.set_status(DeliveryStatus.UNKNOWN)
    assert is_success(await failover.request_otp(phone, new_client_ip()))
    assert (await failover.request_otp(phone, new_client_ip())).json()["sent"] is False


async def test_rejections_never_reach_a_limit(failover: FailoverService) -> None:
    failover.set_twilio(rejects(20429))
    failover.own.set_status(DeliveryStatus.REJECTED)
    phone, client_ip = new_phone(), new_client_ip()
    for _ in range(10):
        rejected = await failover.request_otp(phone, client_ip)
        assert (rejected.status_code, rejected.json()["error"]) == (503, OWN_REASON)
    failover.restore()

    assert is_success(await failover.request_otp(phone, client_ip))


async def test_fifty_requests_at_the_same_time_send_one_message(failover: FailoverService) -> None:
    failover.set_twilio(rejects(20429))
    phone, client_ip = new_phone(), new_client_ip()

    responses = await asyncio.gather(*(failover.request_otp(phone, client_ip) for _ in range(50)))

    # 429: the limit of the client IP was used, and the delivery was not stored yet.
    assert {response.status_code for response in responses} <= {200, 429}
    assert sum(response.json().get("sent", False) for response in responses) == 1
    assert len(failover.own.inbox(phone)) == 1


@pytest.mark.parametrize("twilio_first", [on_sqlite], indirect=True, ids=["on_sqlite"])
async def test_after_a_timeout_the_second_messenger_is_not_used(failover: FailoverService) -> None:
    failover.set_twilio(behaviors.never_respond)
    phone, legacy_phone, client_ip = new_phone(), new_phone(), new_client_ip()

    response, legacy = await asyncio.gather(
        failover.request_otp(phone, client_ip),
        failover.request_legacy_otp(legacy_phone, new_client_ip()),
    )

    assert is_success(response)
    assert is_legacy_success(legacy)
    assert failover.own.inbox(phone) == failover.own.inbox(legacy_phone) == []
    assert (await failover.request_otp(new_phone(), client_ip)).status_code == 429
