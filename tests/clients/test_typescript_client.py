"""A TypeScript client that is generated from the description can use the service."""

from pathlib import Path

import pytest

from tests.clients.conftest import OTP, TYPESCRIPT_PHONE
from tests.clients.programs import TypescriptClient
from tests.support.servers.process import ServerUnavailable
from tests.support.service import Service

# Installing Node.js and its packages may take minutes.
pytestmark = pytest.mark.timeout(600)


def generate(description: Path, folder: Path) -> TypescriptClient:
    try:
        return TypescriptClient(description, folder)
    except ServerUnavailable as error:
        pytest.fail(f"These tests need Node.js with npm. {error}", pytrace=False)


def test_a_typescript_client_has_exact_types_signs_in_and_uploads(
    description: Path, service: Service, image: Path, tmp_path: Path
) -> None:
    client = generate(description, tmp_path)
    client.compile()
    client.use(service.url, TYPESCRIPT_PHONE, OTP, image)
