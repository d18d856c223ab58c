"""The page at `/` in development, and the message that it shows to those who requested it."""

import re
from typing import Any

import httpx

from tests.support.service import Service


async def request_code(http: httpx.AsyncClient, phone: str) -> dict[str, Any]:
    response = await http.post("/auth/request-otp", json={"phone": phone})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def find_message(http: httpx.AsyncClient, request_id: str, **headers: str) -> str | None:
    response = await http.post("/start/message", json={"request_id": request_id}, headers=headers)
    assert response.status_code == 200, response.text
    text: str | None = response.json()["text"]
    return text


async def test_the_page_loads_nothing_from_other_hosts(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    urls = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert urls
    # Relative ones, so that the page also works below a path of a proxy.
    assert not any(re.match(r"/|[a-z]+:", url) for url in urls)
    for url in urls:
        assert (await http.get(f"/{url}")).status_code == 200, url
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert not re.search(r"<script>|<style|style=|\son[a-z]+=", page.text)
    head = await http.head("/")
    assert (head.status_code, head.content) == (200, b"")
    assert (await http.get("/start/controller.py")).status_code == 404


async def test_only_the_request_that_caused_a_message_gets_it(
    service: Service, http: httpx.AsyncClient, phone: str
) -> None:
    request_id = (await request_code(http, phone))["request_id"]
    repeated = await request_code(http, phone)
    code = service.code(phone)

    text = await find_message(http, request_id)

    assert text is not None
    assert code in text
    assert repeated["sent"] is False
    for other in (repeated["request_id"], request_id[:32], request_id[:-1], "", phone):
        assert await find_message(http, other) is None
    assert code not in service.log
    assert request_id not in service.log
