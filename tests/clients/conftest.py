from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support.images import plain_jpeg
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

OTP: Final = "271828"
PYTHON_PHONE: Final = "+15005550001"
TYPESCRIPT_PHONE: Final = "+15005550006"
ZOD_PHONE: Final = "+15005550009"
GENERATED_TYPESCRIPT_PHONE: Final = "+15005550003"
SAMPLES_PHONE: Final = "+15005550004"
MODULE_PHONES: Final = tuple(f"+1415555{number}" for number in range(2671, 2711))
_PHONES: Final = (
    PYTHON_PHONE, TYPESCRIPT_PHONE, ZOD_PHONE, GENERATED_TYPESCRIPT_PHONE, SAMPLES_PHONE,
    *MODULE_PHONES,
)  # fmt: skip


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service where all clients know their codes, and whose issuer is its URL."""
    environ = {
        "DIALTONE_TEST_OTPS": ",".join(f"{phone}={OTP}" for phone in _PHONES),
        "DIALTONE_TOKEN_ISSUER": "",
    }
    with running(tmp_path_factory.mktemp("service"), environ) as opened:
        yield opened


@pytest.fixture(scope="session")
def description(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The description that the service serves, as a file."""
    path = tmp_path_factory.mktemp("description") / "openapi.json"
    path.write_bytes(httpx.get(f"{service.url}/openapi.json", **PLAIN_HTTP).content)
    return path


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo."""
    path = tmp_path_factory.mktemp("image") / "IMG_0001.JPG"
    path.write_bytes(plain_jpeg(64, 48))
    return path
