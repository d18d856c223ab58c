"""A service whose environment has no library of an extra: SQLite, a folder and the terminal."""

from pathlib import Path
from typing import Final

from entrypoints.parts.extras import EXTRAS
from entrypoints.parts.version import ROOT
from tests.support.client import sign_up, upload_item
from tests.support.service import Service

FINDER: Final = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {modules}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""
S3: Final = {
    "DIALTONE_MEDIA": "s3://dialtone/media",
    "AWS_ACCESS_KEY_ID": "an-id",
    "AWS_SECRET_ACCESS_KEY": "a-secret",
}


def test_the_default_settings_need_no_extra_and_a_missing_one_is_one_sentence(
    tmp_path: Path,
) -> None:
    # Python, also that of a worker, imports a module of this name when it starts.
    modules = {module.partition(".")[0] for extra in EXTRAS.values() for module in extra}
    (tmp_path / "sitecustomize.py").write_text(FINDER.format(modules=sorted(modules)))
    without_extras = {"PYTHONPATH": str(tmp_path)}
    service = Service(tmp_path / "service", without_extras)
    try:
        account = sign_up(service.start(), "+14155592671")
        content = (ROOT / "docs/images/example.jpg").read_bytes()
        upload_item(service, account, content, category="art")
        checked = service.run("check-settings", "--connect")
        assert (checked.returncode, checked.stderr) == (0, "")
    finally:
        service.stop()

    (folder := tmp_path / "with_s3").mkdir()
    started = Service(folder, without_extras | S3).run("run")
    (error,) = [line for line in started.stderr.splitlines() if line.startswith("DIALTONE_")]
    assert error.startswith("DIALTONE_MEDIA: ")
    assert error.endswith(f" needs the extra \"s3\": pip install --editable '{ROOT}[s3]'")
    assert "Traceback" not in started.stderr
    assert (started.returncode, [*folder.iterdir()]) == (1, [])
