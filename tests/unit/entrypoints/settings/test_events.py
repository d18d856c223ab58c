"""`DIALTONE_EVENTS`, its secret, and what is stored and shown of a destination."""

from typing import Final

from entrypoints.features.events.feature import EventSettings, destination_labels, stored_name
from entrypoints.settings.read import describe_settings, read_settings
from entrypoints.settings.values import Factory, HttpHook
from tests.unit.entrypoints.settings.texts import SECRET

URL: Final = f"https://backend.test/{SECRET}?key={SECRET}"
EVENTS: Final = {
    "DIALTONE_EVENTS": f"{URL}, our.events:open_queue,https://backend.test/2",
    "DIALTONE_EVENTS_SECRET": f"whsec_{'A' * 32}",
}


def read_events(environ: dict[str, str]) -> EventSettings:
    return read_settings(environ, None).of(EventSettings)


def test_events_go_to_urls_and_factories() -> None:
    settings = read_events(EVENTS)

    assert settings.events == (
        HttpHook(URL, "https://backend.test"),
        Factory("our.events:open_queue"),
        HttpHook("https://backend.test/2", "https://backend.test (2)"),
    )
    assert not settings.events_policy().events_with_phone
    assert read_events({}).events == ()
    assert read_events({"DIALTONE_EVENTS": "our.events:open_queue"}).events == (
        Factory("our.events:open_queue"),
    )
    with_phone = read_events(EVENTS | {"DIALTONE_EVENTS_PHONE": "yes"})
    assert with_phone.events_policy().events_with_phone


def test_nothing_secret_of_a_destination_is_stored_or_shown() -> None:
    settings = read_events(EVENTS)
    labels = destination_labels(settings.events)

    names = ["https://backend.test", "our.events:open_queue", "https://backend.test (2)"]
    assert [*labels.values()] == names
    assert [len(name) for name in labels] == [12, 12, 12]
    shown = {row.name: row.shown for row in describe_settings(settings)}
    assert shown["DIALTONE_EVENTS"] == ",".join(labels.values())
    assert SECRET not in repr(settings.events)


def test_a_destination_keeps_its_stored_name_at_another_place_in_the_list() -> None:
    first, *_ = read_events(EVENTS).events
    moved = read_events(EVENTS | {"DIALTONE_EVENTS": f"https://backend.test/2,{URL}"})

    assert stored_name(moved.events[1]) == stored_name(first)
