"""Other packages with an import name of this wheel."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.wheel.conftest import Venv

MakeVenv = Callable[[], Venv]


def build_wheel(folder: Path, files: dict[str, str]) -> Path:
    """Build a wheel of another project, as a tool does that writes no top_level.txt."""
    information = "acme_shop-1.2.dist-info"
    files = {
        **files,
        f"{information}/METADATA": "Metadata-Version: 2.1\nName: acme-shop\nVersion: 1.2\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{information}/RECORD"])
    file = folder / "acme_shop-1.2-py3-none-any.whl"
    with ZipFile(file, "w") as archive:
        for name, text in {**files, f"{information}/RECORD": record}.items():
            archive.writestr(name, text)
    return file


def run(venv: Venv, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [venv.dialtone, *arguments],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "is_first"), [("entrypoints.py", True), ("pytest_dialtone/sql.py", False)]
)
def test_another_package_with_such_a_name_is_an_error(
    make_venv: MakeVenv, wheel: Path, tmp_path: Path, name: str, is_first: bool
) -> None:
    venv, other = make_venv(), build_wheel(tmp_path, {name: "secret = 'theirs'\n"})
    for file in (other, wheel) if is_first else (wheel, other):
        venv.install_alone(file)

    failed = run(venv, "user", "show", "+14155552671")

    import_name = name.partition("/")[0].removesuffix(".py")
    assert failed.stderr.startswith(
        f"The package acme-shop 1.2 has the import name {import_name}, which is Dialtone's. "
    )
    assert "a venv of its own" in failed.stderr
    assert (failed.returncode, failed.stdout, failed.stderr.count("\n")) == (1, "", 1)


def test_files_that_went_with_another_package_are_missed(
    make_venv: MakeVenv, wheel: Path, tmp_path: Path
) -> None:
    venv, other = make_venv(), build_wheel(tmp_path, {"domain/__init__.py": ""})
    for file in (other, wheel):
        venv.install_alone(file)
    venv.uv("uninstall", "acme-shop")

    failed = run(venv, "--version")

    assert failed.stderr.startswith("Python finds domain in no file, and Dialtone's is in ")
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)


def test_a_folder_that_hides_a_package_is_named(
    make_venv: MakeVenv, wheel: Path, tmp_path: Path
) -> None:
    venv = make_venv()
    venv.install_alone(wheel)
    hidden_by = tmp_path / "domain/__init__.py"
    hidden_by.parent.mkdir()
    hidden_by.write_text("")

    failed = run(venv, "--version", PYTHONPATH=str(tmp_path))

    assert failed.stderr.startswith(f"Python finds domain in {hidden_by}, and Dialtone's is")
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert run(venv, "--version").returncode == 0
