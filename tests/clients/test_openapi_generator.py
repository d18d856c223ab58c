"""A client that openapi-generator generates from the description can use the service."""

from pathlib import Path

import pytest

from tests.clients.conftest import GENERATED_TYPESCRIPT_PHONE, OTP
from tests.clients.programs import OpenApiGenerator
from tests.support.servers.process import ServerUnavailable
from tests.support.service import Service

# The first run downloads the generator, a Java runtime and npm packages.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def generator(description: Path, tmp_path: Path) -> OpenApiGenerator:
    try:
        return OpenApiGenerator(description, tmp_path)
    except ServerUnavailable as error:
        pytest.fail(f"These tests need openapi-generator and Java. {error}", pytrace=False)


def test_its_typescript_client_compiles_signs_in_and_uploads(
    generator: OpenApiGenerator, service: Service, image: Path
) -> None:
    generator.use(service.url, GENERATED_TYPESCRIPT_PHONE, OTP, image)
