"""Environments with the wheel that `make dist` built."""

import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
DIST: Final = PROJECT / "dist"
PACKAGES: Final = ("adapters", "application", "domain", "entrypoints", "pytest_dialtone")
"""The import names. The last one is the plugin of the extra `testing`, with the contract suites."""


class Venv:
    """An environment without pip, which the pip of the tests installs into."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder)
        self.folder = folder
        self.python = folder / "bin/python"
        self.dialtone = folder / "bin/dialtone"

    def pip(self, *arguments: str | Path) -> None:
        """Run pip. What is imported gets bytecode then; for all files it takes longer than pip."""
        options = ("--no-input", "--quiet", "--no-compile")
        pip = [sys.executable, "-I", "-m", "pip", f"--python={self.python}", "install", *options]
        check_run([*pip, "--constraint", DIST / "constraints.txt", *arguments])

    def uv(self, command: str, *arguments: str | Path) -> None:
        """Run uv, which is faster than pip, for what needs no index."""
        uv = str(Path(sys.executable).with_name("uv"))
        options = ("--quiet", "--offline", f"--python={self.python}")
        check_run([uv, "pip", command, *options, *arguments])

    def install_alone(self, wheel: Path) -> None:
        """Install a wheel without its dependencies: enough for commands that end early."""
        self.uv("install", "--no-deps", wheel)

    def extend(self, folder: Path) -> "Venv":
        """Return a new environment that also finds the packages of this one, and their bytecode."""
        other = Venv(folder)
        (packages,), (others,) = (
            environment.folder.glob("lib/python*/site-packages") for environment in (self, other)
        )
        (others / "extended.pth").write_text(f"{packages}\n", "utf-8")
        return other


def check_run(command: Sequence[str | Path]) -> None:
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(scope="session")
def wheel() -> Path:
    (file,) = DIST.glob("*.whl")
    return file


@pytest.fixture
def make_venv(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Venv]:
    return lambda: Venv(tmp_path_factory.mktemp("venv"))


@pytest.fixture(scope="session")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Venv:
    """An environment with the wheel and without extras, as docs/deployment.md makes it."""
    environment = Venv(tmp_path_factory.mktemp("base"))
    environment.pip(wheel)
    return environment
