"""The secrets file while the service runs."""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from adapters.secrets_file import RELOAD_INTERVAL, Secrets, WatchedSecrets
from tests.support.fakes.clock import MovableClock
from tests.support.secrets_files import change_secrets, made_secrets, read_secrets

A_MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.json"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(datetime.now(UTC))


@pytest.fixture
def watched(path: Path, clock: MovableClock) -> WatchedSecrets:
    return WatchedSecrets(path, clock, may_make=True)


def a_new_pepper(path: Path) -> Secrets:
    """Put another's pepper in front of ours; gives what the file holds then."""
    other = path.with_name("other.json")
    other.unlink(missing_ok=True)
    made_secrets(other)
    taken: list[Any] = []
    change_secrets(other, lambda document: taken.extend(document["otp_keys"]))
    change_secrets(path, lambda document: document["otp_keys"].insert(0, taken[0]))
    return read_secrets(path)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]


def test_it_is_looked_at_after_an_interval_and_not_before(
    path: Path, clock: MovableClock, watched: WatchedSecrets
) -> None:
    before, after = watched.current(), a_new_pepper(path)

    clock.advance(RELOAD_INTERVAL - A_MILLISECOND)
    assert watched.current() is before
    clock.advance(A_MILLISECOND)
    assert watched.current() == after
    assert watched.otp_keys.accepted() == after.otp_keys


def test_each_look_is_an_interval_after_the_one_before(
    path: Path, clock: MovableClock, watched: WatchedSecrets
) -> None:
    clock.advance(RELOAD_INTERVAL * 1.5)
    watched.current()
    after = a_new_pepper(path)

    clock.advance(RELOAD_INTERVAL * 0.75)
    assert watched.current() != after
    clock.advance(RELOAD_INTERVAL * 0.25)
    assert watched.current() == after


def test_a_clock_that_was_put_back_holds_up_no_look(
    path: Path, clock: MovableClock, watched: WatchedSecrets
) -> None:
    after = a_new_pepper(path)

    clock.advance(-timedelta(hours=1))

    assert watched.current() == after


def test_a_file_that_was_only_touched_changes_not_even_the_object(
    path: Path, clock: MovableClock, watched: WatchedSecrets
) -> None:
    before = watched.current()

    for _ in range(3):
        os.utime(path)
        clock.advance(RELOAD_INTERVAL)
        assert watched.current() is before


def test_a_change_that_leaves_size_and_time_as_they_were_is_seen(
    path: Path, clock: MovableClock, watched: WatchedSecrets
) -> None:
    clock.advance(RELOAD_INTERVAL)
    watched.current()
    status = path.stat()
    key_id = watched.current().otp_keys[0].id
    path.write_text(path.read_text().replace(key_id, "0123abcd"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    clock.advance(RELOAD_INTERVAL)

    assert watched.current().otp_keys[0].id == "0123abcd"


def gone(path: Path) -> None:
    path.rename(path.with_name("away.json"))


def cut_short(path: Path) -> None:
    path.write_text(path.read_text()[:500])


def readable_by_others(path: Path) -> None:
    path.chmod(0o644)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def without_peppers(path: Path) -> None:
    change_secrets(path, lambda document: document.pop("otp_keys"))


def of_another_service(path: Path) -> None:
    path.unlink()
    made_secrets(path)


@pytest.mark.parametrize(
    "spoil",
    [gone, cut_short, readable_by_others, a_folder, without_peppers, of_another_service],
    ids=lambda spoil: spoil.__name__,
)
def test_a_file_that_cannot_be_used_changes_nothing_and_is_told_of_once(
    path: Path,
    clock: MovableClock,
    watched: WatchedSecrets,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], None],
) -> None:
    before = watched.current()
    spoil(path)

    for _ in range(5):
        clock.advance(RELOAD_INTERVAL)
        assert watched.current() is before

    (told,) = errors(caplog)
    assert told.startswith("The keys stay as they were: ")
    assert str(path) in told
    for key in (before.index_key, *before.otp_keys, *before.signing_keys):
        assert repr(key.key)[2:-1] not in caplog.text


def test_a_file_that_is_mended_counts_from_the_next_look_on(
    path: Path,
    clock: MovableClock,
    watched: WatchedSecrets,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    after = a_new_pepper(path)
    path.chmod(0o644)
    clock.advance(RELOAD_INTERVAL)
    assert watched.current() != after

    path.chmod(0o600)
    clock.advance(RELOAD_INTERVAL)

    assert watched.current() == after
    assert caplog.messages[-1] == "The keys were read anew"


def test_the_same_file_put_back_is_told_of(
    path: Path, clock: MovableClock, watched: WatchedSecrets, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path.rename(path.with_name("away.json"))
    clock.advance(RELOAD_INTERVAL)
    watched.current()

    path.with_name("away.json").rename(path)
    for _ in range(3):
        clock.advance(RELOAD_INTERVAL)
        watched.current()

    assert caplog.messages[1:] == ["The secrets file can be read again"]


def test_none_is_made_while_the_service_runs(
    path: Path, clock: MovableClock, watched: WatchedSecrets
) -> None:
    path.unlink()

    clock.advance(RELOAD_INTERVAL)
    watched.current()

    assert not path.exists()


def test_a_hundred_uses_within_an_interval_look_once(
    path: Path, clock: MovableClock, watched: WatchedSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    stat = Path.stat

    def counted(self: Path, **options: bool) -> os.stat_result:
        nonlocal looks
        looks += 1
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", counted)
    clock.advance(RELOAD_INTERVAL)
    for _ in range(100):
        watched.signing_keys.signing()
        watched.otp_keys.accepted()

    assert looks == 1


def test_threads_that_look_at_once_get_the_same_keys(
    path: Path, clock: MovableClock, watched: WatchedSecrets
) -> None:
    after = a_new_pepper(path)
    clock.advance(RELOAD_INTERVAL)
    together, got = Barrier(8), []

    def look() -> None:
        together.wait()
        got.append(watched.current())

    threads = [Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == [after] * 8
    assert len({id(one) for one in got}) == 1
