"""`DIALTONE_EVENTS`, and what is stored and shown of a destination."""

from typing import Final

from entrypoints.composition.read_settings import describe_settings, read_settings
from entrypoints.features.events.feature import EventSettings, destination_labels, stored_name
from entrypoints.settings.values import Factory, HttpHook
from tests.support.settings import problem
from tests.unit.entrypoints.settings.texts import SECRET

URL: Final = f"https://backend.test/{SECRET}?key={SECRET}"
EVENTS: Final = {
    "DIALTONE_EVENTS": f"{URL}, our.events:open_queue,https://backend.test/2",
    "DIALTONE_EVENTS_SECRET": f"whsec_{'A' * 32}",
}


def read_events(environ: dict[str, str]) -> EventSettings:
    return read_settings(environ, None).of(EventSettings)


def test_events_go_to_urls_and_factories_of_which_nothing_secret_is_stored_or_shown() -> None:
    settings = read_events(EVENTS)

    assert settings.events == (
        HttpHook(URL, "https://backend.test"),
        Factory("our.events:open_queue"),
        HttpHook("https://backend.test/2", "https://backend.test (2)"),
    )
    assert (settings.keeps_user_events, read_events({}).keeps_user_events) == (True, False)
    labels = destination_labels(settings.events)
    names = ["https://backend.test", "our.events:open_queue", "https://backend.test (2)"]
    assert [*labels.values()] == names
    assert [len(name) for name in labels] == [12, 12, 12]
    shown = {row.name: row.shown for row in describe_settings(settings)}
    assert shown["DIALTONE_EVENTS"] == ",".join(names)
    assert SECRET not in repr(settings.events)
    assert "Must name each destination once." in problem(EVENTS="our.events:a,our.events:a")


def test_a_destination_keeps_its_stored_name_at_another_place_in_the_list() -> None:
    first, *_ = read_events(EVENTS).events
    moved = read_events(EVENTS | {"DIALTONE_EVENTS": f"https://backend.test/2,{URL}"})

    assert stored_name(moved.events[1]) == stored_name(first)
