"""Keep the description and a database of the version of the project."""

import asyncio
import gzip
import importlib.metadata
import tarfile
import tempfile
from pathlib import Path

import httpx

from tests.e2e.app import App
from tests.releases import CATEGORY, FOLDER, PHONE, USERNAME
from tests.support.images import plain_jpeg
from tests.support.service import REASON, Service, running


async def use(service: Service) -> None:
    """Make a user, blocked once, with a picture; a record of most kinds is there then."""
    async with httpx.AsyncClient(base_url=service.url) as http:
        app = App(service, http)
        account = await app.sign_up(PHONE, USERNAME)
        await app.upload_item(account, plain_jpeg(), category=CATEGORY)
    for act in ("block", "unblock", "promote"):
        service.run("user", act, account.user_id, *REASON).check_returncode()


def keep(folder: Path) -> None:
    """Keep them; raises FileExistsError for a version that is kept."""
    folder.mkdir()
    content = Path("docs/openapi.json").read_bytes()
    (folder / "openapi.json.gz").write_bytes(gzip.compress(content, mtime=0))
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, "service")
        with running(path) as service:
            asyncio.run(use(service))
        with tarfile.open(folder / "service.tar.gz", "w:gz") as archive:
            archive.add(path, ".")


keep(FOLDER / importlib.metadata.version("dialtone-server"))
