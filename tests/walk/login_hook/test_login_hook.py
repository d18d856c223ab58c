"""The login hook, which decides about a login."""

from pathlib import Path

import jwt
import pytest

from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.walker import walking

pytestmark = pytest.mark.slow

SECRET = "whsec_bG9naW5zIG9mIGEgd2FsaywgZm9yIHRlc3Rz"


def allow(exchange: Exchange) -> None:
    assert b'"login.pending"' in exchange.received.body
    exchange.respond(200, b'{"decision": "allow", "claims": {"plan": "gold"}}')


def test_the_hook_gives_the_session_its_claims(tmp_path: Path) -> None:
    with (
        HttpServer(allow) as hook,
        walking(
            tmp_path / "service", DIALTONE_LOGIN_HOOK=hook.url, DIALTONE_LOGIN_HOOK_SECRET=SECRET
        ) as walker,
    ):
        token = walker.sign_in("+14155571201", refresh=True)["access_token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["app"] == {"plan": "gold"}
