"""The promises of the port that places calls and has the recordings."""

from collections.abc import AsyncIterator

import pytest

from adapters.twilio.calls import open_twilio_calls
from application.ports.errors import CallProviderUnavailable, RecordingNotFound
from application.ports.otp import DeliveryResult, DeliveryStatus
from application.ports.voice import CallProvider
from domain.phone import PhoneNumber
from tests.contract import external_adapter
from tests.contract.outcomes import expect_errors, observe
from tests.support.acme_voice import AcmeVoice, open_acme_voice
from tests.support.builders import a_phone
from tests.support.fakes.call_provider import INVALID_NUMBER, FakeCallProvider
from tests.support.servers.fake_acme_voice import FakeAcmeVoice
from tests.support.servers.fake_twilio import FakeTwilio, rejects

PHONE = a_phone()
URL = "https://dialtone.example.org/voice/outbound/4f2a?x=1&y=%20"
STATUS_URL = "https://dialtone.example.org/voice/status?call=4f2a"
UNKNOWN_ID = "0" * 32
CONTENT = bytes(range(256)) * 1000
PLACE_SECONDS = 15
RECORDING_SECONDS = 30
"""See the ports."""
WITHOUT_PROVIDER = (
    DeliveryStatus.NOT_CONNECTED,
    DeliveryStatus.REJECTED,
    # The provider of an external adapter may also break off.
    *([DeliveryStatus.UNKNOWN] if external_adapter.is_given() else []),
)


class CallsDriver:
    """A call provider, and access to what it does."""

    def __init__(self, calls: CallProvider) -> None:
        self.calls = calls

    async def placed(self) -> str:
        """Return all placed calls with their numbers and URLs, in their order."""
        raise NotImplementedError

    async def break_provider(self) -> None:
        """Make the provider unavailable."""
        raise NotImplementedError

    def invalidate_number(self) -> None:
        """Make the provider report every number as invalid."""
        raise NotImplementedError

    async def add_recording(self) -> str:
        """Add a recording of `CONTENT` and return its id."""
        raise NotImplementedError


class FakeDriver(CallsDriver):
    def __init__(self) -> None:
        self.fake = FakeCallProvider()
        super().__init__(self.fake)

    async def placed(self) -> str:
        return "\n".join(
            f"{call.phone.e164} {call.url} {call.status_url}" for call in self.fake.calls.values()
        )

    async def break_provider(self) -> None:
        self.fake.is_unavailable = True

    def invalidate_number(self) -> None:
        self.fake.result = INVALID_NUMBER

    async def add_recording(self) -> str:
        self.fake.recordings["RE1"] = CONTENT
        return "RE1"


class TwilioDriver(CallsDriver):
    def __init__(self, calls: CallProvider, twilio: FakeTwilio) -> None:
        super().__init__(calls)
        self.twilio = twilio

    async def placed(self) -> str:
        return "\n".join(
            f"{call.form['To']} {call.form['Url']} {call.form['StatusCallback']}"
            for call in self.twilio.requests
        )

    async def break_provider(self) -> None:
        self.twilio.close()

    def invalidate_number(self) -> None:
        self.twilio.behavior = rejects(21217)

    async def add_recording(self) -> str:
        return self.twilio.add_recording(CONTENT)


class AcmeDriver(CallsDriver):
    def __init__(self, calls: AcmeVoice, acme: FakeAcmeVoice) -> None:
        super().__init__(calls)
        self.acme = acme
        self.adapter = calls

    async def placed(self) -> str:
        return "\n".join(" ".join(call) for call in await self.adapter.placed_calls())

    async def break_provider(self) -> None:
        self.acme.close()

    def invalidate_number(self) -> None:
        self.acme.error = "unknown_number"

    async def add_recording(self) -> str:
        self.acme.recordings["r0"] = CONTENT
        return "r0"


class OutsideDriver(CallsDriver):
    """An adapter from outside. It may have methods for tests, see docs/adapters.md."""

    async def placed(self) -> str:
        placed = await external_adapter.call_test_method(self.calls, "placed_calls")
        return "\n".join(" ".join(call) for call in placed)

    async def break_provider(self) -> None:
        await external_adapter.call_test_method(self.calls, "break_provider")

    def invalidate_number(self) -> None:
        pytest.skip("its provider cannot be changed from outside")

    async def add_recording(self) -> str:
        recording_id: str = await external_adapter.call_test_method(
            self.calls, "add_recording", CONTENT
        )
        return recording_id


async def fake(request: pytest.FixtureRequest) -> AsyncIterator[CallsDriver]:
    yield FakeDriver()


async def twilio(request: pytest.FixtureRequest) -> AsyncIterator[CallsDriver]:
    with FakeTwilio() as server:
        opening = open_twilio_calls(
            server.account_sid, server.auth_token, caller_id="+15005550006", api_base=server.url
        )
        async with opening as calls:
            yield TwilioDriver(calls, server)


async def acme(request: pytest.FixtureRequest) -> AsyncIterator[CallsDriver]:
    with FakeAcmeVoice() as server:
        async with open_acme_voice(environ=server.environ) as voice:
            yield AcmeDriver(voice, server)


async def from_outside(request: pytest.FixtureRequest) -> AsyncIterator[CallsDriver]:
    folder = request.getfixturevalue("tmp_path")
    async with external_adapter.open_external_adapter(folder) as adapter:
        yield OutsideDriver(adapter)


ADAPTERS = [from_outside] if external_adapter.is_given() else [fake, twilio, acme]


@pytest.fixture(params=ADAPTERS, ids=lambda open_driver: open_driver.__name__)
async def driver(request: pytest.FixtureRequest) -> AsyncIterator[CallsDriver]:
    async for driver in request.param(request):
        yield driver


async def place_call(driver: CallsDriver) -> DeliveryResult:
    """Place a call; fail in words if the provider does not keep its promises."""
    outcome = await observe(driver.calls.place_call(PHONE, URL, STATUS_URL), PLACE_SECONDS)
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


async def test_a_call_is_placed_once_with_its_urls(driver: CallsDriver) -> None:
    result = await place_call(driver)

    assert result.status is DeliveryStatus.ACCEPTED
    assert result.reason == ""
    for part in (PHONE.e164, URL, STATUS_URL):
        assert (await driver.placed()).count(part) == 1


async def test_without_a_provider_no_call_is_placed_and_the_reason_has_no_secrets(
    driver: CallsDriver,
) -> None:
    await driver.break_provider()

    result = await place_call(driver)

    assert result.status in WITHOUT_PROVIDER, f"place_call returned {result!r} without its provider"
    assert result.reason
    assert result.provider_call_id == ""
    assert not secrets_in(result.reason, PHONE)


async def test_an_invalid_number_has_a_reason_without_the_number(driver: CallsDriver) -> None:
    driver.invalidate_number()

    result = await place_call(driver)

    assert result.status is DeliveryStatus.INVALID_NUMBER
    assert result.reason
    assert not secrets_in(result.reason, PHONE)


async def test_a_recording_is_read_until_it_is_deleted(driver: CallsDriver) -> None:
    recording_id = await driver.add_recording()
    assert await read(driver.calls, recording_id) == CONTENT

    await driver.calls.delete_recording(recording_id)

    with pytest.raises(RecordingNotFound):
        await read(driver.calls, recording_id)


@pytest.mark.parametrize("recording_id", ["", f"RE{UNKNOWN_ID}", "../Calls", "é\n"])
async def test_an_unknown_recording_is_not_found_and_is_deleted(
    driver: CallsDriver, recording_id: str
) -> None:
    with pytest.raises(RecordingNotFound):
        await read(driver.calls, recording_id)
    await driver.calls.delete_recording(recording_id)


async def test_a_recording_need_not_be_read_to_its_end(driver: CallsDriver) -> None:
    recording_id = await driver.add_recording()

    async with driver.calls.open_recording(recording_id) as recording:
        async for chunk in recording.chunks:
            assert CONTENT.startswith(chunk)
            break

    assert await read(driver.calls, recording_id) == CONTENT


async def test_without_a_provider_nothing_is_read_or_deleted(driver: CallsDriver) -> None:
    recording_id = await driver.add_recording()
    await driver.break_provider()

    calls = {
        "open_recording": read(driver.calls, recording_id),
        "delete_recording": driver.calls.delete_recording(recording_id),
    }
    errors = await expect_errors(calls, CallProviderUnavailable, seconds=RECORDING_SECONDS)
    assert not secrets_in(" ".join(map(str, errors)), PHONE)


def secrets_in(text: str, phone: PhoneNumber) -> list[str]:
    return [secret for secret in (phone.e164, phone.e164[1:], URL) if secret in text]
