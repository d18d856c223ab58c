"""Keys of a source outside of the service: what is checked, reloaded, delayed and kept."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.keys import source as key_source
from adapters.keys.document import generate_document, parse_document
from adapters.keys.keys import RELOAD_INTERVAL
from adapters.keys.source import SourceKeys, load_source
from application.ports.errors import KeySourceUnavailable, PortError
from application.ports.keys import Key, KeyPurpose, make_key_id
from tests.support.builders import NOW
from tests.support.fakes.clock import MovableClock

SECRET = "hvs.CAESIJ1234567890abcdefghijklmnopqrstuvwxyz"
DAY = timedelta(days=1)
PEPPER = KeyPurpose.OTP_PEPPER


class FakeKeySource:
    """Returns `keys`, or raises them, or waits for ever if there are none."""

    def __init__(self) -> None:
        self.keys: Any = make_keys()

    async def load(self) -> Mapping[KeyPurpose, Any]:
        if self.keys is None:
            await asyncio.Event().wait()
        if isinstance(self.keys, BaseException):
            raise self.keys
        keys: Mapping[KeyPurpose, Any] = self.keys
        return keys


def make_keys() -> dict[KeyPurpose, list[Key]]:
    document = parse_document(generate_document())
    return {
        purpose: [replace(key, not_before=NOW - DAY) for key in keys]
        for purpose, keys in document.keys.items()
    }


def new_key(name: str, not_before: datetime, purpose: KeyPurpose = PEPPER) -> Key:
    """Return a new random key."""
    return Key(make_key_id(name), not_before, make_keys()[purpose][0].key)


@pytest.fixture
def source() -> FakeKeySource:
    return FakeKeySource()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(NOW)


async def open_keys(source: FakeKeySource, clock: MovableClock, **options: Any) -> SourceKeys:
    return SourceKeys(source, await load_source(source, **options), clock, **options)


def edit(source: FakeKeySource, purpose: KeyPurpose = PEPPER, **fields: Any) -> None:
    """Give the key of a purpose other values."""
    key = source.keys[purpose][0]
    values = {"id": key.id, "not_before": key.not_before, "key": key.key} | fields
    source.keys[purpose] = [Key(**values)]


WRONG: Mapping[str, tuple[Callable[[FakeKeySource], Any], str]] = {
    "a missing purpose": (lambda source: source.keys.pop(KeyPurpose.SIGNING), "signing"),
    "an empty purpose": (lambda source: source.keys.update({PEPPER: []}), "otp_pepper"),
    "no sequence": (lambda source: source.keys.update({PEPPER: "key"}), "otp_pepper"),
    "no mapping": (lambda source: setattr(source, "keys", [1]), "mapping"),
    "no key": (lambda source: source.keys.update({PEPPER: [b"x" * 32]}), "otp_pepper[0]"),
    "a short key": (lambda source: edit(source, key=b"short"), "otp_pepper[0].key"),
    "a key of text": (lambda source: edit(source, key=SECRET), "otp_pepper[0].key"),
    "a long AES key": (
        lambda source: edit(source, KeyPurpose.PHONE_ENCRYPTION, key=bytes(33)),
        "phone_encryption[0].key",
    ),
    "no P-256 key": (
        lambda source: edit(source, KeyPurpose.SIGNING, key=SECRET.encode()),
        "signing[0].key",
    ),
    "a long id": (lambda source: edit(source, id="0123456789"), "otp_pepper[0].id"),
    "an id that is a number": (lambda source: edit(source, id=7), "otp_pepper[0].id"),
    "no time zone": (
        lambda source: edit(source, not_before=NOW.replace(tzinfo=None)),
        "otp_pepper[0].not_before",
    ),
    "a time of text": (lambda source: edit(source, not_before="now"), "otp_pepper[0].not_before"),
    "an id twice": (
        lambda source: source.keys[PEPPER].append(source.keys[PEPPER][0]),
        'two keys of "otp_pepper"',
    ),
    "two index keys": (
        lambda source: source.keys[KeyPurpose.PHONE_INDEX].append(new_key("index", NOW)),
        "phone_index",
    ),
}


@pytest.mark.parametrize(("damage", "where"), WRONG.values(), ids=WRONG.keys())
async def test_invalid_keys_are_an_error_that_names_their_place_and_no_key(
    source: FakeKeySource, damage: Callable[[FakeKeySource], Any], where: str
) -> None:
    damage(source)

    with pytest.raises(KeySourceUnavailable, match="the keys are invalid") as raised:
        await load_source(source)

    assert where in str(raised.value)
    assert SECRET not in str(raised.value)


async def test_production_rejects_weak_keys_of_a_source(source: FakeKeySource) -> None:
    edit(source, key=bytes(32))
    await load_source(source)

    with pytest.raises(KeySourceUnavailable, match=r"otp_pepper\[0\].key.* is not random"):
        await load_source(source, is_strict=True)


class UnfinishedError(PortError):
    def __init__(self) -> None:
        """Leave the attributes out."""


def make_errors() -> Mapping[str, tuple[Any, str]]:
    return {
        "an error of the port": (KeySourceUnavailable("it is sealed", "503"), "it is sealed: 503"),
        "another error of a port": (PortError("no access"), "no access"),
        "an error as the reason": (
            KeySourceUnavailable(ValueError(f"token={SECRET}")),  # type: ignore[arg-type]
            "it failed: KeySourceUnavailable: token=*",
        ),
        "an error without a reason": (UnfinishedError(), "it failed: UnfinishedError"),
        "an exception": (ValueError(f"token={SECRET}"), "it failed: ValueError"),
        "an exit": (SystemExit(SECRET), "it failed: SystemExit"),
        "a cancellation of its own": (asyncio.CancelledError(), "it failed: CancelledError"),
        "no answer": (None, "it did not respond within 0.05 seconds"),
    }


@pytest.mark.parametrize(("error", "reason"), make_errors().values(), ids=make_errors().keys())
async def test_a_source_that_fails_keeps_the_keys_and_is_logged_once(
    source: FakeKeySource,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Any,
    reason: str,
) -> None:
    caplog.set_level(logging.INFO)
    keys = await open_keys(source, clock)
    before, answers = keys.current(), source.keys
    if error is None:
        monkeypatch.setattr(key_source, "KEY_LOAD_TIMEOUT", 0.05)
    source.keys = error
    for _ in range(3):
        with pytest.raises(KeySourceUnavailable):
            await keys.reload()

    with pytest.raises(KeySourceUnavailable) as unhealthy:
        await keys.check()
    assert keys.current() is before
    assert str(unhealthy.value) in reason
    assert SECRET not in caplog.text
    monkeypatch.undo()
    source.keys = answers
    await keys.reload()
    await keys.check()
    events: list[Any] = [record.msg for record in caplog.records]
    failed, recovered = events
    assert failed["event"] == "secrets_reload_failed"
    assert failed["reason"].startswith(reason)
    assert recovered == {"event": "secrets_reload_recovered"}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda source: source.keys.pop(PEPPER), '"otp_pepper" is missing'),
        (lambda source: source.keys.update({PEPPER: []}), '"otp_pepper" is missing or empty'),
        (
            lambda source: edit(source, KeyPurpose.PHONE_INDEX, key=bytes(range(32))),
            '"phone_index" has another key',
        ),
        (
            lambda source: source.keys.update({KeyPurpose.PHONE_INDEX: [new_key("index", NOW)]}),
            '"phone_index" has another key',
        ),
        (
            lambda source: edit(source, KeyPurpose.REFRESH, key=bytes(range(32))),
            "needs an id of its own",
        ),
    ],
    ids=["a purpose gone", "a purpose empty", "index key", "other index key", "same id"],
)
async def test_keys_that_must_not_change_are_an_error_and_stay(
    source: FakeKeySource, clock: MovableClock, damage: Callable[[FakeKeySource], Any], reason: str
) -> None:
    keys = await open_keys(source, clock)
    before = keys.current()
    damage(source)

    with pytest.raises(KeySourceUnavailable, match=reason):
        await keys.reload()

    assert keys.current() is before


async def test_a_call_that_does_not_end_is_not_made_again(
    source: FakeKeySource, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = await open_keys(source, clock)
    is_mended, calls = asyncio.Event(), 0

    async def load() -> Any:
        nonlocal calls
        calls += 1
        while not is_mended.is_set():
            with suppress(asyncio.CancelledError):
                await is_mended.wait()
        return source.keys

    monkeypatch.setattr(source, "load", load)
    monkeypatch.setattr(key_source, "KEY_LOAD_TIMEOUT", 0.05)
    with pytest.raises(KeySourceUnavailable, match="did not respond"):
        await keys.reload()
    monkeypatch.setattr(key_source, "KEY_LOAD_TIMEOUT", 60)
    for _ in range(3):
        with pytest.raises(KeySourceUnavailable, match="has not ended"):
            await keys.reload()
    assert calls == 1

    monkeypatch.undo()
    is_mended.set()
    await asyncio.sleep(0)
    await keys.reload()
    await keys.check()


async def test_the_keys_are_the_same_object_until_they_change(
    source: FakeKeySource, clock: MovableClock
) -> None:
    keys = await open_keys(source, clock)
    before = keys.current()
    clock.advance(RELOAD_INTERVAL)
    await keys.reload()

    assert keys.current() is before


async def test_a_new_key_is_accepted_at_once_and_signs_after_two_intervals(
    source: FakeKeySource, clock: MovableClock
) -> None:
    keys = await open_keys(source, clock)
    ring = keys.key_set(PEPPER)
    (old,) = source.keys[PEPPER]
    # In any order, and as a KMS says when it has made the key.
    new = new_key("2", NOW)
    source.keys[PEPPER] = [old, new]
    clock.advance(RELOAD_INTERVAL)
    await keys.reload()
    assert [key.id for key in ring.accepted()] == [new.id, old.id]

    clock.advance(2 * RELOAD_INTERVAL - timedelta(milliseconds=1))
    await keys.reload()
    assert ring.signing().id == old.id
    clock.advance(timedelta(milliseconds=1))
    assert ring.signing().id == new.id


async def test_a_process_that_starts_does_not_sign_with_a_key_that_others_may_not_have(
    source: FakeKeySource, clock: MovableClock
) -> None:
    (old,) = source.keys[PEPPER]
    new = new_key("2", NOW - timedelta(seconds=1))
    source.keys[PEPPER] = [new, old]
    ring = (await open_keys(source, clock)).key_set(PEPPER)

    assert ring.signing().id == old.id
    clock.advance(2 * RELOAD_INTERVAL)
    assert ring.signing().id == new.id


async def test_a_key_signs_from_a_later_time_that_the_source_names(
    source: FakeKeySource, clock: MovableClock
) -> None:
    keys = await open_keys(source, clock)
    ring = keys.key_set(PEPPER)
    (old,) = source.keys[PEPPER]
    new = new_key("2", NOW + DAY)
    source.keys[PEPPER] = [new, old]
    await keys.reload()

    clock.advance(DAY - timedelta(milliseconds=1))
    assert ring.signing().id == old.id
    clock.advance(timedelta(milliseconds=1))
    assert ring.signing().id == new.id


async def test_the_only_key_of_a_purpose_is_used_at_once(
    source: FakeKeySource, clock: MovableClock
) -> None:
    edit(source, not_before=NOW)
    ring = (await open_keys(source, clock)).key_set(PEPPER)

    assert ring.signing().id == source.keys[PEPPER][0].id


async def test_a_key_that_was_removed_is_not_accepted_anymore(
    source: FakeKeySource, clock: MovableClock
) -> None:
    (old,) = source.keys[PEPPER]
    source.keys[PEPPER] = [old, new_key("2", NOW - timedelta(hours=1))]
    keys = await open_keys(source, clock)
    source.keys[PEPPER].remove(old)
    await keys.reload()

    assert [key.id for key in keys.key_set(PEPPER).accepted()] == [make_key_id("2")]
