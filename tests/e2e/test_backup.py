"""`dialtone backup` and `dialtone restore`, and copies of the file after a stop."""

import stat
from pathlib import Path

from tests.support.client import me, sign_in
from tests.support.service import ForkedService
from tests.support.sqlite_files import count_identities

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
