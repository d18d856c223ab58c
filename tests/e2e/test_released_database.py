"""A version serves the users of a database that a release made, and changes them."""

import json
import tarfile
from pathlib import Path

import httpx

from tests.releases import CATEGORY, PHONE, RELEASES, USERNAME, data_of
from tests.support.client import bearer, sign_in
from tests.support.service import running


async def test_users_of_a_released_database_go_on(tmp_path: Path) -> None:
    for release in RELEASES:
        folder = tmp_path / release
        with tarfile.open(data_of(release)) as archive:
            archive.extractall(folder, filter="data")
        await use(folder)


async def use(folder: Path) -> None:
    with running(folder) as service:
        async with httpx.AsyncClient(base_url=service.url) as http:
            headers = bearer(sign_in(service, PHONE))
            user = (await http.get("/users/me", headers=headers)).json()
            assert user["username"] == USERNAME
            (item,) = (await http.get("/library", headers=headers)).json()["items"]
            assert item["category"] == CATEGORY
            assert (await http.get(item["url"])).status_code == 200

            renamed = await http.patch("/users/me", json={"username": "Asha V"}, headers=headers)
            assert renamed.status_code == 200, renamed.text
            deleted = await http.delete(f"/library/{item['id']}", headers=headers)
            assert deleted.is_success, deleted.text
        shown = json.loads(service.run("user", "show", user["_id"], "--json").stdout)
        assert shown["account"]["username"] == "Asha V"
        assert shown["account"]["role"] == "administrator"
    assert "CorruptRecord" not in service.log
