"""`dialtone library` as an operator uses it."""

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.e2e.test_start import sign_in
from tests.support.forked_service import running
from tests.support.images import still_gif
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, said

REASON: Final = ("--reason", "report 815")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("service") / "service") as service:
        yield service


@pytest.fixture(scope="module")
def headers(service: Service) -> dict[str, str]:
    return {"Authorization": f"Bearer {sign_in(service, '+14155552671')}"}


@pytest.fixture
def item(service: Service, headers: dict[str, str]) -> dict[str, Any]:
    body = {"username": "Rahul Sharma", "number": "+14155552671"}
    user = httpx.post(f"{service.url}/users", json=body, headers=headers, **PLAIN_HTTP).json()
    response = httpx.post(
        f"{service.url}/library/upload",
        files={"file": ("a.gif", still_gif(), "image/gif")},
        data={"user_id": user["user_id"]},
        headers=headers,
        **PLAIN_HTTP,
    )
    uploaded: dict[str, Any] = response.json()
    return uploaded


def status(url: str, headers: dict[str, str] | None = None) -> int:
    return httpx.get(url, headers=headers, **PLAIN_HTTP).status_code


def test_an_item_is_hidden_shown_again_and_deleted_while_the_service_runs(
    service: Service, headers: dict[str, str], item: dict[str, Any]
) -> None:
    item_url = f"{service.url}/library/{item['id']}"
    for action, code, text in (
        ("hide", 404, "is hidden now"),
        ("unhide", 200, "is shown again"),
        ("hide", 404, "is hidden now"),
        ("delete", 404, "is deleted"),
    ):
        ended = service.run("library", action, item["id"], *REASON)
        assert (ended.returncode, said(ended)) == (0, "")
        assert f"The item {item['id']} of the user {item['user_id']} {text}." in ended.stdout
        assert (status(item_url, headers), status(item["url"])) == (code, code)
    entries = json.loads(service.run("audit", item["user_id"], "--json").stdout)
    assert [(entry["action"], entry["item_id"], entry["reason"]) for entry in entries[:2]] == [
        ("delete_item", item["id"], "report 815"),
        ("hide_item", item["id"], "report 815"),
    ]
    assert f"item: {item['id']}" in service.run("audit", item["user_id"]).stdout


def test_an_invalid_argument_and_an_unknown_item_are_errors_in_words(service: Service) -> None:
    for arguments, code, message in (
        (["hide", "abc", *REASON], 2, "ITEM: the id of an item has 24 hex digits"),
        (["hide", "f" * 24, "--reason", " "], 2, "--reason: Say why. The audit keeps the reason."),
        (["delete", "f" * 24, *REASON], 1, "There is no item with this id in the library"),
    ):
        ended = service.run("library", *arguments)
        assert (ended.returncode, ended.stdout, message in ended.stderr) == (code, "", True)
