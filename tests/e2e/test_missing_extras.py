"""A service whose environment has no library of an extra: SQLite, a folder and the terminal."""

from pathlib import Path
from typing import Final

import pytest

from entrypoints.parts.extras import EXTRAS
from entrypoints.parts.version import ROOT
from tests.support.client import open_client, sign_up, upload_item
from tests.support.service import Service

PHONE: Final = "+14155592671"
FINDER: Final = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {modules}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""


@pytest.fixture
def without_extras(tmp_path: Path) -> dict[str, str]:
    """Return the variables with which Python, also that of a worker, finds no library of an extra.

    It imports a module of this name when it starts.
    """
    modules = {module.partition(".")[0] for extra in EXTRAS.values() for module in extra}
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(FINDER.format(modules=sorted(modules)))
    return {"PYTHONPATH": str(folder)}


def test_a_user_signs_in_and_uploads_an_image(
    tmp_path: Path, without_extras: dict[str, str]
) -> None:
    service = Service(tmp_path / "service", without_extras)
    try:
        account = sign_up(service.start(), PHONE)
        content = (ROOT / "docs/images/example.jpg").read_bytes()
        uploaded = upload_item(service, account, content, category="art")
        with open_client(service) as http:
            assert http.get(uploaded["url"]).status_code == 200
        checked = service.run("check-settings", "--connect")
        assert (checked.returncode, checked.stderr) == (0, "")
    finally:
        service.stop()


def test_a_missing_extra_is_one_sentence_before_anything_is_created(
    tmp_path: Path, without_extras: dict[str, str]
) -> None:
    environ = {
        "DIALTONE_MEDIA": "s3://dialtone/media",
        "AWS_ACCESS_KEY_ID": "an-id",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
    }
    folder = tmp_path / "service"
    folder.mkdir()
    service = Service(folder, {**without_extras, **environ})

    started, checked = service.run("run"), service.run("check-settings", "--connect")

    (error,) = [line for line in started.stderr.splitlines() if line.startswith("DIALTONE_")]
    assert error.startswith("DIALTONE_MEDIA: ")
    assert error.endswith(f" needs the extra \"s3\": pip install --editable '{ROOT}[s3]'")
    assert "Traceback" not in started.stderr
    assert (started.returncode, checked.returncode) == (1, 1)
    assert error in checked.stdout + checked.stderr
    assert not [*folder.iterdir()]
