"""`/client/dialtone.js` without a page, and its types.

`module/module_in_node.test.mjs` has the tests of Node.js, each with its promise.
"""

import shutil
from pathlib import Path

import pytest

from tests.clients.conftest import MODULE_PHONES, OTP
from tests.clients.programs import FOLDER, PROJECT, run
from tests.support.npm_packages import install_npm_packages
from tests.support.servers.process import ServerUnavailable, find_or_install
from tests.support.service import Service

# Installing Node.js and its packages may take minutes.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def node() -> Path:
    try:
        return find_or_install("node", "nodejs")
    except ServerUnavailable as error:
        pytest.fail(f"These tests need Node.js. {error}", pytrace=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the module and the programs that use it."""
    module = PROJECT / "entrypoints/http/start/client"
    for file in (*module.glob("dialtone.*"), *(FOLDER / "module").iterdir()):
        shutil.copy(file, tmp_path)
    # Beside its types, the compiler would look at these only.
    shutil.copy(module / "dialtone.js", tmp_path / "implementation.js")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


def test_the_module_works_where_there_is_no_page(
    node: Path, folder: Path, service: Service, image: Path
) -> None:
    environ = {
        "URL_OF_SERVICE": service.url,
        "OTP": OTP,
        "PHONES": ",".join(MODULE_PHONES),
        "IMAGE": str(image),
    }
    run(node, "--test", "module_in_node.test.mjs", folder=folder, environ=environ)


def test_the_compiler_accepts_the_module_and_apps_with_its_types(node: Path, folder: Path) -> None:
    try:
        packages = install_npm_packages(FOLDER / "typescript")
    except ServerUnavailable as error:
        pytest.fail(f"This test needs npm. {error}", pytrace=False)
    for project in ("tsconfig.json", "tsconfig.without_dom.json"):
        compiler = (node, packages / "typescript/bin/tsc", "--project", project)
        run(*compiler, "--pretty", "false", folder=folder)
