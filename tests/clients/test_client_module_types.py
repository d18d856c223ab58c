"""The types of `/client/dialtone.js` are those of the module, and exact."""

import shutil
from pathlib import Path

import pytest

from tests.clients.programs import FOLDER, PROJECT, run
from tests.support.npm_packages import install_npm_packages
from tests.support.servers.process import ServerUnavailable, find_or_install

# Installing Node.js and its packages may take minutes.
pytestmark = pytest.mark.timeout(600)


def test_the_compiler_accepts_the_module_and_an_app_with_its_types(tmp_path: Path) -> None:
    try:
        node = find_or_install("node", "nodejs")
        packages = install_npm_packages(FOLDER / "typescript")
    except ServerUnavailable as error:
        pytest.fail(f"This test needs Node.js with npm. {error}", pytrace=False)
    module = PROJECT / "entrypoints/http/start/client"
    for file in (*module.glob("dialtone.*"), *(FOLDER / "module").iterdir()):
        shutil.copy(file, tmp_path)
    # Beside its types, the compiler would look at these only.
    shutil.copy(module / "dialtone.js", tmp_path / "implementation.js")

    run(node, packages / "typescript/bin/tsc", "--pretty", "false", folder=tmp_path)
