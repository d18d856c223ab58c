"""The promises of the port that places calls and has the recordings."""

from secrets import token_hex
from typing import Final

import pytest

from application.features.voice.ports import CallProvider
from application.ports.errors import CallProviderUnavailable, RecordingNotFound
from application.ports.otp import DeliveryResult, DeliveryStatus
from domain.phone import PhoneNumber
from tests.contract.suites.outcomes import expect_errors, observe
from tests.contract.suites.provider_driver import (
    DISCONNECTS,
    FAILED_CALLS,
    HANGS,
    LOST_ANSWERS,
    WITHOUT_PROVIDER,
    LostAnswer,
    answers,
    expect_check,
)
from tests.contract.suites.voice.drivers import CallsDriver, PlacedCall

PHONE: Final = PhoneNumber("+14155550001")
OTHER_PHONE: Final = PhoneNumber("+14155550142")
URL: Final = "https://dialtone.example.org/voice/outbound/4f2a?x=1&y=%20"
STATUS_URL: Final = "https://dialtone.example.org/voice/status?call=4f2a"
UNKNOWN_ID: Final = "0" * 32
CONTENT: Final = bytes(range(256)) * 1000
LONG_CONTENT: Final = CONTENT * 32
"""More than a connection takes that nobody reads from."""
PLACE_SECONDS: Final = 15
RECORDING_SECONDS: Final = 30
"""See the ports."""


async def place_call(
    calls_driver: CallsDriver,
    url: str = URL,
    phone: PhoneNumber = PHONE,
    status_url: str = STATUS_URL,
) -> DeliveryResult:
    """Place a call; fail in words if the provider does not keep its promises."""
    outcome = await observe(calls_driver.calls.place_call(phone, url, status_url), PLACE_SECONDS)
    if not isinstance(outcome.result, DeliveryResult):
        expected = "A failure is a DeliveryResult: UNKNOWN if the phone may ring"
        raise AssertionError(f"place_call {outcome.words}. {expected}.") from outcome.error
    return outcome.result


def new_url() -> str:
    """Return a URL that no other test uses: the provider may keep its calls."""
    return f"{URL}&new={token_hex(8)}"


async def placed_with(calls_driver: CallsDriver, url: str) -> list[PlacedCall]:
    """Return all requests for a call with this URL."""
    return [call for call in await calls_driver.placed() if call.url == url]


async def read(calls: CallProvider, recording_id: str) -> bytes:
    async with calls.open_recording(recording_id) as recording:
        content = b"".join([chunk async for chunk in recording.chunks])
        assert recording.size in (None, len(content))
        assert recording.media_type.startswith("audio/")
        return content


async def test_a_call_is_placed_once_with_its_urls(calls_driver: CallsDriver) -> None:
    for phone, status_url in ((PHONE, STATUS_URL), (OTHER_PHONE, f"{STATUS_URL}2")):
        url = new_url()
        result = await place_call(calls_driver, url, phone, status_url)

        is_accepted = (result.status, result.reason) == (DeliveryStatus.ACCEPTED, "")
        assert is_accepted, f"place_call returned {result!r}"
        placed = await placed_with(calls_driver, url)
        assert placed == [PlacedCall(phone.e164, url, status_url)], (
            f"Of one place_call the provider got {len(placed)} requests, each with number and "
            f"URLs: {placed}"
        )


async def test_a_call_that_is_accepted_has_an_id_of_its_own(calls_driver: CallsDriver) -> None:
    ids = [(await place_call(calls_driver)).provider_call_id for _ in range(2)]

    assert all(ids), "place_call returned ACCEPTED without the provider_call_id of its webhooks"
    assert len(set(ids)) == len(ids), f"Two calls have the same provider_call_id {ids[0]!r}"


def check_failure(result: DeliveryResult) -> None:
    """Fail if the result of a call that was not accepted has an id, no reason or a secret."""
    words = f"place_call returned {result!r}"
    assert result.reason, f"{words}, which has no reason"
    assert result.provider_call_id == "", f"{words}, which has the id of a call"
    secrets = secrets_in(f"{result.full_reason} {result.error_code}", PHONE)
    assert not secrets, f"{words}, which has the number or a URL of the call"


async def test_without_a_provider_no_call_is_placed_and_afterwards_they_are_again(
    calls_driver: CallsDriver,
) -> None:
    url = new_url()
    await calls_driver.provider_is("away")
    for _ in range(FAILED_CALLS):
        result = await place_call(calls_driver, url)
        assert result.status in WITHOUT_PROVIDER, f"place_call returned {result!r} without provider"
        check_failure(result)

    await calls_driver.provider_is("well")
    result = await place_call(calls_driver, url)
    assert result.status is DeliveryStatus.ACCEPTED, (
        f"place_call returned {result!r} after its provider was back"
    )
    assert len(await placed_with(calls_driver, url)) == 1, (
        "A call that failed was placed after the provider was back"
    )


@pytest.mark.parametrize("failure", LOST_ANSWERS, ids=str)
async def test_a_call_without_an_answer_is_unknown_and_not_placed_again(
    calls_driver: CallsDriver, failure: LostAnswer
) -> None:
    url = new_url()
    await place_call(calls_driver, new_url())  # a handshake is done
    await failure.begin(calls_driver)
    result = await place_call(calls_driver, url)

    assert result.status is DeliveryStatus.UNKNOWN, (
        f"place_call returned {result!r}, though the provider {failure}: the phone may ring"
    )
    check_failure(result)
    await calls_driver.provider_is("well")
    placed = len(await placed_with(calls_driver, url))
    assert placed == 1, (
        f"The provider {failure}, and got {placed} requests by one place_call. A call is never "
        "placed twice, and placed_calls() also lists what was not answered"
    )


async def test_an_invalid_number_has_a_reason_without_the_number(calls_driver: CallsDriver) -> None:
    await calls_driver.invalidate_number()
    url = new_url()

    result = await place_call(calls_driver, url)

    assert result.status is DeliveryStatus.INVALID_NUMBER, f"place_call returned {result!r}"
    check_failure(result)
    await expect_not_repeated(calls_driver, url)


async def expect_not_repeated(calls_driver: CallsDriver, url: str) -> None:
    """Fail if a call that the provider rejected was requested again."""
    await calls_driver.wait_for_tasks()
    count = len(await placed_with(calls_driver, url))
    assert count <= 1, f"The provider rejected a call, and got {count} requests by one place_call"


async def test_an_account_that_is_refused_is_unavailable_and_no_invalid_number(
    calls_driver: CallsDriver,
) -> None:
    await calls_driver.provider_is("refuses")
    url = new_url()

    result = await place_call(calls_driver, url)

    assert result.status in (DeliveryStatus.UNAVAILABLE, DeliveryStatus.NOT_CONNECTED), (
        f"place_call returned {result!r}, though the provider refuses the account and not the "
        "number: that is UNAVAILABLE, see DeliveryStatus"
    )
    check_failure(result)
    await expect_not_repeated(calls_driver, url)


async def test_a_recording_is_read_also_in_part_until_it_is_deleted(
    calls_driver: CallsDriver,
) -> None:
    recording_id = await calls_driver.add_recording(CONTENT)
    async with calls_driver.calls.open_recording(recording_id) as recording:
        async for chunk in recording.chunks:
            assert CONTENT.startswith(chunk)
            break
    assert await read(calls_driver.calls, recording_id) == CONTENT

    await calls_driver.calls.delete_recording(recording_id)

    with pytest.raises(RecordingNotFound):
        await read(calls_driver.calls, recording_id)


@pytest.mark.parametrize("recording_id", ["", f"RE{UNKNOWN_ID}", "../Calls", "é\n"])
async def test_an_unknown_recording_is_not_found_and_is_deleted(
    calls_driver: CallsDriver, recording_id: str
) -> None:
    reading = {"open_recording": read(calls_driver.calls, recording_id)}
    await expect_errors(reading, RecordingNotFound, seconds=RECORDING_SECONDS)
    deleted = await observe(calls_driver.calls.delete_recording(recording_id), RECORDING_SECONDS)
    assert deleted.words == "returned None", (
        f"delete_recording {deleted.words}, but one that is not there is deleted"
    )


async def test_a_recording_that_breaks_off_is_not_taken_for_the_whole(
    calls_driver: CallsDriver,
) -> None:
    recording_id = await calls_driver.add_recording(LONG_CONTENT)
    content = b""
    try:
        async with calls_driver.calls.open_recording(recording_id) as recording:
            async for chunk in recording.chunks:
                if not content:
                    await calls_driver.provider_is("drops")
                content += chunk
    except CallProviderUnavailable:
        return
    assert content == LONG_CONTENT, (
        f"open_recording yielded {len(content)} of {len(LONG_CONTENT)} bytes and no error"
    )


async def expect_no_recording(calls_driver: CallsDriver, recording_id: str) -> None:
    """Fail unless a recording can neither be read nor deleted."""
    calls = {
        "open_recording": read(calls_driver.calls, recording_id),
        "delete_recording": calls_driver.calls.delete_recording(recording_id),
    }
    errors = await expect_errors(calls, CallProviderUnavailable, seconds=RECORDING_SECONDS)
    assert not secrets_in(" ".join(map(str, errors)), PHONE)


async def test_without_a_provider_nothing_is_read_or_deleted_and_afterwards_it_is(
    calls_driver: CallsDriver,
) -> None:
    recording_id = await calls_driver.add_recording(CONTENT)
    await calls_driver.provider_is("away")
    await expect_no_recording(calls_driver, recording_id)

    await calls_driver.provider_is("well")
    assert await read(calls_driver.calls, recording_id) == CONTENT


@pytest.mark.parametrize("failure", [HANGS, DISCONNECTS, answers(500)], ids=str)
async def test_a_provider_without_an_answer_has_no_recording_and_does_not_delete_it(
    calls_driver: CallsDriver, failure: LostAnswer
) -> None:
    recording_id = await calls_driver.add_recording(CONTENT)
    await failure.begin(calls_driver)
    await expect_no_recording(calls_driver, recording_id)


@pytest.mark.parametrize("state", ["away", "silent"])
async def test_the_health_check_ends_in_time_and_fails_if_the_provider_is_away(
    calls_driver: CallsDriver, state: str
) -> None:
    await expect_check(calls_driver, calls_driver.calls, state, CallProviderUnavailable)


def secrets_in(text: str, phone: PhoneNumber) -> list[str]:
    return [secret for secret in (phone.e164, phone.e164[1:], URL) if secret in text]
