"""What features do in a running service."""

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image

from tests.support.authenticator import SoftwareAuthenticator
from tests.support.images import phone_photo
from tests.support.markdown import blocks_in, page
from tests.support.servers.fake_twilio import FakeTwilio, PhoneCall
from tests.support.service import REASON
from tests.support.walker import Walker, walking
from tests.walk.databases import ON_EACH_DATABASE

PUBLIC_URL: Final = "https://phone.example.org/line"
"""A proxy removes the path prefix, and the service never sees this host."""


def create_token(walker: Walker, scope: str) -> dict[str, str]:
    """Return the header of a new service token."""
    arguments = ("--name", "walk", "--scope", scope, *REASON)
    created = walker.service.run("admin-token", "create", *arguments)
    assert created.returncode == 0, created.stderr
    token = next(word for word in created.stdout.split() if len(word) > 40)
    return {"Authorization": f"Bearer {token}"}


def test_a_backend_verifies_a_number_as_the_page_shows(walker: Walker) -> None:
    header = create_token(walker, "verifications:write")
    (sample,) = blocks_in("python", page("docs/tokens.md#a-code-without-an-account"))
    sample = sample.replace("https://dialtone.example.org", str(walker.http.base_url).rstrip("/"))
    token = header["Authorization"].removeprefix("Bearer ")
    sample = sample.replace('open("/run/secrets/token").read().strip()', repr(token))
    shop: dict[str, Any] = {}
    exec(sample, shop)  # noqa: S102 -- the page is ours
    session: dict[str, Any] = {}
    shop["begin"](session, "+14155570977", "127.0.0.1", "en")
    code = walker.service.code("+14155570977")
    assert not shop["finish"](session, "000000" if code != "000000" else "000001")
    assert shop["finish"](session, code)
    assert session == {"phone": "+14155570977"}


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


def test_a_user_changes_the_number_and_downloads_all_own_data(walker: Walker) -> None:
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
    exported = walker.http.get("/users/me/export")
    assert (exported.status_code, exported.headers["content-type"]) == (200, "application/zip")


def test_the_older_app_signs_in(walker: Walker) -> None:
    phone = "+14155570201"
    requested = walker.http.post("/authenticate/get_otp", json={"phone": phone})
    assert requested.json() == {"message": "success", "exit_code": 0}
    body = {"phone": phone, "otp": walker.service.code(phone)}
    for _ in range(2):  # it signs in again with the same code
        verified = walker.http.post("/authenticate/validate_otp", json=body).json()
        assert (verified["message"], verified["exit_code"]) == ("success", 0)
        assert "refresh_token" not in verified
    assert walker.http.get("/authenticate/username").json()["exit_code"] == 1


def test_a_block_of_a_command_acts_in_the_service_and_can_be_ended(walker: Walker) -> None:
    run, phone = walker.service.run, {"phone": "+14085571301"}

    def request() -> str:
        response = walker.http.post("/auth/request-otp", json=phone)
        fields = response.json().get("field_errors", ())
        return str(fields[0]["code"] if fields else response.json().get("code", ""))

    added = run("block", "add", "--prefix", "+1408557", "--for", "1h", *REASON)
    assert added.returncode == 0, added.stderr
    walker.service.wait_for(lambda: request() == "country_not_served")
    listed = run("block", "list").stdout
    assert "prefix +1408557" in listed
    assert "prefix +1408557" in run("user", "show", phone["phone"], *REASON).stdout
    ended = run("block", "end", listed.split()[0], *REASON)
    assert ended.returncode == 0, ended.stderr
    assert "prefix +1408557" not in run("block", "list").stdout


def test_a_backend_keeps_data_with_a_user(walker: Walker) -> None:
    walker.sign_up("+14155570601", "Data Walk", refresh=True)
    backend, path = create_token(walker, "users:data"), f"/admin/users/{walker.user_id}"

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
    headers = {**backend, "Content-Type": "application/json"}
    for (name, content), expected in errors.items():
        response = walker.http.put(f"{path}/{name}", content=content, headers=headers)
        [error] = response.json()["field_errors"]
        assert (error["field"], error["code"]) == expected


def test_a_user_adds_a_passkey_and_signs_in_with_it(walker: Walker) -> None:
    def ask(path: str) -> str:
        return json.dumps(walker.http.post(f"{path}/options").json()["publicKey"])

    def send(path: str, answer: str) -> Any:
        response = walker.http.post(path, json={"credential": json.loads(answer)})
        assert response.is_success, response.text
        return response.json()

    walker.sign_up("+14155570501", "Passkey Walk")
    device = SoftwareAuthenticator(f"http://localhost:{walker.service.port}")
    send("/users/me/passkeys", device.create(ask("/users/me/passkeys")))
    signed_in = send("/auth/passkey", device.get(ask("/auth/passkey")))
    assert signed_in["user_id"] == walker.user_id
    listed = walker.service.run("user", "passkeys", walker.phone)
    assert "used 20" in listed.stdout
    signed_out = walker.service.run("user", "sign-out", walker.phone, *REASON)
    assert "Passkeys stay" in signed_out.stdout, signed_out.stderr
    removed = walker.service.run("user", "passkey-remove", walker.phone, "--all", *REASON)
    assert "has lost" in removed.stdout, removed.stderr


def test_a_caller_joins_and_hears_a_code(tmp_path: Path) -> None:
    caller, phone = "+14155571102", "+14155571101"
    with FakeTwilio() as twilio:
        settings = {
            **twilio.environ,
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "*",
            "DIALTONE_PUBLIC_URL": PUBLIC_URL,
            "DIALTONE_OPERATOR": "+14155550142",
        }
        with walking(tmp_path / "service", **settings) as walker:
            twilio.service_url, twilio.public_url = walker.service.url, PUBLIC_URL
            joining = PhoneCall(twilio, caller)
            joining.ring()
            joining.press("1")
            joining.end_dial("completed")

            body = {"phone": phone, "channel": "voice"}
            assert walker.http.post("/auth/request-otp", json=body).json()["sent"] is True
            (placed,) = [call for call in twilio.placed if call.form["To"] == phone]
            call = PhoneCall(twilio, phone)
            call.receive(placed)
            call.answer()
            call.press("5")
            # The code is read twice, digit by digit.
            digits = "".join(text for text in call.heard if len(text) == 1)
            assert re.fullmatch(r"(\d{6})\1", digits), call.heard
            verified = walker.http.post(
                "/auth/verify-otp", json={"phone": phone, "otp": digits[:6]}
            )
            assert verified.json()["success"] is True
            checked = walker.service.run("check-settings", "--connect").stdout
            assert f"{PUBLIC_URL}/voice/fallback" in checked
