"""The line of each request in the log of a running service."""

import json

import httpx
import pytest

from tests.support.service import Service


def line_of(service: Service, response: httpx.Response) -> dict[str, object]:
    """Return the line of a request, when it is written."""
    request_id = response.headers["x-request-id"]

    def find_lines() -> list[dict[str, object]]:
        lines = [json.loads(line) for line in service.log.splitlines() if request_id in line]
        return [line for line in lines if line["event"] == "http_request"]

    service.wait_for(lambda: bool(find_lines()))
    (line,) = find_lines()
    return line


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/nowhere", {}), ("/users/me", {}), ("/auth/request-otp", {"Origin": "https://other.test"})],
    ids=["no such path", "no token", "a foreign page"],
)
async def test_it_has_the_code_in_the_body_of_an_error(
    service: Service, http: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    response = await http.request("GET" if path == "/users/me" else "POST", path, headers=headers)
    assert line_of(service, response)["error_code"] == response.json()["code"]


async def test_it_has_a_code_where_the_older_api_shows_none(
    service: Service, http: httpx.AsyncClient
) -> None:
    response = await http.post("/authenticate/get_otp", json={})
    assert "code" not in response.json()
    assert line_of(service, response)["error_code"] == "invalid"
