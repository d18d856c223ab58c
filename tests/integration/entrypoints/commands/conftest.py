from pathlib import Path

import pytest

from tests.support.commands import CommandLine


@pytest.fixture
def dialtone(tmp_path: Path) -> CommandLine:
    """The commands in a folder of their own, without a service."""
    return CommandLine(tmp_path)
