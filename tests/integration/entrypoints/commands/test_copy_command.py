"""`dialtone copy`: places, and the keys of the target."""

import json

from entrypoints.commands.operations.copy_jobs import forget_copy
from tests.support.captured_lines import captured_lines
from tests.support.commands import CommandLine
from tests.support.keys import create_secrets_file


def test_places_are_named_without_secrets(dialtone: CommandLine) -> None:
    target = f"sqlite:///{dialtone.folder}/new.db"
    for place, problem in (
        ("mongodb://user:p4ssw0rd@127.0.0.1:1/", "must name the database"),
        ("own_module:open_database", "does not work with a database adapter of your own"),
        ("env:NOT_SET", "the variable NOT_SET is not set"),
        ("postgresql://user:p4ssw0rd@127.0.0.1:1/name", "127.0.0.1:1/name"),
        (f"sqlite:///{dialtone.folder}/missing.db", "there is no database of Dialtone at "),
    ):
        failed = dialtone.run("copy", "--from", place, "--to", target)
        assert failed.returncode > 0
        assert problem in failed.stderr
        assert failed.stderr.startswith("--from: ")
        assert "p4ssw0rd" not in failed.stderr + failed.stdout
    assert not (dialtone.folder / "new.db").exists()


def test_a_target_is_a_new_file_in_a_folder_that_exists(dialtone: CommandLine) -> None:
    (dialtone.folder / "link.db").hardlink_to(dialtone.folder / "dialtone.db")
    copy = ("copy", "--from", f"sqlite:///{dialtone.folder}/dialtone.db", "--to")
    before = {*dialtone.folder.rglob("*")}
    for name, code, problem in (
        ("dialtone", 1, "dialtone.db are one file: name another database."),
        ("link", 1, "dialtone.db are one file: name another database."),
        ("missing/new", 2, f"{dialtone.folder}/missing does not exist: create this folder, or"),
    ):
        for options in ((), ("--dry-run",)):
            failed = dialtone.run(*copy, f"sqlite:///{dialtone.folder}/{name}.db", *options)
            assert (failed.returncode, failed.stdout) == (code, "")
            assert failed.stderr.startswith("--to: ")
            assert problem in failed.stderr
    assert {*dialtone.folder.rglob("*")} == before


def test_the_keys_of_phones_may_be_others_and_the_source_is_used_by_force_only(
    dialtone: CommandLine,
) -> None:
    dialtone.add_user("+14155592101", "Zoë")
    source, target = (f"sqlite:///{dialtone.folder}/{name}.db" for name in ("dialtone", "target"))
    copy = ("copy", "--from", source, "--to", target, "--to-secrets-file", "other.json")
    create_secrets_file(other := dialtone.folder / "other.json")

    refused = dialtone.run(*copy)

    assert refused.returncode == 1
    assert refused.stderr.startswith("--to-secrets-file: ")
    assert 'has other keys of "otp_pepper" than the settings' in refused.stderr
    generated = json.loads(other.read_bytes())
    of_phones = {name: generated[name] for name in ("phone_index", "phone_encryption")}
    current = json.loads((dialtone.folder / "secrets.json").read_bytes())
    other.write_text(json.dumps(current | of_phones))
    copied = dialtone.run(*copy)
    assert copied.returncode == 0, copied.stderr
    assert "\nidentities: 1 records\n" in copied.stdout
    assert "DIALTONE_SECRETS_FILE=other.json" in copied.stdout

    assert "was copied to sqlite://" in dialtone.run("cleanup").stderr
    with captured_lines() as lines:
        forget_copy(dialtone.settings)  # as `dialtone run --force` does
    assert [line["event"] for line in lines] == ["copy_mark_removed"]
    assert dialtone.run("cleanup").returncode == 0
