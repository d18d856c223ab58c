"""The change of a phone number."""

from tests.support.walker import Walker


def test_a_user_changes_the_number(walker: Walker) -> None:
    old, new = "+14155570401", "+14155570402"
    walker.sign_up(old, "Change Walk")
    request_ids = []
    for body in ({"phone": new}, {"target": "old"}):
        begun = walker.http.post("/users/me/phone/request-otp", json=body)
        assert begun.status_code == 200, begun.text
        request_ids.append(begun.json()["request_id"])
    code = {"phone": new, "otp": walker.service.code(new), "request_id": request_ids[0]}
    rejected = walker.http.post("/users/me/phone", json=code)
    assert rejected.json()["code"] == "reauthentication_required"
    both = code | {"old_otp": walker.service.code(old, 2), "old_request_id": request_ids[1]}
    changed = walker.http.post("/users/me/phone", json=both)
    assert changed.status_code == 200, changed.text
    assert walker.http.get("/users/me").json()["number"] == new
