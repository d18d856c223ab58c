"""`dialtone backup --fingerprint`, and backups of other databases than SQLite."""

from pathlib import Path

from application.ports.keys import KeyPurpose
from tests.support.commands import CommandLine
from tests.support.keys import create_secrets_file, load_keys


def test_the_fingerprint_names_the_keys_of_a_database_and_of_its_backup(
    dialtone: CommandLine,
) -> None:
    secrets = dialtone.folder / "secrets.json"
    dialtone.add_user("+14155593001", "Asha Rao")
    (key,) = load_keys(secrets)[KeyPurpose.PHONE_ENCRYPTION]
    assert dialtone.run("backup", "backup.db").returncode == 0

    for arguments in ([], ["backup.db"]):
        named = dialtone.run("backup", "--fingerprint", *arguments)
        assert named.returncode == 0, named.stderr
        assert "It has the fingerprint of the secrets file" in named.stdout
        assert f"the key {key.id}, for 1 phones; it is in the secrets file" in named.stdout

    secrets.unlink()
    named = dialtone.run("backup", "--fingerprint", "backup.db")
    assert "There are no usable keys to compare it with: the secrets file" in named.stdout
    assert f"the key {key.id}, for 1 phones.\n" in named.stdout

    create_secrets_file(secrets)
    named = dialtone.run("backup", "--fingerprint", "backup.db")
    assert "It does NOT have the fingerprint of the secrets file" in named.stdout
    assert f"the key {key.id}, for 1 phones; it is NOT in" in named.stdout


def test_other_databases_have_their_own_tools(tmp_path: Path) -> None:
    for scheme, command, tool, file in (
        ("mongodb", "backup", "mongodump", "NAME' --oplog --gzip --archive='my backup'"),
        ("mongodb", "restore", "mongorestore", "NAME' --oplogReplay --drop --gzip"),
        ("postgresql", "backup", "pg_dump", "--file='my backup' \"$DIALTONE_DATABASE\""),
        ("postgresql", "restore", "pg_restore", "--dbname=\"$DIALTONE_DATABASE\" 'my backup'"),
    ):
        url = f"{scheme}://dialtone:s3cret@127.0.0.1:1/dialtone"
        ended = CommandLine(tmp_path, {"DIALTONE_DATABASE": url}).run(command, "my backup")
        assert ended.returncode == 1
        assert tool in ended.stderr
        assert file in ended.stderr
        assert "s3cret" not in ended.stderr

    own = CommandLine(tmp_path, {"DIALTONE_DATABASE": "my_database:open_database"})
    ended = own.run("backup", "backup.db")
    assert (ended.returncode, "with its own tools" in ended.stderr) == (1, True)
