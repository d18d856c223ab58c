"""The first page, with which a developer tries the service."""

from tests.support.walker import Walker


def test_a_developer_finds_the_first_page(walker: Walker) -> None:
    page = walker.http.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert walker.http.get("/client/dialtone.js").status_code == 200
