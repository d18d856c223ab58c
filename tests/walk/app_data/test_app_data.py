"""What a backend keeps with a user, and what the user reads of it."""

from typing import Any

import pytest

from domain.features.admin import TOKEN_PREFIX
from tests.support.service import REASON
from tests.support.walker import Walker


@pytest.fixture
def backend(walker: Walker) -> dict[str, str]:
    """The header of a service token, for a user who has signed up."""
    walker.sign_up("+14155570601", "Data Walk", refresh=True)
    arguments = ("--name", "walk", "--scope", "users:data", *REASON)
    created = walker.service.run("admin-token", "create", *arguments)
    assert created.returncode == 0, created.stderr
    token = next(word for word in created.stdout.split() if word.startswith(TOKEN_PREFIX))
    return {"Authorization": f"Bearer {token}"}


def test_a_backend_keeps_data_with_a_user(walker: Walker, backend: dict[str, str]) -> None:
    path = f"/admin/users/{walker.user_id}"

    def put(name: str, body: dict[str, Any]) -> Any:
        return walker.http.put(f"{path}/{name}", json=body, headers=backend)

    app_data = {"plan": "Zoë", "seats": 5, "price": 1.5, "is_paid": True, "until": None}
    claims = {"roles": ["editor"]}
    assert put("app-data", {"app_data": app_data, "reason": "she paid"}).json() == {
        "app_data": app_data
    }
    assert put("claims", {"claims": claims}).json() == {"claims": claims}
    external_id = {"external_id": "crm-4711"}
    assert walker.http.patch(path, json=external_id, headers=backend).status_code == 200

    assert walker.http.get("/users/me/app-data").json() == {"app_data": app_data}
    assert walker.http.get(f"{path}/app-data", headers=backend).json() == {"app_data": app_data}
    assert walker.http.get(f"{path}/claims", headers=backend).json() == {"claims": claims}
    own = walker.http.get("/users/me").json()
    assert (own["external_id"], "app_data" in own) == ("crm-4711", False)
    shown = walker.service.run("user", "show", "Data Walk").stdout
    assert '"plan": "Zoë' in shown
    assert '{"roles": ["editor"]}' in shown
    by_user = walker.http.put(f"{path}/app-data", json={"app_data": {}})
    assert (by_user.status_code, by_user.json()["code"]) == (403, "forbidden")

    errors = {
        ("app-data", b'{"app_data":[]}'): ("app_data", "wrong_type"),
        ("app-data", b'{"app_data":{"a":{}}}'): ("app_data", "unsupported_value"),
        ("app-data", b'{"app_data":{"a":1e400}}'): ("body", "invalid_number"),
        ("claims", b'{"claims":{"a":9007199254740992}}'): ("claims", "invalid_number"),
        ("claims", b'{"claims":{"a":[{"b":1,"b":1}]}}'): ("claims", "repeated_field"),
        ("app-data", b'{"app_data":{"a":"\\u0000"}}'): ("app_data", "invalid_characters"),
        ("claims", b'{"claims":{"a":"%s"}}' % (b"x" * 600)): ("claims", "too_long"),
    }
    for (name, body), expected in errors.items():
        response = walker.http.put(
            f"{path}/{name}",
            content=body,
            headers={**backend, "Content-Type": "application/json"},
        )
        [error] = response.json()["field_errors"]
        assert (error["field"], error["code"]) == expected
