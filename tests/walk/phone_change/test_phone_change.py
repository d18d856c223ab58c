"""The change of a phone number."""

from tests.support.walker import Walker


def test_a_user_changes_the_number(walker: Walker) -> None:
    old, new = "+14155570401", "+14155570402"
    walker.sign_up(old, "Change Walk")
    begun = walker.http.post("/users/me/phone/request-otp", json={"phone": new})
    assert begun.status_code == 200, begun.text
    body = {
        "phone": new,
        "otp": walker.service.code(new),
        "request_id": begun.json()["request_id"],
    }
    changed = walker.http.post("/users/me/phone", json=body)
    assert changed.status_code == 200, changed.text
    assert walker.http.get("/users/me").json()["number"] == new
