"""Keep the description and a database of the version of the project."""

import gzip
import importlib.metadata
import tarfile
import tempfile
from pathlib import Path

from tests.releases import CATEGORY, FOLDER, PHONE, USERNAME
from tests.support.client import sign_up, upload_item
from tests.support.images import plain_jpeg
from tests.support.service import REASON, Service, running


def use(service: Service) -> None:
    """Make a user, blocked once, with a picture; a record of most kinds is there then."""
    account = sign_up(service, PHONE, USERNAME)
    upload_item(service, account, plain_jpeg(), category=CATEGORY)
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
            use(service)
        with tarfile.open(folder / "service.tar.gz", "w:gz") as archive:
            archive.add(path, ".")


keep(FOLDER / importlib.metadata.version("dialtone-server"))
