from pathlib import Path

import pytest

from tests.support.commands import CommandLine


@pytest.fixture
def dialtone(tmp_path: Path) -> CommandLine:
    """The commands in a folder with a database, without a service."""
    return CommandLine(tmp_path).create_database()
