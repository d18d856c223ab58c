"""Many at once."""

import asyncio
from collections import Counter

import httpx

from tests.e2e.app import App


async def test_of_a_hundred_right_answers_at_once_one_signs_in(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    await http.post("/auth/request-otp", json={"phone": phone})
    answer = {"phone": phone, "otp": app.service.code(phone)}
    answers = await asyncio.gather(
        *(http.post("/auth/verify-otp", json=answer) for _ in range(100))
    )
    told = Counter(
        "signed in" if one.status_code == 200 and one.json()["success"] else "refused"
        for one in answers
    )
    assert told == {"signed in": 1, "refused": 99}
    assert {one.status_code for one in answers} <= {200, 429}


async def test_a_hundred_asks_at_once_send_one_message(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    asks = await asyncio.gather(
        *(http.post("/auth/request-otp", json={"phone": phone}) for _ in range(100))
    )
    assert {one.status_code for one in asks} == {200}
    assert sum(one.json()["sent"] for one in asks) == 1
    assert len({one.json()["request_id"] for one in asks}) == 1
    app.service.code(phone)
    assert len(app.service.messages(phone)) == 1


async def test_of_twenty_who_want_one_name_at_once_one_gets_it(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    phones = [f"+1415557{number:04d}" for number in range(20)]
    tokens = [await app.sign_in(one) for one in phones]
    created = await asyncio.gather(
        *(
            http.post(
                "/users",
                json={"username": f"Wanted {phone}", "number": one},
                headers={"Authorization": f"Bearer {token}"},
            )
            for one, token in zip(phones, tokens, strict=True)
        )
    )
    assert Counter(one.status_code for one in created) == {201: 1, 409: 19}
