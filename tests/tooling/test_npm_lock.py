"""The locks of the npm packages name no registry, and have a digest for each package."""

import json
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FOLDERS = ("clients/react", "clients/typescript", "browser/npm", "docs_site/npm")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_package_has_a_digest_and_no_registry(folder: str) -> None:
    lock = TESTS / folder / "package-lock.json"
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    assert packages.pop("")["devDependencies"]
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
