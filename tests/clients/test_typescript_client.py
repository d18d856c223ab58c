"""A TypeScript client that is generated from the description can use the service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import OTP, TYPESCRIPT_PHONE
from tests.clients.less_exact import (
    change,
    without_binary_file,
    without_codes,
    without_const,
    without_times,
)
from tests.clients.programs import ClientFailed, TypescriptClient
from tests.support.servers.errors import ServerUnavailable
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


@pytest.mark.parametrize(
    "change_description", [without_binary_file, without_times, without_const, without_codes]
)
def test_a_less_exact_description_is_found(
    description: Path, tmp_path: Path, change_description: Callable[[Any], None]
) -> None:
    changed = generate(change(description, change_description, tmp_path), tmp_path)
    with pytest.raises(ClientFailed, match=r"use_client\.ts.* error "):
        changed.compile()
