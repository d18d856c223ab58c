"""The URLs that a provider of calls requests."""

from urllib.parse import parse_qsl, urlsplit

from application.features.voice.call_urls import CallUrls
from application.webhook_urls import PhoneLabels
from domain.features.voice.instructions import Position
from tests.support.fakes.phone_encryption import FakePhoneEncryption

URLS = CallUrls("https://dialtone.example.org")
SIGNED = CallUrls("https://dialtone.example.org/app", FakePhoneEncryption())
LABELS = PhoneLabels("IN", "0123456789abcdef")
POSITION = Position("join", visit=2, repeat=1)


def test_parameters_are_in_alphabetical_order() -> None:
    expected = {
        URLS.continue_call(POSITION): "/voice/continue?repeat=1&state=join&visit=2",
        URLS.code_call("c1", POSITION): "/voice/calls/c1?repeat=1&state=join&visit=2",
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


def test_signed_urls_are_accepted_as_they_were_made_and_for_their_call() -> None:
    call, other = SIGNED.of_call("c1"), SIGNED.of_call("c2")
    of_no_call = [SIGNED.voice(), SIGNED.call_status("c1", LABELS), SIGNED.code_call("c1")]
    of_this_call = [call.continue_call(POSITION), call.recording(), call.code_call("c1", POSITION)]

    assert all(map(call.accepts, [*of_no_call, *of_this_call]))
    assert [url for url in of_this_call if other.accepts(url)] == []
    signature = urlsplit(SIGNED.voice()).query
    for url in (
        *map(URLS.make_url, ("/voice", "/voice/continue")),
        f"{SIGNED.public_url}/voice",
        f"{SIGNED.public_url}/voice/status?{signature}",
        f"{SIGNED.voice()}&state=join",
        f"{SIGNED.voice()}&{signature}",
        f"{SIGNED.voice()}&",
        SIGNED.voice().replace("/voice?", "/voice/?"),
        SIGNED.voice().replace("signature", "%73ignature"),
        SIGNED.voice().replace("/app/", "/"),
        f"{SIGNED.voice()[:-4]}&signature={SIGNED.voice()[-4:]}",
        call.continue_call(POSITION).replace("state=join&visit=2", "visit=2&state=join"),
        call.continue_call(POSITION).replace("state=join", "state=%6Aoin"),
        call.continue_call(POSITION).replace("visit=2", "visit=3"),
        call.continue_call(POSITION).replace("/voice/continue", "/voice/calls/c1"),
        call.code_call("c1", POSITION).replace("/c1", "/c2"),
    ):
        assert not call.accepts(url), url


def test_urls_that_the_provider_signs_have_no_signature() -> None:
    assert URLS.accepts(URLS.continue_call(POSITION))
    assert "signature" not in URLS.voice()
