"""`dialtone admin-token` as an operator uses it."""

import hashlib
import json
import re

from tests.support.commands import CommandLine, json_lines
from tests.support.service import REASON


def test_a_token_is_printed_once_and_stored_as_a_hash(dialtone: CommandLine) -> None:

    created = dialtone.run(
        *("admin-token", "create", "--name", "helpdesk", "--reason", "ticket 4711"),
        *("--scope", "users:support,users:read", "--scope", "audit:read"),
    )
    listed = dialtone.run("admin-token", "list")
    (token,) = json_lines(dialtone.run("admin-token", "list", "--json").stdout)

    match = re.fullmatch(r"dta_([0-9a-f]{24})_([0-9a-f]{64})\n", created.stdout)
    assert match is not None, created
    token_id, secret = match.groups()
    assert secret not in created.stderr + listed.stdout + json.dumps(token)
    assert listed.stdout.startswith(f"{token_id}  helpdesk  users:read,users:support,audit:read")
    assert set(token) == {
        "id", "name", "scopes", "created_at", "created_by", "expires_at", "revoked_at",
    }  # fmt: skip
    stored = b"".join(file.read_bytes() for file in dialtone.folder.glob("dialtone.db*"))
    assert secret.encode() not in stored
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in stored
    made_by = token["created_by"]
    assert f" UTC by operator {made_by['id']} (a claim)  expires " in listed.stdout
    (entry,) = json_lines(dialtone.run("audit", token_id, "--json").stdout)
    assert entry["actor"] == made_by
    reason = "helpdesk: users:read, users:support, audit:read. ticket 4711"
    assert (entry["action"], entry["reason"]) == ("create_token", reason)
    revoked = dialtone.run("admin-token", "revoke", token_id, *REASON)
    assert (revoked.returncode, revoked.stdout) == (0, f"Token {token_id} (helpdesk) is revoked.\n")
    assert "  revoked 2" in dialtone.run("admin-token", "list").stdout
    unknown = dialtone.run("admin-token", "revoke", "0" * 24, *REASON)
    assert (unknown.returncode, unknown.stdout) == (1, "")
