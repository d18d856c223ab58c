"""The samples for Kubernetes and Compose in docs/deploy."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from tests.support.keys import create_secrets_file

DEPLOY: Final = Path(__file__).parents[2] / "docs/deploy"
_SECRETS: Final = {
    "aws_access_key_id": "AKIADIALTONETESTKEY0",
    "aws_secret_access_key": "a-secret-access-key-for-tests",
    "database_url": "postgresql://dialtone:secret@db.example.org/dialtone",
    "twilio_auth_token": "0123456789abcdef0123456789abcdef",
}


def parse_yaml(text: str) -> list[Any]:
    """Return the documents of a text. In YAML 1.1, as Kubernetes reads it, 0440 is octal."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)
    return list(yaml.load_all(text))


def load_yaml(file: Path) -> Any:
    """Return the only document of a file."""
    (document,) = parse_yaml(file.read_text(encoding="utf-8"))
    return document


def mount_secrets(folder: Path, names: Iterable[str], **texts: str) -> None:
    """Write files as Kubernetes mounts a Secret: links, and mode 0440 with the group of the pod.

    Args:
        folder: The folder of the volume.
        names: The files.
        texts: What some of them contain; the others have an example.
    """
    data = folder / "..2026_11_26"
    data.mkdir(parents=True)
    (folder / "..data").symlink_to(data.name)
    for name in names:
        file = data / name
        if name == "secrets.json":
            create_secrets_file(file)
        else:
            file.write_text({**_SECRETS, **texts}[name] + "\n")
        # A group may read the keys only if their file belongs to root, as it does there.
        file.chmod(0o440 if os.geteuid() == 0 else 0o400)
        (folder / name).symlink_to(f"..data/{name}")


def below(folder: Path, environ: Mapping[str, str], mount_path: str) -> dict[str, str]:
    """Return the environment with paths in the folder instead of in that of a container."""
    return {
        name: text.replace(f"{mount_path}/", f"{folder}/", 1)
        if text.startswith(f"{mount_path}/")
        else text
        for name, text in environ.items()
    }
