"""The lock of the npm packages names no registry, and has a digest for each package."""

import json
from pathlib import Path

LOCK = Path(__file__).parents[1] / "clients/typescript/package-lock.json"


def test_every_package_has_a_digest_and_no_registry() -> None:
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    assert packages.pop("")["devDependencies"]
    assert len(packages) > 10
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
