"""What clients were told, and whether it is so."""

from dataclasses import dataclass, field

import httpx

from tests.e2e.app import bearer


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture that was taken: whose token may see it, and as what it opens, where known."""

    token: str
    content: bytes | None = None


@dataclass
class Acknowledged:
    """What callers were told; whatever a refusal was about is on none of the lists."""

    users: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, Kept] = field(default_factory=dict)
    deleted: dict[str, str] = field(default_factory=dict)
    signed_out: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.users) + len(self.pictures) + len(self.deleted) + len(self.signed_out)


async def assert_all_is_there(http: httpx.AsyncClient, told: Acknowledged) -> None:
    """Fails unless the service behind the client knows all of it, and shows nothing deleted."""
    for token, user_id in told.users.items():
        me = await http.get("/users/me", headers=bearer(token))
        assert (me.status_code, me.json().get("_id")) == (200, user_id)
    for item_id, kept in told.pictures.items():
        item = await http.get(f"/library/{item_id}", headers=bearer(kept.token))
        assert item.status_code == 200
        file = await http.get(item.json()["url"])
        assert len(file.content) == item.json()["bytes"]
        assert kept.content is None or file.content == kept.content
    for item_id, token in told.deleted.items():
        gone = await http.get(f"/library/{item_id}", headers=bearer(token))
        assert gone.status_code == 404
    for token in told.signed_out:
        assert (await http.get("/users/me", headers=bearer(token))).status_code == 401
