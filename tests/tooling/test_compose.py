"""compose.yaml starts the same servers as the tests."""

import re
from pathlib import Path

import pytest

from entrypoints.settings.read import FIELDS
from tests.support.servers import containers
from tests.support.servers.containers import IMAGES
from tests.support.servers.packages import WEED

COMPOSE = (Path(__file__).parents[2] / "compose.yaml").read_text()


@pytest.mark.parametrize("image", IMAGES.values())
def test_compose_starts_the_images_that_tests_use(image: str) -> None:
    assert f":-{image}}}\n" in COMPOSE


def test_images_are_pinned() -> None:
    assert all(image.rpartition(":")[2][0].isdigit() for image in IMAGES.values())


def test_s3_has_the_same_version_in_containers_and_as_a_process() -> None:
    assert IMAGES[containers.S3_IMAGE].endswith(f":{WEED.version}")


def test_all_variables_of_the_service_are_settings() -> None:
    variables = set(re.findall(r"^      ((?:DIALTONE|TWILIO|AWS)_\w+):", COMPOSE, re.MULTILINE))
    assert variables
    assert variables <= FIELDS.keys()
