"""Codes by WhatsApp, which are off: nothing of them is there."""

from tests.support.walker import Walker


def test_without_a_provider_no_code_goes_by_whatsapp(walker: Walker) -> None:
    body = {"phone": "+14155571401", "channel": "whatsapp"}
    response = walker.http.post("/auth/request-otp", json=body)
    assert response.status_code == 400
    assert [field["field"] for field in response.json()["field_errors"]] == ["channel"]
    assert walker.http.post("/whatsapp/status", content=b"{}").status_code == 404
    assert "whatsapp" not in walker.http.get("/health/ready").json()
