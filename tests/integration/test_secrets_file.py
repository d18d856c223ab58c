"""The secrets file on a real disk, with real processes."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.jwt import JwtAccessTokens
from adapters.sealing import AesPhoneSeal
from adapters.secrets_file import Secrets, SecretsNotUsable, load_or_make_secrets
from tests.support.builders import a_phone
from tests.support.fakes.key_ring import FakeKeyRing
from tests.support.fakes.randomness import SeededRandomness

PROJECT = Path(__file__).parents[2]

TWENTY_AT_ONCE = """
import hashlib, os, sys
from pathlib import Path
from adapters.secrets_file import load_or_make_secrets

wait, go = os.pipe()
for _ in range(20):
    if os.fork() == 0:
        os.close(go)
        os.read(wait, 1)  # returns when the last holder of the other end lets go
        secrets = load_or_make_secrets(Path(sys.argv[1]), may_make=True)
        held = [secrets.index_key, *secrets.peppers, *secrets.seal_keys, *secrets.signing_keys]
        digest = hashlib.sha256(b"".join(one.key for one in held)).hexdigest()
        os.write(1, f"{digest}\\n".encode())
        os._exit(0)
os.close(go)
for _ in range(20):
    assert os.wait()[1] == 0
"""

KILLED_AT_EVERY_LINE = """
import os, shutil, signal, sys
from pathlib import Path
from adapters.secrets_file import load_or_make_secrets

place = Path(sys.argv[1])

def kill_at(line):
    left = line
    def trace(frame, event, _):
        nonlocal left
        if "secrets_file" not in frame.f_code.co_filename:
            return None
        left -= event == "line"
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)

for line in range(1, 10_000):
    shutil.rmtree(place, ignore_errors=True)
    child = os.fork()
    if child == 0:
        kill_at(line)
        load_or_make_secrets(place / "secrets.json", may_make=True)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    left_behind = (place / "secrets.json").exists()
    before = load_or_make_secrets(place / "secrets.json", may_make=False) if left_behind else None
    after = load_or_make_secrets(place / "secrets.json", may_make=True)
    assert before in (None, after), line
    print(os.WTERMSIG(status), left_behind)
    if status == 0:
        break
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "secrets.json"


@pytest.fixture
def made(path: Path) -> Secrets:
    return load_or_make_secrets(path, may_make=True)


def run(script: str, place: Path) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", script, str(place)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    return ended.stdout.splitlines()


def refusal(path: Path, *, may_make: bool = True) -> str:
    with pytest.raises(SecretsNotUsable) as refused:
        load_or_make_secrets(path, may_make=may_make)
    return str(refused.value)


def change(path: Path, change_it: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads(path.read_text())
    change_it(document)
    path.write_text(json.dumps(document))


# Making it


def test_twenty_processes_that_start_at_once_have_one_set_of_keys(path: Path) -> None:
    digests = run(TWENTY_AT_ONCE, path)

    assert len(digests) == 20
    assert len(set(digests)) == 1
    assert [one.name for one in path.parent.iterdir()] == ["secrets.json"]


def test_killed_at_any_line_it_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    ends = run(KILLED_AT_EVERY_LINE, tmp_path / "place")

    assert ends[-1] == "0 True"
    assert {"9 False", "9 True"} <= set(ends)


def test_it_belongs_to_its_owner_alone_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_make_secrets(path, may_make=True)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_nlink == 1


def test_what_was_made_is_read_again(path: Path, made: Secrets) -> None:
    assert load_or_make_secrets(path, may_make=True) == made
    assert load_or_make_secrets(path, may_make=False) == made


def test_each_file_has_keys_of_its_own(tmp_path: Path, made: Secrets) -> None:
    other = load_or_make_secrets(tmp_path / "other.json", may_make=True)

    for one, another in (
        (made.index_key, other.index_key),
        (made.otp_keys[0], other.otp_keys[0]),
        (made.seal_keys[0], other.seal_keys[0]),
        (made.signing_keys[0], other.signing_keys[0]),
        (made.refresh_keys[0], other.refresh_keys[0]),
    ):
        assert one.key != another.key
    held = (made.index_key, made.otp_keys[0], made.seal_keys[0], made.refresh_keys[0])
    assert len({one.key for one in held}) == 4


def test_what_was_made_is_what_the_adapters_take(made: Secrets) -> None:
    seal_keys, signing_keys = (
        FakeKeyRing(*((one.id, one.key) for one in keys))
        for keys in (made.seal_keys, made.signing_keys)
    )
    seal = AesPhoneSeal(made.index_key.key, seal_keys, SeededRandomness())
    JwtAccessTokens(signing_keys, issuer="a", audience="b")

    assert seal.decrypt(seal.encrypt(a_phone(), "x"), "x") == a_phone()


def test_none_is_made_where_that_is_not_allowed(path: Path) -> None:
    assert refusal(path, may_make=False).startswith(f"There is no secrets file {path}: ")
    assert not path.parent.exists()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").touch()

    assert str(tmp_path / "var") in refusal(tmp_path / "var" / "secrets.json")
    assert "/proc/nowhere" in refusal(Path("/proc/nowhere/secrets.json"))


# Reading it


def test_older_keys_stand_after_the_current_one(path: Path, made: Secrets) -> None:
    newer = load_or_make_secrets(path.with_name("newer.json"), may_make=True)
    entry = json.loads(path.with_name("newer.json").read_text())["seal_keys"][0]
    change(path, lambda document: document["seal_keys"].insert(0, entry))

    read = load_or_make_secrets(path, may_make=False)

    assert read.seal_keys == (newer.seal_keys[0], made.seal_keys[0])


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o777])
def test_a_file_that_others_can_get_at_is_refused_with_the_way_out(
    path: Path, made: Secrets, mode: int
) -> None:
    path.chmod(mode)

    assert refusal(path).endswith(f": chmod 600 {path}")


def test_a_file_that_even_its_owner_may_only_read_is_fine(path: Path, made: Secrets) -> None:
    path.chmod(0o400)

    assert load_or_make_secrets(path, may_make=True) == made


def a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere.json"))
    path.symlink_to("elsewhere.json")


def a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing.json")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("put", [a_link, a_link_to_nothing, a_folder, a_pipe])
def test_only_a_file_is_read(path: Path, made: Secrets, put: Callable[[Path], None]) -> None:
    put(path)

    assert refusal(path).startswith(f"{path} is not a file but a link, a folder")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", '"text"', "null", "\x00", '{"version": 2}', "{}", "[" * 100_000]
)
def test_a_file_of_another_form_is_refused(path: Path, made: Secrets, text: str) -> None:
    path.write_text(text)

    assert refusal(path).startswith(f"The secrets file {path} cannot be used, as it")


def test_a_file_that_is_not_text_is_refused(path: Path, made: Secrets) -> None:
    path.write_bytes(os.urandom(2_000_000))

    assert "it is not JSON" in refusal(path)


def test_a_file_that_was_cut_short_is_refused_wherever_it_was_cut(
    path: Path, made: Secrets
) -> None:
    whole = path.read_text()

    for length in range(0, len(whole.rstrip()), 7):
        path.write_text(whole[:length])
        assert "it is not JSON" in refusal(path)


LISTS = ("otp_keys", "seal_keys", "signing_keys", "refresh_keys")


@pytest.mark.parametrize("name", [*LISTS, "index_key"])
@pytest.mark.parametrize("value", [None, [], {}, "text", [5]])
def test_a_part_that_is_missing_is_named(path: Path, made: Secrets, name: str, value: Any) -> None:
    change(path, lambda document: document.update({name: value}))

    assert f'"{name}' in refusal(path)


@pytest.mark.parametrize("name", [*LISTS, "index_key"])
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("id", None),
        ("id", "first"),
        ("id", "0000000A"),
        ("not_before", None),
        ("not_before", "yesterday"),
        ("not_before", "2026-05-01T09:30:00"),
        ("key", None),
        ("key", ""),
        ("key", "tops3cret"),
        ("key", "dG9wczNjcmV0"),
        ("key", "dG9w\u00e9"),
        ("key", "-----BEGIN PRIVATE KEY-----\ntops3cret\n-----END PRIVATE KEY-----\n"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named_and_its_key_is_not_told(
    path: Path, made: Secrets, name: str, member: str, value: Any
) -> None:
    def spoil(document: dict[str, Any]) -> None:
        entry = document[name] if name == "index_key" else document[name][0]
        entry[member] = value

    change(path, spoil)

    sentence = refusal(path)
    where = name if name == "index_key" else f"{name}[0]"
    assert f'"{where}.{member}"' in sentence
    assert "tops3cret" not in sentence
    assert "dG9wczNjcmV0" not in sentence


def test_a_seal_key_that_is_too_long_is_refused(path: Path, made: Secrets) -> None:
    change(path, lambda document: document["seal_keys"][0].update(key="A" * 64))

    assert '"seal_keys[0].key"' in refusal(path)


def test_two_keys_of_one_list_with_one_id_are_refused(path: Path, made: Secrets) -> None:
    change(path, lambda document: document.update(otp_keys=document["otp_keys"] * 2))

    assert '"peppers"' in refusal(path)


def test_members_of_other_names_are_left_alone(path: Path, made: Secrets) -> None:
    change(path, lambda document: document.update(comment="made by hand"))

    assert load_or_make_secrets(path, may_make=False) == made


def test_no_key_is_ever_printed(made: Secrets) -> None:
    lists = (made.otp_keys, made.seal_keys, made.signing_keys, made.refresh_keys)
    secrets = (made.index_key, *(key for keys in lists for key in keys))
    printed = f"{made} {made!r} {secrets}"

    for secret in secrets:
        assert repr(secret.key)[2:-1] not in printed
        assert secret.key.hex() not in printed
