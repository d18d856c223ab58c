"""The promises of the port that places calls and has the recordings."""

from typing import Final

import pytest

from application.ports.errors import CallProviderUnavailable, RecordingNotFound
from application.ports.otp import DeliveryResult, DeliveryStatus
from application.ports.voice import CallProvider
from domain.phone import PhoneNumber
from pytest_dialtone.external_adapter import is_given
from pytest_dialtone.outcomes import expect_errors, observe
from pytest_dialtone.suites.voice.drivers import CallsDriver

PHONE: Final = PhoneNumber("+14155550001")
URL: Final = "https://dialtone.example.org/voice/outbound/4f2a?x=1&y=%20"
STATUS_URL: Final = "https://dialtone.example.org/voice/status?call=4f2a"
UNKNOWN_ID: Final = "0" * 32
CONTENT: Final = bytes(range(256)) * 1000
PLACE_SECONDS: Final = 15
RECORDING_SECONDS: Final = 30
"""See the ports."""
WITHOUT_PROVIDER: Final = (
    DeliveryStatus.NOT_CONNECTED,
    DeliveryStatus.UNAVAILABLE,
    DeliveryStatus.REJECTED,
    # The provider of an external adapter may also break off.
    *([DeliveryStatus.UNKNOWN] if is_given() else []),
)


async def place_call(calls_driver: CallsDriver) -> DeliveryResult:
    """Place a call; fail in words if the provider does not keep its promises."""
    outcome = await observe(calls_driver.calls.place_call(PHONE, URL, STATUS_URL), PLACE_SECONDS)
    if not isinstance(outcome.result, DeliveryResult):
        expected = "A failure is a DeliveryResult: UNKNOWN if the phone may ring"
        raise AssertionError(f"place_call {outcome.words}. {expected}.") from outcome.error
    return outcome.result


async def read(calls: CallProvider, recording_id: str) -> bytes:
    async with calls.open_recording(recording_id) as recording:
        content = b"".join([chunk async for chunk in recording.chunks])
        assert recording.size in (None, len(content))
        assert recording.media_type.startswith("audio/")
        return content


async def test_a_call_is_placed_once_with_its_urls(calls_driver: CallsDriver) -> None:
    result = await place_call(calls_driver)

    assert result.status is DeliveryStatus.ACCEPTED
    assert result.reason == ""
    for part in (PHONE.e164, URL, STATUS_URL):
        assert (await calls_driver.placed()).count(part) == 1


async def test_without_a_provider_no_call_is_placed_and_the_reason_has_no_secrets(
    calls_driver: CallsDriver,
) -> None:
    await calls_driver.break_provider()

    result = await place_call(calls_driver)

    assert result.status in WITHOUT_PROVIDER, f"place_call returned {result!r} without its provider"
    assert result.reason
    assert result.provider_call_id == ""
    assert not secrets_in(result.reason, PHONE)


async def test_an_invalid_number_has_a_reason_without_the_number(calls_driver: CallsDriver) -> None:
    calls_driver.invalidate_number()

    result = await place_call(calls_driver)

    assert result.status is DeliveryStatus.INVALID_NUMBER
    assert result.reason
    assert not secrets_in(result.reason, PHONE)


async def test_a_recording_is_read_until_it_is_deleted(calls_driver: CallsDriver) -> None:
    recording_id = await calls_driver.add_recording(CONTENT)
    assert await read(calls_driver.calls, recording_id) == CONTENT

    await calls_driver.calls.delete_recording(recording_id)

    with pytest.raises(RecordingNotFound):
        await read(calls_driver.calls, recording_id)


@pytest.mark.parametrize("recording_id", ["", f"RE{UNKNOWN_ID}", "../Calls", "é\n"])
async def test_an_unknown_recording_is_not_found_and_is_deleted(
    calls_driver: CallsDriver, recording_id: str
) -> None:
    with pytest.raises(RecordingNotFound):
        await read(calls_driver.calls, recording_id)
    await calls_driver.calls.delete_recording(recording_id)


async def test_a_recording_need_not_be_read_to_its_end(calls_driver: CallsDriver) -> None:
    recording_id = await calls_driver.add_recording(CONTENT)

    async with calls_driver.calls.open_recording(recording_id) as recording:
        async for chunk in recording.chunks:
            assert CONTENT.startswith(chunk)
            break

    assert await read(calls_driver.calls, recording_id) == CONTENT


async def test_without_a_provider_nothing_is_read_or_deleted(calls_driver: CallsDriver) -> None:
    recording_id = await calls_driver.add_recording(CONTENT)
    await calls_driver.break_provider()

    calls = {
        "open_recording": read(calls_driver.calls, recording_id),
        "delete_recording": calls_driver.calls.delete_recording(recording_id),
    }
    errors = await expect_errors(calls, CallProviderUnavailable, seconds=RECORDING_SECONDS)
    assert not secrets_in(" ".join(map(str, errors)), PHONE)


def secrets_in(text: str, phone: PhoneNumber) -> list[str]:
    return [secret for secret in (phone.e164, phone.e164[1:], URL) if secret in text]
