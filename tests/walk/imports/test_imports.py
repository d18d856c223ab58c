"""The import of users."""

from pathlib import Path

from tests.support.service import REASON
from tests.support.walker import Walker


def test_an_operator_imports_users(walker: Walker, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("phone,username\n+14155570701,Import Walk\n", "utf-8")
    imported = walker.service.run("import", "users", "--ignore-blocks", *REASON, str(file))
    assert imported.returncode == 0, imported.stderr
    shown = walker.service.run("user", "show", "+14155570701")
    assert "Import Walk" in shown.stdout, shown.stderr
