"""The promises of the port that hands out the keys."""

import asyncio
import base64
import logging
import os
import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn

import pytest

from adapters.causes import mask_message
from adapters.keys.document import FORMAT_VERSION, generate_entry, parse_document, render_document
from adapters.keys.rules import InvalidKeys, KeysByPurpose, check_key_strength, check_keys
from application.ports.errors import KeySourceUnavailable
from application.ports.keys import KEY_LOAD_TIMEOUT, Key, KeyPurpose, KeySource
from pytest_dialtone.external_adapter import ADAPTER
from pytest_dialtone.outcomes import ObservedCall, observe
from pytest_dialtone.provider_driver import LOST_ANSWERS, LostAnswer, answers
from pytest_dialtone.suites.secrets.driver import KeySourceDriver

LOAD_SECONDS: Final = KEY_LOAD_TIMEOUT + 3
"""See the port. A loaded machine needs more."""
CANCEL_SECONDS: Final = 5
MANY: Final = 12
DAY: Final = timedelta(days=1)
_CREDENTIAL: Final = re.compile(r"(TOKEN|SECRETS?|PASSWORD|KEY|CREDENTIALS?)$", re.IGNORECASE)
"""The end of the name of a variable with a credential."""
_MIN_CREDENTIAL_LENGTH: Final = 8


def make_keys(number: int = 1, newest: datetime | None = None) -> KeysByPurpose:
    """Return so many random keys for each purpose, a day apart, and one index key."""
    newest = (newest or datetime.now(UTC) - DAY).replace(microsecond=0)
    lists: dict[str, object] = {
        purpose.value: [
            generate_entry(purpose, newest - day * DAY)
            for day in range(1 if purpose is KeyPurpose.PHONE_INDEX else number)
        ]
        for purpose in KeyPurpose
    }
    return parse_document(render_document({"version": FORMAT_VERSION, **lists})).keys


class _Lines(logging.Handler):
    """Keeps what is logged, with its exceptions."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Return the lines of the log, of each level, also those of the package of the factory."""
    handler = _Lines()
    package = os.environ.get(ADAPTER, "").partition(":")[0].partition(".")[0]
    levels = {logger: logger.level for logger in (logging.root, logging.getLogger(package))}
    logging.root.addHandler(handler)
    for logger in levels:
        logger.setLevel(logging.DEBUG)
    yield handler.lines
    logging.root.removeHandler(handler)
    for logger, level in levels.items():
        logger.setLevel(level)


async def load(source: KeySource) -> KeysByPurpose:
    """Return the keys; fail in words if there are none, or some are wrong."""
    outcome = await observe(source.load(), LOAD_SECONDS)
    if outcome.error is not None or outcome.result is None:
        fail(outcome, "but has to return the keys")
    try:
        return check_keys(outcome.result)
    except InvalidKeys as error:
        pytest.fail(f"load returned wrong keys: {error}. See the port.", pytrace=False)


async def check_load_fails(source: KeySource, keys: KeysByPurpose) -> None:
    """Fail in words unless it raises the error of the port, without a secret."""
    outcome = await observe(source.load(), LOAD_SECONDS)
    if not isinstance(outcome.error, KeySourceUnavailable):
        fail(outcome, "but has to raise KeySourceUnavailable")
    check_no_secret("".join(traceback.format_exception(outcome.error)), "its error", keys)


def fail(outcome: ObservedCall, expected: str) -> NoReturn:
    # What was returned may have keys in it.
    words = "returned something" if outcome.result is not None else outcome.words
    details = f" ({mask_message(str(outcome.error))})" if outcome.error else ""
    pytest.fail(f"load {words}{details}, {expected}.", pytrace=False)


def are_same(keys: KeysByPurpose, others: KeysByPurpose) -> bool:
    """Return whether two results have the same keys, in any order."""
    return all(set(keys[purpose]) == set(others[purpose]) for purpose in KeyPurpose)


async def begin(driver: KeySourceDriver) -> KeysByPurpose:
    """Let the provider have keys, and return them."""
    if driver.can_store_keys:
        keys = make_keys(2)
        await driver.store_keys(keys)
        return keys
    return await load(driver.source)


async def test_each_purpose_has_keys_that_the_service_accepts(
    key_source_driver: KeySourceDriver,
) -> None:
    await begin(key_source_driver)
    keys = await load(key_source_driver.source)

    try:
        check_key_strength(keys)
    except InvalidKeys as error:
        pytest.fail(f"Production rejects these keys: {error}.", pytrace=False)


async def test_the_same_keys_come_again_also_in_another_process(
    key_source_driver: KeySourceDriver,
) -> None:
    stored = await begin(key_source_driver)
    first = await load(key_source_driver.source)
    again = await load(key_source_driver.source)
    async with key_source_driver.reopen() as reopened:
        elsewhere = await load(reopened)

    is_whole = are_same(first, stored)
    is_stable = are_same(first, again) and are_same(first, elsewhere)
    assert is_whole, "load does not return the ids, times and keys that are stored"
    assert is_stable, "load returned another id, not_before or key than before"


async def test_calls_at_the_same_time_get_the_same_keys(
    key_source_driver: KeySourceDriver,
) -> None:
    await begin(key_source_driver)
    first, *others = await asyncio.gather(*(load(key_source_driver.source) for _ in range(10)))

    is_same = all(are_same(first, keys) for keys in others)
    assert is_same, "calls at the same time got different keys"


async def test_what_changes_is_in_the_next_result(key_source_driver: KeySourceDriver) -> None:
    source, before = key_source_driver.source, make_keys()
    await key_source_driver.store_keys(before)
    await load(source)

    index = {KeyPurpose.PHONE_INDEX: before[KeyPurpose.PHONE_INDEX]}
    added = {**make_keys(newest=datetime.now(UTC)), **index}
    both = {**{purpose: (*added[purpose], *before[purpose]) for purpose in KeyPurpose}, **index}
    await key_source_driver.store_keys(both)
    has_added = are_same(await load(source), both)
    assert has_added, "after a key was added, load does not return the keys that are stored"

    later = {
        purpose: tuple(Key(key.id, key.not_before + DAY, key.key) for key in keys)
        for purpose, keys in both.items()
    }
    await key_source_driver.store_keys(later)
    has_later = are_same(await load(source), later)
    assert has_later, "after not_before was changed, load returned another one"

    await key_source_driver.store_keys(added)
    has_removed = are_same(await load(source), added)
    assert has_removed, "after a key was removed, load does not return the keys that are stored"


async def test_all_keys_of_a_purpose_are_returned(key_source_driver: KeySourceDriver) -> None:
    many = make_keys(MANY)
    await key_source_driver.store_keys(many)

    is_whole = are_same(await load(key_source_driver.source), many)
    assert is_whole, f"load does not return all {MANY} keys of a purpose"


async def test_each_byte_of_a_key_is_returned(key_source_driver: KeySourceDriver) -> None:
    keys = dict(make_keys())
    for purpose in KeyPurpose:
        if purpose is not KeyPurpose.SIGNING:
            length = 32 if purpose is KeyPurpose.PHONE_ENCRYPTION else 64
            (key,) = keys[purpose]
            edge = b"\x00 " + os.urandom(length - 5) + b"\xff\r\n"
            keys[purpose] = (Key(key.id, key.not_before, edge),)
    await key_source_driver.store_keys(keys)

    is_same = are_same(await load(key_source_driver.source), keys)
    assert is_same, "load does not return all bytes of keys with spaces, zeros and line ends"


@pytest.mark.parametrize("purpose", KeyPurpose)
async def test_a_purpose_without_keys_gets_none_from_elsewhere(
    key_source_driver: KeySourceDriver, purpose: KeyPurpose
) -> None:
    keys = await begin(key_source_driver)
    await load(key_source_driver.source)
    await key_source_driver.store_keys(
        {other: listed for other, listed in keys.items() if other is not purpose}
    )

    outcome = await observe(key_source_driver.source.load(), LOAD_SECONDS)
    if isinstance(outcome.error, KeySourceUnavailable):
        return
    if outcome.error is not None or outcome.result is None:
        fail(outcome, "but has to raise KeySourceUnavailable, or return what is there")
    try:
        check_keys(outcome.result)
    except InvalidKeys:
        return  # the service rejects them
    pytest.fail(f'load returned keys of "{purpose}", but none are stored', pytrace=False)


async def test_without_the_provider_keys_are_an_error_until_it_is_back(
    key_source_driver: KeySourceDriver,
) -> None:
    keys = await begin(key_source_driver)
    await load(key_source_driver.source)
    await key_source_driver.break_provider()
    await check_load_fails(key_source_driver.source, keys)
    await check_load_fails(key_source_driver.source, keys)
    await key_source_driver.mend_provider()

    is_same = are_same(await load(key_source_driver.source), keys)
    assert is_same, "after the provider was back, load returned other keys"


@pytest.mark.parametrize("failure", [*LOST_ANSWERS, *map(answers, (200, 401, 403))], ids=str)
async def test_a_provider_that_fails_is_an_error_in_time(
    key_source_driver: KeySourceDriver, failure: LostAnswer, logged: list[str]
) -> None:
    keys = await begin(key_source_driver)
    await load(key_source_driver.source)
    await failure.begin(key_source_driver)
    await check_load_fails(key_source_driver.source, keys)
    check_no_secret("".join(logged), "its log", keys)
    await key_source_driver.mend_provider()

    is_same = are_same(await load(key_source_driver.source), keys)
    assert is_same, "after the provider was mended, load returned other keys"


async def test_a_call_that_is_cancelled_ends(key_source_driver: KeySourceDriver) -> None:
    await begin(key_source_driver)
    await key_source_driver.hang_provider()
    loading = asyncio.ensure_future(key_source_driver.source.load())
    await asyncio.wait([loading], timeout=0.1)
    loading.cancel()
    await asyncio.wait([loading], timeout=CANCEL_SECONDS)

    assert loading.done(), f"load goes on for {CANCEL_SECONDS} seconds after it was cancelled"


async def test_no_repr_and_no_output_has_a_secret(
    key_source_driver: KeySourceDriver, logged: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    await begin(key_source_driver)
    keys = await load(key_source_driver.source)

    check_no_secret(repr(key_source_driver.source), "its repr", keys)
    check_no_secret("".join(capfd.readouterr()), "its output", keys)
    check_no_secret("".join(logged), "its log", keys)


async def test_no_error_has_a_secret(key_source_driver: KeySourceDriver, logged: list[str]) -> None:
    await begin(key_source_driver)
    keys = await load(key_source_driver.source)
    await key_source_driver.break_provider()
    await check_load_fails(key_source_driver.source, keys)

    check_no_secret("".join(logged), "its log", keys)


async def test_an_error_of_a_part_of_the_keys_has_no_secret(
    key_source_driver: KeySourceDriver, logged: list[str]
) -> None:
    keys = await begin(key_source_driver)
    await key_source_driver.store_keys({KeyPurpose.OTP_PEPPER: keys[KeyPurpose.OTP_PEPPER]})
    outcome = await observe(key_source_driver.source.load(), LOAD_SECONDS)

    text = "".join(traceback.format_exception(outcome.error)) if outcome.error else ""
    check_no_secret(text, "its error", keys)
    check_no_secret("".join(logged), "its log", keys)


def check_no_secret(text: str, place: str, keys: KeysByPurpose) -> None:
    """Fail if the text has a key, or a credential of the environment."""
    found = [name for name, form in list_secrets(keys) if form in text]
    if found:
        pytest.fail(f"{place.capitalize()} shows {found[0]}", pytrace=False)


def list_secrets(keys: Mapping[KeyPurpose, Sequence[Key]]) -> Iterator[tuple[str, str]]:
    """Yield each secret with its name, in the forms in which it may be written."""
    for purpose, listed in keys.items():
        for key in listed:
            forms = [key.key.hex(), base64.b64encode(key.key).decode().rstrip("="), repr(key.key)]
            if purpose is KeyPurpose.SIGNING:
                _, *lines = key.key.decode().splitlines()
                forms += lines[:1]
            yield from ((f'a key of "{purpose}"', form) for form in forms)
    for name, value in os.environ.items():
        # Not those whose value is a path or a URL, such as VAULT_SECRET_PATH.
        is_credential = _CREDENTIAL.search(name) and name != "DIALTONE_SECRETS"
        if is_credential and len(value) >= _MIN_CREDENTIAL_LENGTH:
            yield f"the value of {name}", value
