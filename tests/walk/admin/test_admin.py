"""The API for backends, with a service token, and the list of users."""

from tests.support.service import REASON
from tests.support.walker import Walker


def test_a_backend_finds_a_user(walker: Walker) -> None:
    walker.sign_up("+14155570501", "Admin Walk")
    arguments = ("--name", "walk", "--scope", "users:read", *REASON)
    created = walker.service.run("admin-token", "create", *arguments)
    assert created.returncode == 0, created.stderr
    token = next(word for word in created.stdout.split() if len(word) > 40)
    headers = {"Authorization": f"Bearer {token}"}
    found = walker.http.get(f"/admin/users/{walker.user_id}", headers=headers)
    assert found.status_code == 200, found.text
    assert "Admin Walk" in found.text


def test_an_operator_lists_users(walker: Walker) -> None:
    walker.sign_up("+14155570801", "List Walk")
    listed = walker.service.run("user", "list", *REASON)
    assert '"username":"List Walk"' in listed.stdout
