"""Keep the description and a database of the version of the project."""

import gzip
import importlib.metadata
import tarfile
import tempfile
from pathlib import Path

from tests.releases import CATEGORY, FOLDER, OTHER_PHONE, PHONE, USERNAME
from tests.support.client import open_session, sign_up, upload_item
from tests.support.images import plain_jpeg
from tests.support.service import REASON, Service, running


def use(service: Service) -> None:
    """Make a user of the staff with a picture, one with a session, and what operators add."""
    account = sign_up(service, PHONE, USERNAME)
    upload_item(service, account, plain_jpeg(), category=CATEGORY)
    open_session(service, OTHER_PHONE, refresh=True)
    for command in (
        ("user", "block", account.user_id),
        ("user", "unblock", account.user_id),
        ("user", "promote", account.user_id),
        ("admin-token", "create", "--name", "help desk", "--scope", "support"),
        ("block", "add", "--prefix", "+4479", "--for", "2h"),
    ):
        service.run(*command, *REASON).check_returncode()


def keep(folder: Path) -> None:
    """Keep them; raises FileExistsError for a version that is kept."""
    folder.mkdir()
    content = Path("docs/openapi.json").read_bytes()
    (folder / "openapi.json.gz").write_bytes(gzip.compress(content, mtime=0))
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, "service")
        with running(path) as service:
            use(service)
        with tarfile.open(folder / "service.tar.gz", "w:gz") as archive:
            archive.add(path, ".", filter=of_nobody)


def of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    return member.replace(uid=0, gid=0, uname="", gname="", deep=False)


keep(FOLDER / importlib.metadata.version("dialtone-server"))
