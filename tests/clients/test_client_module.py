"""`/client/dialtone.js` without a page, and its types.

`module/*.test.mjs` have the tests of Node.js, each with its promise.
"""

import json
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.clients.conftest import MODULE_PHONES, OTP
from tests.clients.programs import FOLDER, PROJECT, link_npm_packages, run_node
from tests.support.markdown import blocks_in, page
from tests.support.schema_check import resolve
from tests.support.service import Service

# Installing Node.js and its packages may take minutes.
pytestmark = pytest.mark.timeout(600)

WEB_PAGE: Final = page("docs/web.md")
COMPILER: Final = ("node_modules/typescript/bin/tsc", "--pretty", "false")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the module and the programs that use it."""
    module = PROJECT / "entrypoints/http/features/start/client"
    for file in (*module.glob("dialtone.*"), *(FOLDER / "module").iterdir()):
        shutil.copy(file, tmp_path)
    # Beside its types, the compiler would look at these only.
    shutil.copy(module / "dialtone.js", tmp_path / "implementation.js")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


def test_the_module_works_where_there_is_no_page(
    folder: Path, service: Service, image: Path
) -> None:
    environ = {
        "URL_OF_SERVICE": service.url,
        "OTP": OTP,
        "PHONES": ",".join(MODULE_PHONES),
        "IMAGE": str(image),
        "PROOF_PATHS": ",".join(paths_that_ask_for_proofs()),
    }
    run_node("--test", "module_in_node.test.mjs", folder=folder, environ=environ)


def test_the_module_asks_for_passkeys_as_long_as_it_may(folder: Path) -> None:
    run_node("--test", "passkeys.test.mjs", folder=folder)


def test_components_of_react_and_own_backends_work_as_on_the_page(folder: Path) -> None:
    link_npm_packages(folder, "react")
    for sample in blocks_in("js", WEB_PAGE):
        name, _, code = sample.removeprefix("// ").partition("\n")
        if name in ("session.js", "use_session.js", "own_backend.js"):
            code = code.replace("https://api.example.org/client", ".")
            (folder / name).write_text(code)
    run_node("--test", "samples_of_the_page.test.mjs", folder=folder)


def paths_that_ask_for_proofs() -> list[str]:
    """Return the paths of the API whose response may be a 403 `attestation_required`."""
    description = json.loads((PROJECT / "docs/openapi.json").read_text(encoding="utf-8"))
    return [
        path
        for path, operations in description["paths"].items()
        for operation in operations.values()
        if "attestation_required"
        in json.dumps(resolve(description, operation["responses"].get("403", {})))
    ]


def test_the_compiler_accepts_the_module_and_apps_with_its_types(folder: Path) -> None:
    link_npm_packages(folder, "typescript")
    for project in ("tsconfig.json", "tsconfig.without_dom.json"):
        run_node(*COMPILER, "--project", project, folder=folder)
