"""The image library."""

from io import BytesIO

from PIL import Image

from tests.support.images import phone_photo
from tests.support.walker import Walker
from tests.walk.databases import ON_EACH_DATABASE


@ON_EACH_DATABASE
def test_a_user_uploads_sees_and_deletes_an_image(walker: Walker) -> None:
    walker.sign_up("+14155570101", "Media Walk")
    http = walker.http
    photo = ("IMG_0001.JPG", phone_photo(), "image/jpeg")
    fields = {"user_id": walker.user_id, "category": "Holi 2026"}
    uploaded = http.post("/library/upload", files={"file": photo}, data=fields)
    assert (uploaded.status_code, uploaded.json()["message"]) == (201, "File uploaded")
    item = uploaded.json()
    page = http.get("/library", params={"user_id": walker.user_id}).json()
    assert [listed["id"] for listed in page["items"]] == [item["id"]]
    assert http.get(f"/library/{item['id']}").json()["category"] == "Holi 2026"
    file, thumbnail = http.get(item["url"]), http.get(page["items"][0]["variants"]["thumb"])
    for served in (file, thumbnail):
        assert (served.status_code, served.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(BytesIO(file.content)) as image:
        assert image.size == (item["width"], item["height"])
        assert not image.getexif()
    assert http.delete(f"/library/{item['id']}").status_code == 204
    assert http.get(item["url"]).status_code == 404
