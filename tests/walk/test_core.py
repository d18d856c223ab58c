"""What a service does without any optional feature."""

from tests.support.walker import Walker
from tests.walk.databases import ON_EACH_DATABASE


@ON_EACH_DATABASE
def test_a_user_signs_in_has_sessions_and_deletes_the_account(walker: Walker) -> None:
    http, phone = walker.http, "+14155570001"
    requested = http.post("/auth/request-otp", json={"phone": phone}).json()
    assert (requested["message"], requested["sent"]) == ("OTP sent", True)
    repeated = http.post("/auth/request-otp", json={"phone": phone}).json()
    assert repeated["sent"] is False
    assert repeated["request_id"] != requested["request_id"]
    assert http.get(f"/auth/requests/{requested['request_id']}").status_code == 200
    code = walker.service.code(phone)
    wrong = {"phone": phone, "otp": str((int(code) + 1) % 10**6).zfill(6)}
    rejected = http.post("/auth/verify-otp", json=wrong).json()
    assert (rejected["success"], rejected["message"]) == (False, "Invalid OTP")
    right = {
        "phone": phone,
        "otp": code,
        "request_id": requested["request_id"],
        "refresh": True,
    }
    verified = http.post("/auth/verify-otp", json=right).json()
    assert (verified["success"], verified["message"]) == (True, "OTP verified")
    http.headers["Authorization"] = f"Bearer {verified['access_token']}"

    assert http.get("/users/me").json()["error"] == "User not found"
    user = {"username": "Asha  Rao ", "number": phone}
    created = http.post("/users", json=user)
    assert (created.status_code, created.json()["message"]) == (201, "User created")
    same = http.post("/users", json=user)
    assert (same.status_code, same.json()["user_id"]) == (201, created.json()["user_id"])
    assert http.get(created.headers["location"]).json()["username"] == "Asha Rao"
    assert http.patch("/users/me", json={"username": "Asha R"}).status_code == 200
    me = http.get("/users/me").json()
    assert (me["username"], me["number"]) == ("Asha R", phone)
    assert me["_id"] == created.json()["user_id"] == verified["user_id"]

    refresh = {"refresh_token": verified["refresh_token"]}
    refreshed = http.post("/auth/refresh", json=refresh).json()
    http.headers["Authorization"] = f"Bearer {refreshed['access_token']}"
    sessions = http.get("/auth/sessions").json()["sessions"]
    assert [session["current"] for session in sessions] == [True]
    assert http.post("/auth/logout", json={"scope": "others"}).status_code == 204

    assert http.delete("/users/me").status_code == 204
    assert http.get("/users/me").json()["code"] == "unauthenticated"


def test_a_code_by_voice_is_a_message_where_nothing_places_calls(walker: Walker) -> None:
    phone = "+14155570003"
    requested = walker.http.post("/auth/request-otp", json={"phone": phone, "channel": "voice"})
    assert requested.json()["sent"] is True
    body = {"phone": phone, "otp": walker.service.code(phone)}
    assert walker.http.post("/auth/verify-otp", json=body).json()["success"] is True


def test_anybody_finds_health_keys_and_description(walker: Walker) -> None:
    walker.service.wait_until_ready("ready")
    assert walker.http.get("/health/live").status_code == 200
    jwks = walker.http.get("/.well-known/jwks.json", headers={"Origin": "https://a.test"})
    assert jwks.json()["keys"]
    assert jwks.headers["Access-Control-Allow-Origin"] == "*"
    # The issuer of the services of tests is no URL, so it has no metadata.
    assert "is dialtone," in walker.http.get("/.well-known/openid-configuration").json()["error"]
    assert 'data-keeps-token="true"' in walker.http.get("/docs").text  # only in development
    assert walker.http.get("/openapi.json").json()["paths"]["/auth/request-otp"]
    assert walker.http.get("/no-such-path").status_code == 404
