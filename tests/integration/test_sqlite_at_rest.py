from pathlib import Path

import pytest

from adapters.sqlite import open_sqlite_records
from application.ports.repositories import Repositories
from tests.support.builders import a_challenge, a_phone, a_phone_record, a_user, an_id, an_identity
from tests.support.fakes.seal import FakeSeal

PHONE = a_phone(2671)
CODE = a_challenge().derive_code(b"a pepper", PHONE)
HIDDEN = {
    "the number": PHONE.e164,
    "its digits": PHONE.e164.removeprefix("+"),
    "its national digits": PHONE.e164.removeprefix("+1"),
    "the code": CODE,
}


async def use(records: Repositories) -> None:
    """Sign in, become a user, and look at what was saved."""
    await records.phone_verifications.replace(PHONE, a_phone_record(), 0)
    loaded = await records.phone_verifications.load(PHONE)
    identity = an_identity(phone=PHONE, user=a_user("Rahul Sharma"))
    assert await records.phone_verifications.replace(
        PHONE, loaded.value.assign_identity(identity.id), loaded.version
    )
    assert await records.identities.add(identity)
    assert await records.identities.replace(identity, 1)
    found = await records.identities.load(an_id())
    assert found is not None
    assert found.value.phone == PHONE


def told_by(folder: Path, files: int) -> list[str]:
    """Name what is found in the files: the database alone, or with its log and its index."""
    contents = [one.read_bytes() for one in folder.iterdir()]
    assert len(contents) == files
    content = b"".join(contents)
    assert b"Rahul Sharma" in content
    return [name for name, text in HIDDEN.items() if text.encode() in content]


async def test_the_file_and_its_log_tell_no_phone_and_no_code(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    async with open_sqlite_records(path, FakeSeal()) as records:
        await use(records)

        assert told_by(tmp_path, files=3) == []
    assert told_by(tmp_path, files=1) == []


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_searched_for_would_be_found(tmp_path: Path, name: str) -> None:
    (tmp_path / "a file").write_text(f"Rahul Sharma {HIDDEN[name]}")

    assert name in told_by(tmp_path, files=1)
