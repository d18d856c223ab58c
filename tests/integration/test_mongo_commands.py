"""Which commands a request sends, and how many round trips to the database it waits for.

Commands of one round trip go out together. The calls of the driver are what takes the service's
time.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from application.otp.verify_otp import LoggedIn
from application.wiring import Policy
from domain.errors import TooManyAttempts
from domain.identities.refresh_token import parse_refresh_token
from domain.media.page import ItemFilter, PageRequest
from domain.otp.delivery import Channel
from tests.integration.mongo_support import RoundTrips, open_lockstep
from tests.support.app_harness import WEBHOOK_URLS, AppHarness, wrong_code
from tests.support.builders import CLIENT_IP, a_phone

OTHER_IP = "203.0.113.99"
REQUEST_READS = ["find"] * 2
"""The verification, and the limits of failed attempts."""
ATTEMPT_READS = ["find", "find", "update"]
"""The verification and earlier attempts, beside the permits of the IP and of failed attempts."""


@dataclass(frozen=True, slots=True)
class Service:
    """The use cases over MongoDB, and their round trips."""

    app: AppHarness
    round_trips: RoundTrips

    def costs(self) -> list[list[str]]:
        """Return the commands of each round trip since the last call."""
        costs = self.round_trips.commands.copy()
        self.round_trips.commands.clear()
        return costs

    async def log_in(self) -> LoggedIn:
        """Log in, and wait until no rate limit applies."""
        await self.app.request_otp()
        result = await self.app.verify_otp(self.app.last_code, with_refresh=True)
        assert isinstance(result, LoggedIn)
        self.app.advance(hours=12)
        self.costs()
        return result


@pytest.fixture
async def service(emptied_mongo_database: str) -> AsyncIterator[Service]:
    async with open_lockstep(emptied_mongo_database) as (repositories, round_trips):
        policy = Policy(webhook_urls=WEBHOOK_URLS)
        yield Service(AppHarness(repositories=repositories, policy=policy), round_trips)


async def test_a_request_is_reads_the_permits_and_the_verification(service: Service) -> None:
    await service.app.request_otp()
    assert service.costs() == [REQUEST_READS, ["update"], ["insert"]]
    await service.app.request_otp()  # Within the cooldown it adds its id.
    assert service.costs() == [REQUEST_READS, ["update"]]

    service.app.advance(minutes=1)
    await service.app.request_otp()
    assert service.costs() == [REQUEST_READS, ["update"], ["update"]]


async def test_a_request_of_a_known_phone_takes_as_many_round_trips(service: Service) -> None:
    token = (await service.log_in()).device_token

    await service.app.request_otp(client_ip=OTHER_IP)
    assert service.costs() == [REQUEST_READS, ["update"], ["update"]]
    service.app.advance(minutes=1)
    await service.app.request_otp(device_token=token)
    assert service.costs() == [["find", *REQUEST_READS], ["update"], ["update"]]


async def test_a_call_is_recorded_before_it_is_placed_and_after(service: Service) -> None:
    await service.app.request_otp(channel=Channel.VOICE)
    of_call = [["insert"], ["update"]]
    assert service.costs() == [REQUEST_READS, ["update"], ["insert"], *of_call]


async def test_a_wrong_code_is_a_read_beside_its_permits_and_a_write(service: Service) -> None:
    requested = await service.app.request_otp()
    wrong = wrong_code(service.app.last_code)
    service.costs()

    await service.app.verify_otp(wrong, request_id=requested.request_id)
    assert service.costs() == [ATTEMPT_READS, ["update"]]
    await service.app.verify_otp(wrong)
    assert service.costs() == [ATTEMPT_READS, ["update"]]
    await service.app.verify_otp(wrong, client_ip=OTHER_IP)
    assert service.costs() == [ATTEMPT_READS, ["update"]]


@pytest.mark.parametrize("has_callback", [False, True])
async def test_a_wrong_code_takes_as_many_round_trips_without_a_challenge(
    service: Service, has_callback: bool
) -> None:
    if has_callback:
        await service.app.request_callback()
        service.costs()
    else:
        await service.log_in()

    for phone in (a_phone(), a_phone(2)):
        await service.app.verify_otp("123456", phone)
        # The permit of the phone and the IP, and the callback or the permit that is released.
        assert service.costs() == [ATTEMPT_READS, ["update", "update"]]


@pytest.mark.parametrize("has_callback", [False, True])
async def test_a_rejected_attempt_takes_as_many_round_trips_without_a_challenge(
    service: Service, has_callback: bool
) -> None:
    phones = (a_phone(), a_phone(2))
    for phone in phones[: 1 + has_callback]:
        await service.app.request_otp(phone)
    code = service.app.last_code
    for phone in phones:
        for number in range(1, 6):
            await service.app.verify_otp(wrong_code(code, number), phone)
    if has_callback:
        await service.app.request_callback(a_phone(2))

    for phone in phones:
        service.costs()
        with pytest.raises(TooManyAttempts):
            await service.app.verify_otp(wrong_code(code), phone)
        reads, second = service.costs()
        assert reads == ATTEMPT_READS
        assert "update" in second  # The permit that is released.


async def test_the_first_login_takes_three_round_trips(service: Service) -> None:
    await service.app.request_otp()
    service.costs()

    assert isinstance(await service.app.verify_otp(service.app.last_code), LoggedIn)
    assert service.costs() == [ATTEMPT_READS, ["find", "update"], ["insert", "update"]]


async def test_a_later_login_takes_three_round_trips(service: Service) -> None:
    token = (await service.log_in()).device_token

    for client_ip, has_id, has_token in itertools.product(
        (CLIENT_IP, OTHER_IP), (False, True), (False, True)
    ):
        service.app.advance(hours=12)
        requested = await service.app.request_otp()
        service.costs()
        result = await service.app.verify_otp(
            service.app.last_code,
            client_ip=client_ip,
            request_id=requested.request_id if has_id else None,
            device_token=token if has_token else None,
        )
        assert isinstance(result, LoggedIn)
        reads = ["find", *ATTEMPT_READS] if has_token else ATTEMPT_READS
        assert service.costs() == [reads, ["find", "update"], ["update"] * 2]


async def test_after_a_login_by_the_code_of_a_call_the_call_is_read(service: Service) -> None:
    await service.app.request_callback()
    code = await service.app.code_of_last_call()
    service.costs()

    assert isinstance(await service.app.verify_otp(code), LoggedIn)
    login = [ATTEMPT_READS, ["find", "update"], ["insert", "update"]]
    assert service.costs() == [*login, ["find"]]  # It did not read the code: no write.


async def test_a_refresh_is_a_read_and_a_write_and_its_repeat_a_read(service: Service) -> None:
    token = parse_refresh_token((await service.log_in()).tokens.refresh_token or "")

    await service.app.use_cases.refresh_session(token)
    assert service.costs() == [["find"], ["update"]]
    await service.app.use_cases.refresh_session(token)
    assert service.costs() == [["find"]]


async def test_an_authenticated_request_is_one_read(service: Service) -> None:
    await service.app.request_otp()
    logged_in = await service.app.verify_otp(service.app.last_code)
    assert isinstance(logged_in, LoggedIn)
    service.costs()

    authenticated = await service.app.use_cases.authenticate(logged_in.tokens.access_token)

    assert authenticated.identity.phone == a_phone()
    assert service.costs() == [["find"]]


async def test_an_upload_is_two_writes_and_a_read_beside_its_file(service: Service) -> None:
    principal = await service.app.add_user(a_phone(), "Rahul")
    service.costs()

    await service.app.upload_image(principal)
    assert service.costs() == [["insert"], ["find"], ["update"]]  # After the authentication.


async def test_a_page_of_the_library_takes_two_round_trips(service: Service) -> None:
    principal = await service.app.add_user(a_phone(), "Rahul")
    for _ in range(2):
        await service.app.upload_image(principal)
    access_token = await service.app.access_token()
    use_cases, page_read = service.app.use_cases, ["aggregate", "count"]
    service.costs()

    await asyncio.gather(use_cases.authenticate(access_token), use_cases.list_items.last_change())
    first = await use_cases.list_items(ItemFilter(), PageRequest(per_page=1))
    assert service.costs() == [["find", "find"], page_read]
    await use_cases.list_items(ItemFilter(), PageRequest(per_page=1, after=first.page.next_cursor))
    assert service.costs() == [page_read]
    await use_cases.list_items(ItemFilter(principal.identity.id), PageRequest())
    assert service.costs() == [[*page_read, "find"]]  # Whether the owner is deleted.
