"""URLs of databases that commands read from variables and from files."""

from pathlib import Path

import pytest

from entrypoints.commands.operations.backup import backup
from entrypoints.composition.read_settings import read_settings
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError
from tests.support.commands import call

URL = "postgresql://dialtone:tops3cret@db.test/dialtone"


@pytest.fixture
def url_file(tmp_path: Path) -> Path:
    path = tmp_path / "a url"
    path.write_text(f"{URL}\n")
    path.chmod(0o600)
    return path


def read(**environ: str) -> Settings:
    return read_settings(environ, None)


def test_the_command_for_another_database_reads_the_url_from_its_file(url_file: Path) -> None:
    settings = read(DIALTONE_DATABASE_URL_FILE=str(url_file))

    with pytest.raises(StartupError) as raised:
        call(backup, settings, "dump")

    assert str(raised.value).startswith("DIALTONE_DATABASE_URL_FILE: this command works with sqli")
    assert f"pg_dump --format=custom --file=dump \"$(cat '{url_file}')\"" in str(raised.value)
