"""Twilio repeats a request that it got no response to: it has its effects once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.phone_line import PUBLIC_URL, PhoneLine, bearer, spoken_code
from tests.support.servers.fake_twilio import PhoneCall, ServiceWebhooks, WebhookResponse
from tests.support.service import Service


class RepeatedCall(PhoneCall):
    """Sends every request twice; both get the same response."""

    def _post(self, url: str, fields: Sequence[tuple[str, str]]) -> WebhookResponse:
        first = super()._post(url, fields)
        assert super()._post(url, fields) == first
        return first


class SimultaneousCall(PhoneCall):
    """Sends every request to all instances at the same moment; all get the same response."""

    instances: Sequence[ServiceWebhooks] = ()

    def _post(self, url: str, fields: Sequence[tuple[str, str]]) -> WebhookResponse:
        self.requests.append((url, fields))
        with ThreadPoolExecutor(len(self.instances)) as pool:
            sent = [pool.submit(instance.post, url, fields) for instance in self.instances]
            responses = [each.result() for each in sent]
        assert len(set(responses)) == 1, responses
        self.responses += responses
        return responses[0]


@pytest.fixture(scope="module")
def second_instance(line: PhoneLine) -> Iterator[Service]:
    """Another service on the same database."""
    service = Service(line.service.folder, line.service.settings)
    try:
        yield service.start()
    finally:
        service.stop()


@pytest.fixture(params=["repeated", "at_once", "at_two_instances"])
def new_call(request: pytest.FixtureRequest, line: PhoneLine) -> Callable[[str], PhoneCall]:
    """Returns a call whose requests all arrive twice."""
    if request.param == "repeated":
        return lambda phone: RepeatedCall(line.twilio, line.service.url, PUBLIC_URL, caller=phone)
    urls = [line.service.url] * 2
    if request.param == "at_two_instances":
        second: Service = request.getfixturevalue("second_instance")
        urls = [line.service.url, second.url] * 2

    def simultaneous(phone: str) -> PhoneCall:
        call = SimultaneousCall(line.twilio, line.service.url, PUBLIC_URL, caller=phone)
        call.instances = [line.twilio.webhooks(url, PUBLIC_URL) for url in urls]
        return call

    return simultaneous


NewCall = Callable[[str], PhoneCall]


def test_a_caller_joins_once(line: PhoneLine, phone: str, new_call: NewCall) -> None:
    before = line.identities().keys()
    call = new_call(phone)

    call.ring()
    call.press("1")
    call.end_dial("completed")

    assert len(line.identities().keys() - before) == 1
    entry = line.log_entry(call)
    path = ["welcome", "join", "register", "thanks", "operator", "goodbye"]
    assert (entry["path"], entry["outcome"]) == (path, "connected")


def test_a_phone_is_called_back_once(line: PhoneLine, phone: str, new_call: NewCall) -> None:
    line.join(phone)
    call = new_call(phone)

    call.ring()
    call.press("2")

    (placed,) = line.callbacks(phone)
    callback = new_call(phone)
    callback.receive(placed)
    callback.answer()
    callback.press("1")
    assert line.verify(phone, spoken_code(callback))["success"] is True


def test_a_recording_is_kept_once(line: PhoneLine, phone: str, new_call: NewCall) -> None:
    line.join(phone)
    call = new_call(phone)

    call.ring()
    call.press("3")
    call.leave_recording(b"sound")

    path = f"/calls/{line.log_entry(call)['id']}/recording"
    headers = bearer(line.administrator)
    statuses = [
        line.http.get(path, params={"index": index}, headers=headers).status_code
        for index in (0, 1)
    ]
    assert statuses == [200, 404]


def test_a_message_about_leaving_is_sent_once(
    line: PhoneLine, phone: str, new_call: NewCall
) -> None:
    line.sign_up(phone)
    messages = len(line.messages(phone))
    call = new_call(phone)

    call.ring()
    call.press("4")
    call.press("1")

    assert len(line.messages(phone)) == messages + 1


def test_a_caller_leaves_once(line: PhoneLine, phone: str, new_call: NewCall) -> None:
    line.join(phone)
    call = new_call(phone)

    call.ring()
    call.press("4")
    call.press("1")

    assert call.heard[-1] == "You have left Dialtone. Goodbye."


def test_an_old_request_gets_its_old_response(line: PhoneLine, phone: str) -> None:
    call = line.call(phone, "9", "9")
    call.press("1")
    call.end_dial("no-answer")
    earlier: list[Any] = list(call.responses)

    for index, response in enumerate(earlier):
        assert call.repeat(index) == response

    call.press("2")
    assert call.heard[-1] == "Goodbye."
