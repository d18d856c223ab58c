"""While a part of the service is away, each operation gives an answer that it is described to."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.app import App
from tests.e2e.description.conformance import conforms, described
from tests.e2e.fragile import FRAGILE_WORLDS, Fragile
from tests.images import plain_jpeg
from tests.support.plain_http import PLAIN_HTTP

PHONE = "+14155570001"
OTHER_PHONE = "+14155570002"
ENDING = ["deleteItem", "endSession", "logout", "deleteMe"]


@pytest.fixture(params=FRAGILE_WORLDS, ids=lambda world: world.__name__)
def fragile(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fragile]:
    world: Any = request.param
    with world(request, tmp_path) as opened:
        yield opened


def usual_body(operation_id: str, user_id: str) -> dict[str, Any]:
    """What somebody sends who does it right."""
    asked, answered = {"phone": OTHER_PHONE}, {"phone": OTHER_PHONE, "otp": "123456"}
    bodies: dict[str, dict[str, Any]] = {
        "requestOtp": {"json": asked},
        "verifyOtp": {"json": answered},
        "olderGetOtp": {"json": asked},
        "olderValidateOtp": {"json": answered},
        "refreshTokens": {"json": {"refresh_token": "0" * 86}},
        "createUser": {"json": {"username": "Somebody", "number": PHONE}},
        "renameMe": {"json": {"username": "Somebody else"}},
        "categoriseItem": {"json": {"category": "art"}},
        "uploadPicture": {"data": {"user_id": user_id}, "files": {"file": ("a.jpg", plain_jpeg())}},
    }
    return bodies.get(operation_id, {})


@pytest.mark.parametrize(
    "breaks",
    [
        lambda fragile: fragile.break_database,
        lambda fragile: fragile.break_media,
        lambda fragile: fragile.refuse_messages,
        lambda fragile: fragile.refuse_number,
    ],
    ids=["database", "media", "messages", "number"],
)
async def test_what_is_told_of_a_part_that_is_away_is_described(
    fragile: Fragile, breaks: Callable[[Fragile], Callable[[], None]]
) -> None:
    url = fragile.service.url
    async with httpx.AsyncClient(base_url=url, timeout=30, **PLAIN_HTTP) as http:
        document = (await http.get("/openapi.json")).json()
        app = App(fragile.service, http)
        account = await app.join(PHONE)
        item = await app.uploaded(account, plain_jpeg())
        breaks(fragile)()

        async def do(path: str, method: str, operation_id: str) -> tuple[str, str, httpx.Response]:
            known = {
                "user_id": account.user_id,
                "item_id": item["id"],
                "key": f"{'0' * 32}.jpg",
                "session_id": "0" * 32,
            }
            answer = await http.request(
                method,
                path.format_map(known),
                headers=account.headers,
                **usual_body(operation_id, account.user_id),
            )
            return path, method, answer

        # These take away what the others need, and what comes after each of them.
        operations = [
            (path, method.upper(), operation["operationId"])
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]
        ending = [one for one in operations if one[2] in ENDING]
        others = [one for one in operations if one not in ending]
        answers = await asyncio.gather(*(do(*one) for one in others))
        answers += [await do(*one) for one in sorted(ending, key=lambda one: ENDING.index(one[2]))]
    schema = described(document, url)
    assert max(answer.status_code for *_, answer in answers) >= 400
    for path, method, answer in answers:
        conforms(schema, method, path, answer, is_broken=True)
