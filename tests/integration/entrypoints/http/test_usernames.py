"""A stored username stays valid for its owner: the app posts it at each login."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from domain.identities.username import Username
from tests.integration.http_driver import HttpDriver, open_http_driver
from tests.support.builders import NOW, a_phone
from tests.support.http_settings import make_http_settings
from tests.support.stored_values import replace_stored

SETTINGS = make_http_settings()


@pytest.fixture
def driver() -> Iterator[HttpDriver]:
    with open_http_driver(SETTINGS) as opened:
        yield opened


def test_a_number_that_is_not_sent_is_that_of_the_token(driver: HttpDriver) -> None:
    token = driver.token()
    for sent in ({}, {"number": None}, {"number": a_phone().e164}):
        created = driver.post_json("/users", {"username": "Asha", **sent}, token)
        assert created.status == 201
        assert driver.get("/users/me", b"", token).body["_id"] == created.body["user_id"]
    for number, status in ((a_phone(2).e164, 403), ("123", 400), (5, 400)):
        user = {"username": "Asha", "number": number}
        assert driver.post_json("/users", user, token).status == status


def test_the_owner_of_a_name_that_is_invalid_today_can_send_it(driver: HttpDriver) -> None:
    name = "\u0410lice"
    token = driver.token()
    database = driver.harness.database
    [(identity_id, stored)] = database.identities.items()
    named = stored.value.set_username(Username(name), NOW)
    asyncio.run(replace_stored(database.repositories().identities, named))

    def rename(username: str) -> Any:
        return driver.post_json("/users/me", {"username": username}, token, "PATCH")

    user = {"username": f" {name} ", "number": a_phone().e164}
    created = driver.post_json("/users", user, token)
    assert (created.status, created.body["user_id"]) == (201, identity_id)
    assert (rename(name).status, rename(name).body["username"]) == (200, name)
    assert rename("Rahul").status == 200
    assert rename(name).status == 400
    assert driver.post_json("/users", user, token).status == 400
