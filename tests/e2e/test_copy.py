"""`dialtone copy`: from one database to another one, while nobody is served."""

import json
from pathlib import Path
from typing import Any, Final

import httpx
import jwt

from tests.support.client import me, open_session, sign_in, sign_up
from tests.support.forked_service import ForkedService
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import REASON, Service, command

PHONE: Final = "+14155592101"
BLOCKED: Final = "+14155592102"
WITH_FORCE: Final = ["sh", "-c", f'exec "{command()}" "$@" --force', "sh"]


def sign_up_with_refresh(service: Service) -> dict[str, Any]:
    sign_up(service, PHONE, "Zoë")
    return open_session(service, PHONE, refresh=True)


def subject_of(token: str) -> object:
    return jwt.decode(token, options={"verify_signature": False})["sub"]


def refresh(service: Service, tokens: dict[str, Any]) -> httpx.Response:
    body = {"refresh_token": tokens["refresh_token"]}
    return httpx.post(f"{service.url}/auth/refresh", json=body, **PLAIN_HTTP)


def test_sessions_go_on_in_mongodb_and_sqlite_starts_only_by_force(
    tmp_path: Path, mongo_database: str
) -> None:
    service = ForkedService(tmp_path / "service").start()
    source = service.environ["DIALTONE_DATABASE"]
    service.settings["NEW_DATABASE"] = mongo_database
    tokens = sign_up_with_refresh(service)
    copy = ("copy", "--from", source, "--to", "env:NEW_DATABASE")

    while_running = service.run(*copy)
    assert (while_running.returncode, "Stop all instances" in while_running.stderr) == (1, True)
    plan = service.run(*copy, "--dry-run")
    assert plan.returncode == 0, plan.stderr
    assert "identities: 1 records, 0 of them copied before" in plan.stdout
    assert "The copy would be refused now. sqlite:///" in plan.stdout
    assert "Nothing was changed." in plan.stdout
    assert service.stop() == 0

    copied = service.run(*copy)
    assert copied.returncode == 0, copied.stderr
    assert "\nidentities: 1 records\n" in copied.stdout
    again = service.run(*copy)
    assert again.returncode == 1
    assert "was copied to mongodb://" in again.stderr
    refused = service.run("run")
    assert refused.returncode == 1
    assert "was copied to mongodb://" in refused.stderr
    assert "dialtone run --force" in refused.stderr

    in_mongo = ForkedService(service.folder, {"DIALTONE_DATABASE": mongo_database}).start()
    assert me(in_mongo, tokens["access_token"]) == 200
    assert refresh(in_mongo, tokens).status_code == 200
    assert in_mongo.stop() == 0

    forced = Service(service.folder, program=WITH_FORCE).start()
    assert me(forced, tokens["access_token"]) == 200
    assert '"copy_mark_removed"' in forced.log
    assert forced.stop() == 0
    assert service.start().stop() == 0


def test_accounts_and_blocks_go_on_under_other_keys(tmp_path: Path) -> None:
    service = ForkedService(tmp_path / "service").start()
    tokens = sign_up_with_refresh(service)
    assert service.run("user", "block", BLOCKED, *REASON).returncode == 0
    assert service.stop() == 0
    source, target = service.environ["DIALTONE_DATABASE"], f"sqlite:///{tmp_path}/target.db"
    current, other = service.folder / "secrets.json", tmp_path / "other.json"
    copy = ("copy", "--from", source, "--to", target, "--to-secrets-file", str(other))

    assert service.run("keys", "generate", str(other)).returncode == 0
    refused = service.run(*copy)
    assert refused.returncode == 1
    assert "--to-secrets-file: " in refused.stderr
    assert 'has other keys of "otp_pepper" than the settings' in refused.stderr
    generated = json.loads(other.read_bytes())
    of_phones = {name: generated[name] for name in ("phone_index", "phone_encryption")}
    other.write_text(json.dumps(json.loads(current.read_bytes()) | of_phones))
    copied = service.run(*copy)
    assert copied.returncode == 0, copied.stderr
    assert "\nidentities: 1 records\n" in copied.stdout
    assert f"DIALTONE_SECRETS_FILE={other}" in copied.stdout

    environ = {"DIALTONE_DATABASE": target, "DIALTONE_SECRETS_FILE": str(other)}
    moved = ForkedService(service.folder, environ).start()
    assert me(moved, tokens["access_token"]) == 200
    assert refresh(moved, tokens).status_code == 200
    second = sign_in(moved, PHONE)
    assert subject_of(second) == subject_of(tokens["access_token"])
    assert "is not blocked now" in moved.run("user", "unblock", BLOCKED, *REASON).stdout
    assert moved.stop() == 0


def test_a_killed_instance_keeps_a_server_database_from_a_copy_for_half_a_minute(
    tmp_path: Path, postgres_database: str
) -> None:
    service = ForkedService(tmp_path / "service", {"DIALTONE_DATABASE": postgres_database}).start()
    copy = ("copy", "--from", postgres_database, "--to", f"sqlite:///{tmp_path}/new.db")

    def is_refused() -> bool:
        planned = service.run(*copy, "--dry-run")
        assert planned.returncode == 0, planned.stderr
        return "renewed its record" in planned.stdout

    assert is_refused()
    # A stop deletes the record, and a kill does not.
    assert service.stop() == 0
    assert not is_refused()
    service.start().kill()
    assert is_refused()
    assert service.run(*copy).returncode == 1
    assert not (tmp_path / "new.db").exists()


def test_places_are_named_without_secrets(tmp_path: Path) -> None:
    service = ForkedService(tmp_path)
    assert service.run("keys", "generate", f"{tmp_path}/secrets.json").returncode == 0
    for place, problem in (
        ("mongodb://user:p4ssw0rd@127.0.0.1:1/", "must name the database"),
        ("own_module:open_database", "does not work with a database adapter of your own"),
        ("env:NOT_SET", "the variable NOT_SET is not set"),
        ("postgresql://user:p4ssw0rd@127.0.0.1:1/name", "127.0.0.1:1/name"),
        (f"sqlite:///{tmp_path}/missing.db", "the database does not exist, or is empty"),
    ):
        failed = service.run("copy", "--from", place, "--to", f"sqlite:///{tmp_path}/new.db")
        assert failed.returncode > 0
        assert problem in failed.stderr
        assert failed.stderr.startswith("--from: ")
        assert "p4ssw0rd" not in failed.stderr + failed.stdout
    assert not Path(tmp_path, "new.db").exists()
