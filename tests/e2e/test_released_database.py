"""A version serves the users of a database that a release made, and changes them."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.releases import CATEGORY, OTHER_PHONE, PHONE, RELEASES, USERNAME, data_of
from tests.support.client import bearer, open_client, sign_in
from tests.support.service import ForkedService, running


def unpack(release: str, folder: Path) -> Path:
    with tarfile.open(data_of(release)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("release", RELEASES)
def test_users_of_a_released_database_go_on(release: str, tmp_path: Path) -> None:
    with running(unpack(release, tmp_path / "service")) as service:
        use(service)


@pytest.mark.parametrize("release", RELEASES)
def test_users_of_a_released_database_go_on_in_its_copy(
    release: str, new_postgres_database: Callable[[], str], mongo_database: str, tmp_path: Path
) -> None:
    for url in (new_postgres_database(), mongo_database):
        folder = unpack(release, tmp_path / url.partition(":")[0])
        settings = {"DIALTONE_DATABASE": url}
        source = f"sqlite:///{folder}/dialtone.db"
        copied = ForkedService(folder, settings).run("copy", "--from", source, "--to", url)
        assert copied.returncode == 0, copied.stderr
        with running(folder, settings) as service:
            use(service)


def use(service: ForkedService) -> None:
    sign_in(service, OTHER_PHONE)
    with open_client(service, bearer(sign_in(service, PHONE))) as http:
        user = http.get("/users/me").json()
        assert user["username"] == USERNAME
        (item,) = http.get("/library").json()["items"]
        assert item["category"] == CATEGORY
        assert http.get(item["url"]).status_code == 200

        renamed = http.patch("/users/me", json={"username": "Asha V"})
        assert renamed.status_code == 200, renamed.text
        deleted = http.delete(f"/library/{item['id']}")
        assert deleted.is_success, deleted.text
    for command in (("cleanup",), ("audit",), ("admin-token", "list"), ("block", "list")):
        finished = service.run(*command)
        assert finished.returncode == 0, finished.stderr
    shown = json.loads(service.run("user", "show", user["_id"], "--json").stdout)
    assert shown["account"]["username"] == "Asha V"
    assert shown["account"]["role"] == "administrator"
    assert "CorruptRecord" not in service.log
