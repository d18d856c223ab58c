"""`dialtone backup` and `dialtone restore`, and copies of the file after a stop."""

import stat
from pathlib import Path

from application.ports.keys import KeyPurpose
from tests.integration.adapters.databases.sqlite.test_sqlite_backup import count_identities
from tests.support.client import me, sign_in
from tests.support.forked_service import ForkedService
from tests.support.keys import load_keys

PHONE, LATER = "+14155593001", "+14155593002"
WITHOUT_USER, UNKNOWN = 404, 401


def test_a_backup_of_a_running_service_is_restored_after_its_stop(tmp_path: Path) -> None:
    service = ForkedService(tmp_path, {"DIALTONE_WORKERS": "2"}).start()
    token = sign_in(service, PHONE)

    backup = service.run("backup", "--full-check", "backup.db")
    assert backup.returncode == 0, backup.stderr
    assert "1 identities" in backup.stdout
    assert f"media folder {tmp_path}/media" in backup.stdout
    assert f"secrets file {tmp_path}/secrets.json" in backup.stdout
    assert stat.S_IMODE((tmp_path / "backup.db").stat().st_mode) == 0o600
    later_token = sign_in(service, LATER)

    while_running = service.run("restore", "backup.db")
    assert while_running.returncode == 1
    assert "is in use: stop all instances of the service" in while_running.stderr

    assert service.stop() == 0
    restored = service.run("restore", "--full-check", "backup.db")
    assert restored.returncode == 0, restored.stderr
    (kept,) = tmp_path.glob("dialtone.db.before-restore-*")
    assert str(kept) in restored.stdout
    assert "The keys belong to this database" in restored.stdout
    assert (count_identities(kept), count_identities(tmp_path / "dialtone.db")) == (2, 1)
    service.start()
    assert [me(service, token), me(service, later_token)] == [WITHOUT_USER, UNKNOWN]
    assert service.stop() == 0


def test_an_empty_database_beside_images_is_a_warning(tmp_path: Path) -> None:
    service = ForkedService(tmp_path)
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "0123.png").touch()

    service.start()

    assert service.stop() == 0
    assert service.log.count('"database_found_empty"') == 1


def test_other_databases_have_their_own_tools(tmp_path: Path) -> None:
    service = ForkedService(tmp_path)
    for scheme, command, tool, file in (
        ("mongodb", "backup", "mongodump", "NAME' --oplog --gzip --archive='my backup'"),
        ("mongodb", "restore", "mongorestore", "NAME' --oplogReplay --drop --gzip"),
        ("postgresql", "backup", "pg_dump", "--file='my backup' \"$DIALTONE_DATABASE\""),
        ("postgresql", "restore", "pg_restore", "--dbname=\"$DIALTONE_DATABASE\" 'my backup'"),
    ):
        service.settings["DIALTONE_DATABASE"] = f"{scheme}://dialtone:s3cret@127.0.0.1:1/dialtone"
        finished = service.run(command, "my backup")

        assert finished.returncode == 1
        assert tool in finished.stderr
        assert file in finished.stderr
        assert "s3cret" not in finished.stderr

    service.settings["DIALTONE_DATABASE"] = "my_database:open_database"
    finished = service.run("backup", "backup.db")
    assert finished.returncode == 1
    assert "with its own tools" in finished.stderr


def test_the_fingerprint_names_the_keys_of_a_database_and_of_its_backup(tmp_path: Path) -> None:
    service = ForkedService(tmp_path).start()
    sign_in(service, PHONE)
    (key,) = load_keys(tmp_path / "secrets.json")[KeyPurpose.PHONE_ENCRYPTION]
    assert service.run("backup", "backup.db").returncode == 0

    for arguments in ([], ["backup.db"]):
        named = service.run("backup", "--fingerprint", *arguments)
        assert named.returncode == 0, named.stderr
        assert "It has the fingerprint of the secrets file" in named.stdout
        assert f"the key {key.id}, for 1 phones; it is in the secrets file" in named.stdout
    assert service.stop() == 0

    (tmp_path / "secrets.json").unlink()
    named = service.run("backup", "--fingerprint", "backup.db")
    assert "There are no usable keys to compare it with: the secrets file" in named.stdout
    assert f"the key {key.id}, for 1 phones.\n" in named.stdout

    assert service.run("keys", "generate", "secrets.json").returncode == 0
    named = service.run("backup", "--fingerprint", "backup.db")
    assert "It does NOT have the fingerprint of the secrets file" in named.stdout
    assert f"the key {key.id}, for 1 phones; it is NOT in" in named.stdout
