"""The URLs that a provider of calls requests."""

from urllib.parse import parse_qsl, urlsplit

from application.voice.call_urls import CallUrls
from application.webhook_urls import PhoneLabels
from domain.voice.instructions import Position

URLS = CallUrls("https://dialtone.example.org")
LABELS = PhoneLabels("IN", "0123456789abcdef")
POSITION = Position("join", visit=2, repeat=1)


def test_parameters_are_in_alphabetical_order() -> None:
    expected = {
        URLS.continue_call(POSITION): "/voice/continue?node=join&repeat=1&visit=2",
        URLS.code_call("c1", POSITION): "/voice/calls/c1?node=join&repeat=1&visit=2",
        URLS.code_call("c1"): "/voice/calls/c1",
        URLS.call_status("c1", LABELS): (
            "/voice/status?call=c1&country=IN&phone_hash=0123456789abcdef"
        ),
        URLS.call_status(): "/voice/status",
    }
    for url, path in expected.items():
        assert url == f"https://dialtone.example.org{path}"
        parameters = parse_qsl(urlsplit(url).query)
        assert parameters == sorted(parameters)
