"""Many requests at once."""

import asyncio
from collections import Counter

import httpx

from tests.e2e.app import App, bearer


async def test_of_a_hundred_correct_codes_at_once_one_signs_in(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    await http.post("/auth/request-otp", json={"phone": phone})
    body = {"phone": phone, "otp": app.service.code(phone)}
    responses = await asyncio.gather(
        *(http.post("/auth/verify-otp", json=body) for _ in range(100))
    )
    results = Counter(
        response.status_code == 200 and response.json()["success"] for response in responses
    )
    assert results == {True: 1, False: 99}
    assert {response.status_code for response in responses} <= {200, 429}


async def test_a_hundred_requests_at_once_send_one_message(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    responses = await asyncio.gather(
        *(http.post("/auth/request-otp", json={"phone": phone}) for _ in range(100))
    )
    accepted = [response.json() for response in responses if response.status_code == 200]
    assert Counter(response.status_code for response in responses) == {200: 4, 429: 96}
    assert sum(body["sent"] for body in accepted) == 1
    assert len({body["request_id"] for body in accepted}) == 4
    app.service.code(phone)
    assert len(app.service.messages(phone)) == 1


async def test_of_twenty_requests_for_one_username_at_once_one_succeeds(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    tokens = {
        number: await app.sign_in(number)
        for number in (f"+1415557{number:04d}" for number in range(20))
    }
    responses = await asyncio.gather(
        *(
            http.post(
                "/users",
                json={"username": f"Wanted {phone}", "number": number},
                headers=bearer(token),
            )
            for number, token in tokens.items()
        )
    )
    assert Counter(response.status_code for response in responses) == {201: 1, 409: 19}
