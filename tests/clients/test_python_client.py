"""A Python client that is generated from the description can use the service."""

from pathlib import Path

import pytest

from tests.clients.conftest import OTP, PYTHON_PHONE
from tests.clients.programs import PythonClient
from tests.support.service import Service


@pytest.fixture(scope="module")
def client(description: Path, tmp_path_factory: pytest.TempPathFactory) -> PythonClient:
    return PythonClient(description, tmp_path_factory.mktemp("python"))


def test_a_python_client_signs_in_and_uploads(
    client: PythonClient, service: Service, image: Path
) -> None:
    client.use(service.url, PYTHON_PHONE, OTP, image)


def test_a_python_client_has_exact_types(client: PythonClient) -> None:
    client.check_types()
