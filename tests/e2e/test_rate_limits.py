"""Rate limits that many phones share, in two services with one database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.e2e.deployments import DATABASES, Database
from tests.e2e.own_messenger import OWN_FACTORY, OwnMessenger
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP

LIMIT_PER_IP: Final = 3
TOTAL_LIMIT: Final = 20
UNRECOGNIZED_TOTAL_LIMIT: Final = 12
"""What strangers may use of the total."""
SETTINGS: Final = {
    "DIALTONE_SMS": OWN_FACTORY,
    "DIALTONE_COUNTRIES": "*",
    "DIALTONE_SMS_LIMIT_PER_IP": f"{LIMIT_PER_IP}/1h",
    "DIALTONE_SMS_LIMIT_TOTAL": f"{TOTAL_LIMIT}/1h",
    "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
    "DIALTONE_TOLL_FREE_NUMBERS": "yes",
}


@pytest.fixture(params=DATABASES, ids=lambda database: database.__name__)
async def instances(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of two services with one database and one messenger."""
    database: Database = request.param
    environ, messenger = {**SETTINGS, **database(request)}, OwnMessenger(tmp_path).install()
    async with AsyncExitStack() as stack:
        services = [
            stack.enter_context(running(tmp_path, environ, messenger.inbox)) for _ in range(2)
        ]
        yield [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=service.url, timeout=30, **PLAIN_HTTP)
            )
            for service in services
        ]


async def request_otp(http: httpx.AsyncClient, number: str, client_ip: str) -> httpx.Response:
    headers = {"X-Forwarded-For": client_ip}
    return await http.post("/auth/request-otp", json={"phone": number}, headers=headers)


async def test_two_services_with_one_database_share_all_limits(
    instances: list[httpx.AsyncClient], tmp_path: Path
) -> None:
    first, second = instances
    for number in ("+18002345678", "+46701234501", "+46701234502"):
        assert (await request_otp(first, number, "198.18.1.1")).status_code == 200

    over = await request_otp(second, "+46701234503", "198.18.1.1")
    assert (over.status_code, over.json()["code"]) == (429, "rate_limited")
    assert 15 < int(over.headers["retry-after"]) == over.json()["retry_after"] <= 3661

    # Each in a number range of its own.
    forms = ("+491511{:02d}34567", "+9198{:02d}543210")
    numbers = [forms[index % 2].format(index) for index in range(50)]
    responses = await asyncio.gather(
        *(
            request_otp(instances[index // 2 % 2], number, f"198.18.{150 + index}.1")
            for index, number in enumerate(numbers)
        )
    )

    remaining = UNRECOGNIZED_TOTAL_LIMIT - LIMIT_PER_IP
    assert [response.status_code for response in responses].count(200) == remaining
    assert {response.status_code for response in responses} == {200, 429}
    messages = [OwnMessenger(tmp_path).inbox(number) for number in numbers]
    assert sum(map(len, messages)) == remaining
