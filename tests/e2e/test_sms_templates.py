"""Templates of an operator, in messages and in their preview."""

import re
from pathlib import Path

import httpx

from tests.support.markdown import blocks_in, page
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import running

DOMAIN = "login.example.org"
FIRST_HASH, SECOND_HASH = "FA+9qCX9VSu", "01234567/9a"
REGISTERED = (
    "Dear customer, {} is your OTP to sign in to 4711 Taxi. It is valid for 5 minutes. "
    "Do not share it. - DIALTN"
)


def write_documented_examples(folder: Path) -> None:
    for text in blocks_in("toml", page("docs/messages.md")):
        if named := re.match(r"# (\S+\.toml)\n", text):
            (folder / named[1]).write_text(text, encoding="utf-8")


def test_the_documented_country_file_is_used_unchanged_and_previewed(tmp_path: Path) -> None:
    write_documented_examples(tmp_path)
    own = 'general = "{code} {app}"\n[phone_assigned]\ngeneral = "This number signs in to {app}"\n'
    (tmp_path / "MX.toml").write_text(own, encoding="utf-8")
    environ = {
        "DIALTONE_APP_NAME": "4711 Taxi",  # It looks like a code.
        "DIALTONE_ANDROID_HASH": f"{FIRST_HASH},{SECOND_HASH}",
        "DIALTONE_WEB_DOMAIN": DOMAIN,
        "DIALTONE_SMS_TEMPLATES_DIR": str(tmp_path),
    }
    with running(tmp_path, environ) as service:
        body = {"phone": "+919876543210", "platform": "android", "locale": "hi"}
        httpx.post(f"{service.url}/auth/request-otp", json=body, **PLAIN_HTTP)
        code = service.code(body["phone"])
        assert service.texts(body["phone"]) == [REGISTERED.format(code)]

        log = service.log
        preview = service.run("check-settings", "--templates")
        checks = [service.run("check-settings", *option) for option in ([], ["--connect"])]

    units = len(REGISTERED.format("012345"))
    assert preview.returncode == 0
    assert preview.stdout.startswith(f"{tmp_path}/")  # own files come first
    assert (
        f"{tmp_path}/IN.toml, sign_in, general: 1 message, {units} units of GSM-7" in preview.stdout
    )
    assert f"    {REGISTERED.format('012345')}\n" in preview.stdout
    assert f"    @{DOMAIN} #012345\n" in preview.stdout
    assert f"{tmp_path}/IN.toml, phone_changed, general: 1 message, " in preview.stdout
    incomplete = [line for line in preview.stdout.splitlines() if " has no [" in line]
    assert [line.partition(" has no ")[0] for line in incomplete] == [f"{tmp_path}/MX.toml"]
    for check in (preview, *checks):
        (line,) = (line for line in check.stdout.splitlines() if "[phone_assigned]" in line)
        assert line.startswith(f"{tmp_path}/MX.toml, [phone_assigned]: this message is no longer")
    assert "template_unused" in log
