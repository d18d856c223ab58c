"""Templates of an operator, in messages and in their preview."""

import re
from pathlib import Path

import httpx

from tests.support.markdown import blocks_in, page
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import running

REGISTERED = (
    "Dear customer, {} is your OTP to sign in to 4711 Taxi. It is valid for 5 minutes. "
    "Do not share it. - DIALTN"
)


def test_the_documented_country_file_is_used_unchanged_and_previewed(tmp_path: Path) -> None:
    for text in blocks_in("toml", page("docs/messages.md")):
        if named := re.match(r"# (\S+\.toml)\n", text):
            (tmp_path / named[1]).write_text(text, encoding="utf-8")
    own = 'general = "{code} {app}"\n[phone_assigned]\ngeneral = "This number signs in to {app}"\n'
    (tmp_path / "MX.toml").write_text(own, encoding="utf-8")
    environ = {
        "DIALTONE_APP_NAME": "4711 Taxi",  # It looks like a code.
        "DIALTONE_ANDROID_HASH": "FA+9qCX9VSu",
        "DIALTONE_SMS_TEMPLATES_DIR": str(tmp_path),
    }
    with running(tmp_path, environ) as service:
        body = {"phone": "+919876543210", "platform": "android", "locale": "hi"}
        httpx.post(f"{service.url}/auth/request-otp", json=body, **PLAIN_HTTP)
        code = service.code(body["phone"])
        assert service.texts(body["phone"]) == [REGISTERED.format(code)]
        assert "template_unused" in service.log
        preview = service.run("check-settings", "--templates")

    units = len(REGISTERED.format("012345"))
    assert preview.returncode == 0
    shown = preview.stdout
    assert shown.startswith(f"{tmp_path}/")  # own files come first
    assert f"{tmp_path}/IN.toml, sign_in, general: 1 message, {units} units of GSM-7" in shown
    assert f"    {REGISTERED.format('012345')}\n" in shown
    (line,) = (line for line in shown.splitlines() if "[phone_assigned]" in line)
    assert line.startswith(f"{tmp_path}/MX.toml, [phone_assigned]: this message is no longer")
