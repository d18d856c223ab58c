"""The export of all own data."""

from tests.support.walker import Walker


def test_a_user_downloads_all_own_data(walker: Walker) -> None:
    walker.sign_up("+14155570301", "Export Walk")
    exported = walker.http.get("/users/me/export")
    assert (exported.status_code, exported.headers["content-type"]) == (200, "application/zip")
