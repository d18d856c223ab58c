"""What an operator starts with compose.yaml is what tests are run against."""

import re
from pathlib import Path

import pytest

from entrypoints.settings.read import FIELDS
from tests.support.servers import containers
from tests.support.servers.containers import IMAGES
from tests.support.servers.packages import WEED

COMPOSE = (Path(containers.__file__).parent.parent.parent / "compose.yaml").read_text()


@pytest.mark.parametrize("image", IMAGES.values())
def test_compose_starts_the_images_that_tests_use(image: str) -> None:
    assert f":-{image}}}\n" in COMPOSE


def test_images_are_pinned() -> None:
    assert all(image.rpartition(":")[2][0].isdigit() for image in IMAGES.values())


def test_s3_is_of_one_version_in_containers_and_as_a_process() -> None:
    assert IMAGES[containers.S3_IMAGE].endswith(f":{WEED.version}")


def test_every_variable_of_ours_in_it_is_a_setting() -> None:
    ours = set(re.findall(r"^      ((?:DIALTONE|TWILIO|AWS)_\w+):", COMPOSE, re.MULTILINE))
    assert ours
    assert ours <= FIELDS.keys()
