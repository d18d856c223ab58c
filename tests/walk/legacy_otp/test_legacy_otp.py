"""The paths of the older mobile app."""

from tests.support.walker import Walker


def test_the_older_app_signs_in(walker: Walker) -> None:
    phone = "+14155570201"
    requested = walker.http.post("/authenticate/get_otp", json={"phone": phone})
    assert requested.json() == {"message": "success", "exit_code": 0}
    body = {"phone": phone, "otp": walker.service.code(phone)}
    verified = walker.http.post("/authenticate/validate_otp", json=body).json()
    assert (verified["message"], verified["exit_code"]) == ("success", 0)
    assert walker.http.get("/authenticate/username").json()["exit_code"] == 1
