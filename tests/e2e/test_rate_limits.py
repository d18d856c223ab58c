"""Rate limits that many phones share, in a running service."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.e2e.deployments import DATABASES, Database
from tests.e2e.own_messenger import OwnMessenger
from tests.e2e.small_limits import (
    AMERICA,
    BEHIND_A_PROXY,
    BRAZIL,
    BRITAIN,
    FRANCE,
    GERMANY,
    INDIA,
    ITALY,
    LIMIT_PER_IP,
    LIMIT_PER_NETWORK,
    REFRESH_LIMIT_PER_IP,
    REQUEST_LIMIT_PER_IDENTITY,
    SPAIN,
    SWEDEN,
    UNRECOGNIZED_LIMIT_PER_COUNTRY,
    VERIFY_LIMIT_PER_IP,
    Instance,
    client,
    phone,
    services,
)
from tests.support.service import Service

COOLDOWN = 15
# Rounded up; a racing request may have been counted a moment later than the rejected one.
AN_HOUR, A_QUARTER = 3601, 901
TOTAL_LIMIT = 20
UNRECOGNIZED_TOTAL_LIMIT = 12
LEGACY_GET_OTP, LEGACY_VALIDATE_OTP = "/authenticate/get_otp", "/authenticate/validate_otp"
LEGACY_RATE_LIMIT = "Too many requests 429 Too Many Requests: "


@pytest.fixture(scope="module", params=DATABASES, ids=lambda database: database.__name__)
def database(request: pytest.FixtureRequest) -> Database:
    database: Database = request.param
    return database


@pytest.fixture(scope="module")
def service(
    request: pytest.FixtureRequest, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """One service for all tests; each has its own IPs and countries."""
    folder, environ = tmp_path_factory.mktemp("limits"), database(request)
    with services(folder, {**environ, **BEHIND_A_PROXY}) as [started]:
        yield started


@pytest.fixture
async def instance(service: Service) -> AsyncIterator[Instance]:
    async with client(service) as http:
        yield Instance(service, OwnMessenger(service.folder), http)


def retry_after(response: httpx.Response, code: str = "rate_limited") -> int:
    """Check a 429; return its Retry-After, which header and body must agree on."""
    assert (response.status_code, response.json()["code"]) == (429, code), response.text
    assert response.headers["retry-after"] == str(response.json()["retry_after"])
    return int(response.headers["retry-after"])


def legacy_retry_after(response: httpx.Response) -> int:
    """Check a 429 of the legacy API; return its Retry-After, which is in the header only."""
    assert (response.status_code, response.json()["exit_code"]) == (429, 1), response.text
    assert response.json()["error"].startswith(LEGACY_RATE_LIMIT)
    return int(response.headers["retry-after"])


def is_sent(response: httpx.Response) -> bool:
    return response.status_code == 200 and response.json()["sent"] is True


def assert_rejected_for(
    responses: Sequence[httpx.Response], seconds: int, code: str = "rate_limited"
) -> None:
    waits = [retry_after(response, code) for response in responses]
    assert [wait for wait in waits if not COOLDOWN < wait <= seconds] == []


async def use_up(instance: Instance, prefix: str, client_ip: str) -> None:
    """Use up the limit of an IP."""
    for number in range(LIMIT_PER_IP):
        assert is_sent(await instance.request_otp(phone(prefix, number), client_ip))


async def sign_in(instance: Instance, number: str, client_ip: str) -> None:
    [code] = instance.service.messages(number)
    response = await instance.verify_otp(number, code, client_ip)
    assert response.json()["success"] is True


async def test_above_the_limit_of_an_identity_requests_are_rejected(instance: Instance) -> None:
    tokens = []
    for number in (phone(SWEDEN, 98), phone(SWEDEN, 99)):
        await instance.request_otp(number, "198.51.100.98")
        [code] = instance.service.messages(number)
        verified = await instance.verify_otp(number, code, "198.51.100.98")
        tokens.append({"Authorization": f"Bearer {verified.json()['access_token']}"})

    responses = [
        await instance.http.get("/auth/sessions", headers=tokens[0])
        for _ in range(REQUEST_LIMIT_PER_IDENTITY + 1)
    ]
    *allowed, rejected = responses

    assert {response.status_code for response in allowed} == {200}
    assert COOLDOWN < retry_after(rejected) <= AN_HOUR
    assert (await instance.http.get("/auth/sessions", headers=tokens[1])).status_code == 200


@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
async def test_above_the_limit_of_an_ip_tokens_are_not_refreshed(
    instance: Instance, path: str
) -> None:
    networks = [f"2001:db8:{len(path):x}:{number:x}::1" for number in range(2)]

    async def post(client_ip: str) -> httpx.Response:
        return await instance.http.post(
            path,
            json={"refresh_token": "0" * 86},
            headers={"X-Forwarded-For": client_ip},
        )

    responses = [await post(networks[0]) for _ in range(REFRESH_LIMIT_PER_IP + 1)]
    *allowed, rejected = responses

    assert {response.status_code for response in allowed} <= {204, 401}
    assert COOLDOWN < retry_after(rejected) <= AN_HOUR
    assert (await post(networks[1])).status_code in (204, 401)


async def test_above_the_limit_of_an_ip_both_apis_return_retry_after(instance: Instance) -> None:
    numbers = [phone(GERMANY, number) for number in range(5)]
    await use_up(instance, GERMANY, "198.18.1.1")

    main = await instance.request_otp(numbers[3], "198.18.1.1")
    legacy = await instance.request_otp(numbers[3], "198.18.1.1", LEGACY_GET_OTP)

    assert COOLDOWN < retry_after(main) <= AN_HOUR
    assert COOLDOWN < legacy_retry_after(legacy) <= AN_HOUR
    assert instance.count_messages(numbers) == LIMIT_PER_IP
    assert is_sent(await instance.request_otp(numbers[3], "198.18.2.1"))
    legacy = await instance.request_otp(numbers[4], "198.18.2.1", LEGACY_GET_OTP)
    assert (legacy.status_code, legacy.json()["exit_code"]) == (200, 0)


@pytest.mark.parametrize(
    ("prefix", "client_ips", "outside", "limit"),
    [
        (BRITAIN, ["198.18.3.1"], (phone(BRITAIN, 50), "198.18.4.1"), LIMIT_PER_IP),
        (
            FRANCE,
            [f"2001:db8:1:1::{number:x}" for number in range(50)],
            (phone(FRANCE, 50), "2001:db8:1:2::1"),
            LIMIT_PER_IP,
        ),
        (
            ITALY,
            [f"2001:db8:2:{number:x}::1" for number in range(50)],
            (phone(ITALY, 50), "2001:db8:3::1"),
            LIMIT_PER_NETWORK,
        ),
        (
            INDIA,
            [f"198.51.100.{number}" for number in range(50)],
            (phone(INDIA, 50), "198.51.101.0"),
            LIMIT_PER_NETWORK,
        ),
        (
            SPAIN,
            [f"198.19.{number}.1" for number in range(50)],
            (phone(SWEDEN, 0), "198.19.0.1"),
            UNRECOGNIZED_LIMIT_PER_COUNTRY,
        ),
    ],
    ids=["IPv4", "a /64", "a /48", "a /24", "a country"],
)
async def test_of_fifty_requests_at_once_exactly_the_limit_is_sent(
    instance: Instance,
    prefix: str,
    client_ips: list[str],
    outside: tuple[str, str],
    limit: int,
) -> None:
    numbers = [phone(prefix, number) for number in range(50)]

    responses = await asyncio.gather(
        *(
            instance.request_otp(number, client_ips[index % len(client_ips)])
            for index, number in enumerate(numbers)
        )
    )

    assert Counter(map(is_sent, responses)) == {True: limit, False: 50 - limit}
    assert_rejected_for([response for response in responses if not is_sent(response)], AN_HOUR)
    assert instance.count_messages(numbers) == limit
    assert is_sent(await instance.request_otp(*outside))


async def test_of_fifty_verifications_at_once_exactly_the_limit_is_checked(
    instance: Instance,
) -> None:
    numbers = [phone(AMERICA, number) for number in range(50)]

    responses = await asyncio.gather(
        *(instance.verify_otp(number, "000000", "198.18.5.1") for number in numbers)
    )

    checked = [response for response in responses if response.status_code == 200]
    rejected = [response for response in responses if response.status_code != 200]
    assert [response.json()["success"] for response in checked] == [False] * VERIFY_LIMIT_PER_IP
    assert len(rejected) == 50 - VERIFY_LIMIT_PER_IP
    assert_rejected_for(rejected, AN_HOUR, "too_many_attempts")
    legacy = await instance.verify_otp(numbers[0], "000000", "198.18.5.1", LEGACY_VALIDATE_OTP)
    assert COOLDOWN < legacy_retry_after(legacy) <= AN_HOUR
    outside = await instance.verify_otp(numbers[0], "000000", "198.18.6.1")
    assert (outside.status_code, outside.json()["success"]) == (200, False)


async def test_of_thirty_parallel_requests_for_one_phone_one_succeeds(
    instance: Instance,
) -> None:
    number = phone(AMERICA, 60)

    responses = await asyncio.gather(
        *(instance.request_otp(number, f"198.18.{100 + host}.1") for host in range(30))
    )

    assert sum(map(is_sent, responses)) == instance.count_messages([number]) == 1
    accepted = [response for response in responses if response.status_code == 200]
    assert len({response.json()["request_id"] for response in accepted}) == 1 + 3
    assert_rejected_for([response for response in responses if response not in accepted], AN_HOUR)


async def test_a_phone_has_a_limit_and_each_ip_a_part_of_it(instance: Instance) -> None:
    number = phone(AMERICA, 61)

    first = await instance.request_otp(number, "198.18.7.1")

    assert A_QUARTER < first.json()["resend_in"] <= AN_HOUR
    other_network = await instance.request_otp(number, "198.18.8.1")
    assert other_network.json()["sent"] is False
    assert COOLDOWN < other_network.json()["resend_in"] <= A_QUARTER


async def test_a_login_ends_the_cooldown_and_brings_a_quota(instance: Instance) -> None:
    number, client_ip = phone(AMERICA, 62), "198.18.9.1"
    await instance.request_otp(number, client_ip)
    await sign_in(instance, number, client_ip)

    assert is_sent(await instance.request_otp(number, client_ip))


async def test_a_repeated_request_within_the_cooldown_does_not_count(instance: Instance) -> None:
    numbers = [phone(INDIA, 60 + number) for number in range(4)]
    client_ip = "198.18.10.1"
    first = await instance.request_otp(numbers[0], client_ip)
    for _ in range(2):
        repeated = await instance.request_otp(numbers[0], client_ip)
        assert (repeated.status_code, repeated.json()["sent"]) == (200, False)
        assert repeated.json()["request_id"] != first.json()["request_id"]

    for number in numbers[1:LIMIT_PER_IP]:
        assert is_sent(await instance.request_otp(number, client_ip))

    retry_after(await instance.request_otp(numbers[LIMIT_PER_IP], client_ip))
    repeated = await instance.request_otp(numbers[0], client_ip)
    assert (repeated.status_code, repeated.json()["sent"]) == (200, False)
    assert instance.count_messages(numbers) == LIMIT_PER_IP


async def test_a_sign_in_releases_the_permit_of_its_ip(instance: Instance) -> None:
    client_ip = "198.18.11.1"
    total = VERIFY_LIMIT_PER_IP + LIMIT_PER_IP
    numbers = [phone(BRITAIN, 60 + number) for number in range(total + 1)]
    for number in numbers[:VERIFY_LIMIT_PER_IP]:
        assert is_sent(await instance.request_otp(number, client_ip))
        await sign_in(instance, number, client_ip)

    for number in numbers[VERIFY_LIMIT_PER_IP:total]:
        assert is_sent(await instance.request_otp(number, client_ip))
    retry_after(await instance.request_otp(numbers[-1], client_ip))


async def test_a_client_that_is_not_a_trusted_proxy_cannot_choose_its_ip(tmp_path: Path) -> None:
    numbers = [phone(BRAZIL, number) for number in range(50)]
    with services(tmp_path, {}) as [service]:
        async with client(service) as http:
            instance = Instance(service, OwnMessenger(tmp_path), http)
            responses = await asyncio.gather(
                *(
                    instance.request_otp(number, f"198.18.{index}.1")
                    for index, number in enumerate(numbers)
                )
            )
    assert sum(map(is_sent, responses)) == instance.count_messages(numbers) == LIMIT_PER_IP


async def test_two_services_with_one_database_share_the_total_limit(
    request: pytest.FixtureRequest, database: Database, tmp_path: Path
) -> None:
    numbers = [phone((GERMANY, INDIA)[number % 2], number) for number in range(50)]
    environ = {
        **database(request),
        **BEHIND_A_PROXY,
        "DIALTONE_SMS_LIMIT_TOTAL": f"{TOTAL_LIMIT}/1h",
    }
    async with AsyncExitStack() as stack:
        both = stack.enter_context(services(tmp_path, environ, count=2))
        messenger = OwnMessenger(tmp_path)
        instances = [
            Instance(service, messenger, await stack.enter_async_context(client(service)))
            for service in both
        ]

        await use_up(instances[0], SWEDEN, "198.18.1.1")
        retry_after(await instances[1].request_otp(phone(SWEDEN, 9), "198.18.1.1"))
        responses = await asyncio.gather(
            *(
                instances[index // 2 % 2].request_otp(number, f"198.18.{150 + index}.1")
                for index, number in enumerate(numbers)
            )
        )

    remaining = UNRECOGNIZED_TOTAL_LIMIT - LIMIT_PER_IP
    assert sum(map(is_sent, responses)) == instances[0].count_messages(numbers) == remaining
    assert_rejected_for([response for response in responses if not is_sent(response)], AN_HOUR)


async def test_settings_accept_toll_free_numbers_and_test_numbers(tmp_path: Path) -> None:
    kinds = {
        "DIALTONE_TOLL_FREE_NUMBERS": "yes",
        "DIALTONE_TEST_OTPS": "+15005550006=123456",
        "DIALTONE_SMS_LIMIT_PER_COUNTRY": "1000/1h",
        "DIALTONE_SMS_LIMIT_PER_IP": "20/1h",
    }
    with services(tmp_path, kinds) as [service]:
        async with client(service) as http:
            instance = Instance(service, OwnMessenger(tmp_path), http)
            for path, (toll_free, personal) in {
                "/auth/request-otp": ("+18002345678", "+447012345678"),
                LEGACY_GET_OTP: ("+18002345679", "+15005550007"),
            }.items():
                accepted = [toll_free, "+15005550006"]
                statuses = [
                    (await instance.request_otp(number, "198.51.100.1", path)).status_code
                    for number in [*accepted, personal]
                ]
                assert statuses == [200, 200, 400]
                assert instance.count_messages([toll_free]) == 1
                assert instance.count_messages(["+15005550006", personal]) == 0
