"""Environments with the wheel that `make dist` built."""

import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
DIST: Final = PROJECT / "dist"


class Venv:
    """An environment without pip, which the pip of the tests installs into."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder)
        self.python = folder / "bin/python"
        self.dialtone = folder / "bin/dialtone"

    def pip(self, *arguments: str | Path) -> str:
        pip = [
            sys.executable,
            "-I",
            "-m",
            "pip",
            f"--python={self.python}",
            "--no-input",
            "--quiet",
        ]
        run = subprocess.run([*pip, *arguments], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def install_alone(self, wheel: Path) -> None:
        """Install a wheel without its dependencies: enough for commands that end early."""
        self.pip("install", "--no-deps", "--no-index", "--no-compile", wheel)


@pytest.fixture(scope="session")
def wheel() -> Path:
    (file,) = DIST.glob("*.whl")
    return file


@pytest.fixture
def make_venv(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Venv]:
    return lambda: Venv(tmp_path_factory.mktemp("venv"))


@pytest.fixture(scope="session")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Venv:
    """An environment with the wheel and without extras."""
    environment = Venv(tmp_path_factory.mktemp("base"))
    environment.pip("install", "--constraint", DIST / "constraints.txt", wheel)
    return environment
