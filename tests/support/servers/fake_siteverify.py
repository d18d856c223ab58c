"""A provider that checks the responses of its widget, as Turnstile, hCaptcha and reCAPTCHA do."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from tests.support.servers.http_server import Exchange, HttpServer

SECRET: Final = "0x4AAAAAAAthe-secret"
SITE_KEY: Final = "0x4AAAAAAAthe-site-key"
HCAPTCHA_SITE_KEY: Final = "10000000-ffff-ffff-ffff-0123456789ab"
HOSTNAME: Final = "app.example.org"


class FakeSiteverify(HttpServer):
    """Knows the responses that its widget made, and accepts each once.

    Attributes:
        answer: Fields that replace those of an answer with `success`; None removes one.
        hangs: It takes a request, and never responds.
    """

    def __init__(self) -> None:
        super().__init__(self.serve)
        self.answer: dict[str, Any] = {}
        self.hangs = False
        self._count = 0
        self._unused: set[str] = set()

    @property
    def environ(self) -> dict[str, str]:
        return {
            "DIALTONE_ATTESTATION": "siteverify",
            "DIALTONE_ATTESTATION_URL": f"{self.url}/siteverify",
            "DIALTONE_ATTESTATION_SECRET": SECRET,
            "DIALTONE_ATTESTATION_SITE_KEY": SITE_KEY,
            "DIALTONE_ATTESTATION_HOSTNAMES": HOSTNAME,
        }

    def show_widget(self) -> str:
        """Return the response that the widget makes for a person."""
        self._count += 1
        response = f"0.response-{self._count}_{'a' * 500}"
        self._unused.add(response)
        return response

    def serve(self, exchange: Exchange) -> None:
        if self.hangs:
            exchange.wait()
            return
        form = exchange.received.form
        assert set(form) in ({"secret", "response"}, {"secret", "response", "sitekey"})
        if form["secret"] != SECRET:
            answer = {"success": False, "error-codes": ["invalid-input-secret"]}
        elif form["response"] not in self._unused:
            answer = {"success": False, "error-codes": ["invalid-input-response"]}
        else:
            self._unused.discard(form["response"])
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            usual = {"success": True, "hostname": HOSTNAME, "challenge_ts": now, "error-codes": []}
            answer = {
                name: value for name, value in {**usual, **self.answer}.items() if value is not None
            }
        exchange.respond(200, json.dumps(answer).encode())
