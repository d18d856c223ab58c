"""The recipes of docs/importing.md, with an export of each service."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import CommandLine
from tests.support.images import encode, sample_image
from tests.support.markdown import blocks_in, page
from tests.support.service import REASON

HOOKABA: Final = ("hookaba-users.jsonl", "hookaba-library.jsonl")
HOOKABA_IDS: Final = [
    "68b1c0a5d2f04e7a9c3b1d20", "68b1c0a5d2f04e7a9c3b1d21", "5eabeb98d2f04e7a9c3b1d22",
]  # fmt: skip
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


def run_recipe(heading: str, arguments: list[str], folder: Path | None = None) -> str:
    _, _, section = page("docs/importing.md").partition(f"\n{heading}\n")
    code = blocks_in("python", section)[0]
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPORTS)
def test_who_is_verified_there_is_imported_and_who_is_blocked_there_is_blocked(
    dialtone: CommandLine, name: str
) -> None:
    files, expected = EXPORTS[name]
    paths = [str(SAMPLES / file) for file in files]
    (dialtone.folder / "users.jsonl").write_text(run_recipe(f"### {name}", paths))

    ended = dialtone.run("import", "users", "users.jsonl", *REASON)

    assert ended.returncode == 0, ended.stderr
    assert f"lines: {len(expected)}\ncreated: {len(expected)}\n" in ended.stdout
    for phone, user in expected.items():
        account = json.loads(dialtone.run("user", "show", phone, "--json").stdout)["account"]
        is_blocked = account["blocked_at"] is not None
        assert (account["external_id"], account["username"], is_blocked) == user
        assert account["created_at"].startswith("2020-05-01T09:30:00.")


@pytest.mark.slow
def test_users_and_pictures_of_hookaba_are_imported(dialtone: CommandLine) -> None:
    folder = dialtone.folder
    (folder / "copy").mkdir()
    for name in ("cat (1).jpg", "zoe.jpg"):
        (folder / "copy" / name).write_bytes(encode(sample_image(), "JPEG"))
    arguments = [*(str(SAMPLES / name) for name in HOOKABA), "hookaba-images"]

    said = run_recipe("## From hookaba-backend", arguments, folder)
    users = dialtone.run("import", "users", "users.jsonl", "--region", "IN", *REASON)
    items = dialtone.run("import", "items", "items.jsonl", "--files", "copy", *REASON)
    repeated = run_recipe("## From hookaba-backend", arguments, folder)
    again = dialtone.run("import", "items", "items.jsonl", "--files", "copy", "--replace", *REASON)

    assert said == repeated == f"was an administrator: {HOOKABA_IDS[0]}\n"
    assert (users.returncode, "created: 4\n" in users.stdout) == (0, True), users.stderr
    assert (items.returncode, "created: 3\n" in items.stdout) == (1, True), items.stderr
    assert "unchanged: 3\n" in again.stdout
    with (folder / "items.jsonl.rejected.csv").open(newline="") as file:
        rejected = [row["rejected_reason"] for row in csv.DictReader(file)]
    assert rejected == ["owner_not_imported", "file_missing"]
    shown = [
        json.loads(dialtone.run("user", "show", f"+91987654321{number}", "--json").stdout)
        for number in range(4)
    ]
    accounts = [user["account"] for user in shown]
    assert [account["id"] for account in accounts[:3]] == HOOKABA_IDS
    assert accounts[3]["external_id"] == "member 42"
    assert [account["username"] for account in accounts] == ["Asha", NAME, "Zoe", None]
    assert [account["blocked_at"] is not None for account in accounts] == [
        False, True, False, False,
    ]  # fmt: skip
    assert {account["role"] for account in accounts} == {"member"}
    assert {account["created_at"][:14] for account in accounts} == {"2020-05-01T09:"}
    assert [shown[number]["library"]["items"] for number in (0, 3)] == [2, 1]
