"""What adapters of others show of what they send, by methods of before and of now."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from application.features.media.ports import MediaUrl
from tests.contract.examples.event_file import EventFile
from tests.contract.suites.events import test_event_destination as events
from tests.contract.suites.events.driver import EventsDriver
from tests.contract.suites.media import test_media_files as media
from tests.contract.suites.messages import test_messenger as messages
from tests.contract.suites.messages.driver import MessengerDriver
from tests.contract.suites.provider_driver import HANGS, set_provider
from tests.integration.adapter_run.event_lists import ARRIVES, OlderEventList
from tests.integration.adapter_run.wrong_adapters import IN_DOUBT, OWN_URL, OlderMessenger
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.servers.http_server import Exchange, HttpServer

SERVED = media.test_a_store_that_serves_files_itself_does_so_with_their_content_type


async def test_older_methods_of_a_messenger_are_called_and_leave_its_urls_unproven() -> None:
    driver = MessengerDriver(OlderMessenger())

    await messages.test_an_accepted_message_is_delivered_to_the_number(driver)
    await messages.test_after_an_outage_messages_are_sent_again_and_no_earlier_ones(driver)
    await messages.test_an_account_that_is_refused_is_unavailable_and_no_invalid_number(driver)
    await driver.provider_is("well")
    await IN_DOUBT(driver, HANGS)
    with pytest.raises(pytest.skip.Exception, match=r"received\(\) has no status URLs"):
        await OWN_URL(driver)


async def test_older_methods_of_a_destination_are_called_and_leave_its_types_unproven() -> None:
    driver = EventsDriver(OlderEventList())

    await events.test_events_of_all_types_arrive_in_their_order(driver)
    driver = EventsDriver(OlderEventList())
    with pytest.raises(pytest.skip.Exception, match=r"received\(\) has no type, time and user"):
        await ARRIVES(driver)
    driver = EventsDriver(OlderEventList())
    await events.test_an_event_without_an_answer_is_rejected_and_left_to_the_service(driver, HANGS)
    with pytest.raises(pytest.skip.Exception, match=r'no helper provider_is\("refuses"\)'):
        await driver.provider_is("refuses")


async def test_what_a_provider_cannot_be_is_unproven(tmp_path: Path) -> None:
    driver = EventsDriver(EventFile(tmp_path / "events"))

    with pytest.raises(pytest.skip.Exception, match=r'no helper provider_is\("silent"\)'):
        await driver.provider_is("silent")


async def test_the_methods_of_a_store_for_tests_may_be_as_the_page_says() -> None:
    class Store:
        state = "well"

        def provider_is(self, state: str) -> None:
            if state == "refuses":
                raise NotImplementedError
            self.state = state

        def refuse_account(self) -> None:
            self.state = "refused"

        def hang_provider(self, answers: int) -> None:
            raise AssertionError(answers)

    store = Store()
    for state, expected in (("silent", "silent"), ("refuses", "refused"), ("well", "well")):
        await set_provider(store, state)
        assert store.state == expected


class ServedFiles(InMemoryFiles):
    """A store whose own server serves its files."""

    def __init__(self, type_of: Callable[[str], str]) -> None:
        super().__init__()
        self.server = HttpServer(self._serve)
        self._type_of = type_of
        self._types: dict[str, str] = {}

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        await super().write(storage_key, content, content_type)
        self._types[storage_key] = self._type_of(content_type)

    async def url_for(self, storage_key: str) -> MediaUrl:
        return MediaUrl(f"{self.server.url}/{storage_key}")

    def _serve(self, exchange: Exchange) -> None:
        key = exchange.received.path.removeprefix("/")
        exchange.respond(200, self.contents[key], {"Content-Type": self._types[key]})


async def test_a_store_that_serves_files_does_so_with_their_content_type() -> None:
    right, wrong = ServedFiles(str), ServedFiles(lambda _: "application/octet-stream")
    with right.server, wrong.server:
        await SERVED(right)
        with pytest.raises(AssertionError, match="image/jpeg is served as 'application/octet-str"):
            await SERVED(wrong)
