"""`dialtone copy`: from one database to another one, while nobody is served."""

from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.client import me, open_session, sign_up
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import ForkedService, Service

PHONE: Final = "+14155592101"


def sign_up_with_refresh(service: Service) -> dict[str, Any]:
    sign_up(service, PHONE, "Zoë")
    return open_session(service, PHONE, refresh=True)


def refresh(service: Service, tokens: dict[str, Any]) -> httpx.Response:
    body = {"refresh_token": tokens["refresh_token"]}
    return httpx.post(f"{service.url}/auth/refresh", json=body, **PLAIN_HTTP)


def test_sessions_go_on_in_mongodb_and_sqlite_does_not_start(
    tmp_path: Path, mongo_database: str
) -> None:
    service = ForkedService(tmp_path / "service").start()
    source = service.environ["DIALTONE_DATABASE"]
    service.settings["NEW_DATABASE"] = mongo_database
    tokens = sign_up_with_refresh(service)
    copy = ("copy", "--from", source, "--to", "env:NEW_DATABASE")

    while_running = service.run(*copy)
    assert (while_running.returncode, "Stop all instances" in while_running.stderr) == (1, True)
    plan = service.run(*copy, "--dry-run")
    assert plan.returncode == 0, plan.stderr
    assert "identities: 1 records, 0 of them copied before" in plan.stdout
    assert "The copy would be refused now. sqlite:///" in plan.stdout
    assert "Nothing was changed." in plan.stdout
    assert service.stop() == 0

    copied = service.run(*copy)
    assert copied.returncode == 0, copied.stderr
    assert "\nidentities: 1 records\n" in copied.stdout
    again = service.run(*copy)
    assert again.returncode == 1
    assert "was copied to mongodb://" in again.stderr
    refused = service.run("run")
    assert refused.returncode == 1
    assert "was copied to mongodb://" in refused.stderr
    assert "dialtone run --force" in refused.stderr

    in_mongo = ForkedService(service.folder, {"DIALTONE_DATABASE": mongo_database}).start()
    assert me(in_mongo, tokens["access_token"]) == 200
    assert refresh(in_mongo, tokens).status_code == 200
    assert in_mongo.stop() == 0
