"""The recipes of docs/importing.md, with an export of each service."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import CommandLine
from tests.support.markdown import blocks_in, page
from tests.support.service import REASON

SAMPLES: Final = Path(__file__).parents[3] / "support/samples/imports"
RAHUL, ASHA, ZOE, COMPROMISED = "+14155550101", "+447400123456", "+447400123457", "+447400123458"
UUID, OTHER_UUID = "eaad0219-2117-439f-8d46-4db20e59268f", "6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b"
NAME: Final = "Rahul Sharma"
EXPORTS: Final[dict[str, tuple[list[str], dict[str, tuple[str, str | None, bool]]]]] = {
    "Auth0": (
        ["auth0.ndjson"],
        {
            # The name of somebody who signs in by SMS there is the phone number.
            RAHUL: ("sms|5f7c8ec7c33c6c004bbafe82", None, False),
            ASHA: ("sms|60d1f2b7a1c2d3e4f5a6b7ca", "Asha Rao", True),
            ZOE: ("auth0|60d1f2b7a1c2d3e4f5a6b7cb", None, False),
        },
    ),
    "Cognito": (
        ["cognito.json"],
        {
            RAHUL: (UUID, NAME, False),
            ZOE: (OTHER_UUID, None, True),
            COMPROMISED: ("0a7e0d4c-6d55-4c28-8f0f-0c5c2f9f3b11", None, True),
        },
    ),
    "Firebase": (
        ["firebase.json"],
        {
            RAHUL: ("WZ1yPQWbPfMZ9rVDUUQvgGMZLNH2", NAME, False),
            ASHA: ("k3bXyE9aPTSf0sGm1cFqVn8LtRz1", None, True),
        },
    ),
    "Supabase": (
        ["supabase.csv"],
        {
            RAHUL: (UUID, NAME, False),
            ASHA: (OTHER_UUID, None, True),
            ZOE: (f"{OTHER_UUID[:-1]}c", None, False),
        },
    ),
    "SuperTokens": (
        ["supertokens.jsonl", "supertokens-banned.json"],
        {RAHUL: (UUID, None, False), ZOE: (OTHER_UUID, None, True)},
    ),
}
"""For each service its export, and whom an import makes: external id, name, and whether blocked."""


def run_recipe(service: str, *files: str) -> str:
    _, _, section = page("docs/importing.md").partition(f"\n### {service}\n")
    code = blocks_in("python", section)[0]
    paths = [str(SAMPLES / name) for name in files]
    command = [sys.executable, "-W", "error", "-c", code, *paths]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPORTS)
def test_who_is_verified_there_is_imported_and_who_is_blocked_there_is_blocked(
    dialtone: CommandLine, name: str
) -> None:
    files, expected = EXPORTS[name]
    (dialtone.folder / "users.jsonl").write_text(run_recipe(name, *files))

    ended = dialtone.run("import", "users", "users.jsonl", *REASON)

    assert ended.returncode == 0, ended.stderr
    assert f"lines: {len(expected)}\ncreated: {len(expected)}\n" in ended.stdout
    for phone, user in expected.items():
        account = json.loads(dialtone.run("user", "show", phone, "--json").stdout)["account"]
        is_blocked = account["blocked_at"] is not None
        assert (account["external_id"], account["username"], is_blocked) == user
        assert account["created_at"].startswith("2020-05-01T09:30:00.")


def test_each_sample_is_of_a_recipe() -> None:
    samples = {path.name for path in SAMPLES.iterdir()}
    assert samples == {file for files, _ in EXPORTS.values() for file in files}
