"""A TypeScript client that is generated from the description can use the service."""

from pathlib import Path

import pytest

from tests.clients.conftest import OTP, TYPESCRIPT_PHONE, ZOD_PHONE
from tests.clients.programs import TypescriptClient
from tests.support.servers.process import ServerUnavailable
from tests.support.service import Service

# Installing Node.js and its packages may take minutes.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def client(description: Path, tmp_path_factory: pytest.TempPathFactory) -> TypescriptClient:
    try:
        generated = TypescriptClient(description, tmp_path_factory.mktemp("typescript"))
    except ServerUnavailable as error:
        pytest.fail(f"These tests need Node.js with npm. {error}", pytrace=False)
    generated.compile()
    return generated


@pytest.mark.parametrize(
    ("program", "phone"), [("use_client", TYPESCRIPT_PHONE), ("use_zod_client", ZOD_PHONE)]
)
def test_a_typescript_client_has_exact_types_signs_in_uploads_and_lists(
    client: TypescriptClient, service: Service, image: Path, program: str, phone: str
) -> None:
    client.use(program, service.url, phone, OTP, image)


def test_linters_find_nothing(client: TypescriptClient, description: Path) -> None:
    output = client.lint(description)
    assert "warning" not in output.lower()
    assert "No results" in output
