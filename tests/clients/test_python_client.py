"""A Python client that is generated from the description can use the service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import OTP, PYTHON_PHONE
from tests.clients.less_exact import change, without_binary_file, without_times
from tests.clients.programs import ClientFailed, PythonClient
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


@pytest.mark.parametrize("change_description", [without_binary_file, without_times])
def test_a_less_exact_description_is_found(
    description: Path, tmp_path: Path, change_description: Callable[[Any], None]
) -> None:
    changed = PythonClient(change(description, change_description, tmp_path), tmp_path)
    with pytest.raises(ClientFailed, match=r"use_client\.py.* error: "):
        changed.check_types()
