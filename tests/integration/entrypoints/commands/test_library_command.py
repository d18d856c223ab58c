"""`dialtone library` and `dialtone media check` as an operator uses them."""

import asyncio

import pytest

from application.features.media.upload_image import UploadImageCommand
from application.principal import Principal
from domain.features.media.item import MediaItem
from entrypoints.composition.use_cases import open_use_cases
from entrypoints.features.media.feature import MEDIA
from tests.support.builders import a_session
from tests.support.commands import CommandLine, json_lines
from tests.support.images import as_file, still_gif
from tests.support.service import REASON


@pytest.fixture
def item(dialtone: CommandLine) -> MediaItem:
    user_id = dialtone.add_user("+14155552671", "Rahul Sharma")

    async def upload() -> MediaItem:
        async with open_use_cases(dialtone.settings, [MEDIA]) as use_cases:
            loaded = await use_cases.repositories.identities.load(user_id)
            assert loaded is not None
            owner = Principal(loaded.value, a_session(), has_recent_login=True)
            with as_file(still_gif()) as file:
                command = UploadImageCommand(owner, user_id, file, None)
                return (await MEDIA.of(use_cases).media.upload_image(command)).item

    return asyncio.run(upload())


def test_an_item_is_hidden_shown_again_and_deleted(dialtone: CommandLine, item: MediaItem) -> None:
    acts = ("hide", "is hidden now"), ("unhide", "is shown again"), ("delete", "is deleted")
    for action, text in acts:
        ended = dialtone.run("library", action, item.id, *REASON)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith(f"The item {item.id} of the user {item.owner_id} {text}.")
    entries = json_lines(dialtone.run("audit", item.owner_id, "--json").stdout)
    assert [(entry["action"], entry["item_id"]) for entry in entries[:3]] == [
        (f"{action}_item", item.id) for action, _ in reversed(acts)
    ]
    assert f"item: {item.id}" in dialtone.run("audit", item.owner_id).stdout


def test_items_without_files_and_files_without_items_are_named_and_repaired(
    dialtone: CommandLine, item: MediaItem
) -> None:
    folder = dialtone.folder / "media"
    orphan = item.storage_key.replace(item.storage_key[-8:], "0000.gif")
    (folder / item.storage_key).rename(folder / orphan)

    found = dialtone.run("media", "check")
    assert (found.returncode, "dialtone media check --repair" in found.stderr) == (1, True)
    assert f"file without an item: {orphan}\n" in found.stdout
    assert f"item without its file: {item.id}\n" in found.stdout

    refused = dialtone.run("media", "check", "--repair")
    assert (refused.returncode, "add --force" in refused.stderr) == (1, True)
    assert (folder / orphan).exists()
    repaired = dialtone.run("media", "check", "--repair", "--force")
    assert (repaired.returncode, "repaired: 2" in repaired.stdout) == (0, True)
    assert not (folder / orphan).exists()
    assert dialtone.run("media", "check").returncode == 0


def test_a_cleanup_without_the_media_folder_does_the_rest_and_fails(
    dialtone: CommandLine, item: MediaItem
) -> None:
    folder = dialtone.folder / "media"
    away = folder.rename(dialtone.folder / "unmounted")
    deleted = dialtone.run("user", "delete", item.owner_id, "--yes", *REASON)
    assert deleted.returncode == 0
    assert "The files of the library stay until the service deletes them." in deleted.stderr

    cleaned = dialtone.run("cleanup")

    assert cleaned.returncode == 1
    assert "purged identities: 1\n" in cleaned.stdout
    assert f"DIALTONE_MEDIA: {folder} does not exist. Mount or restore it" in cleaned.stderr
    assert not folder.exists()
    away.rename(folder)
    assert [*folder.rglob("*.gif")]
    cleaned = dialtone.run("cleanup")
    assert (cleaned.returncode, "retried deletions: 1\n" in cleaned.stdout) == (0, True)
    assert not [*folder.rglob("*.gif")]
