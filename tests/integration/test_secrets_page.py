"""The samples of `docs/secrets.md` and `docs/keys.md` for files, compose and Kubernetes."""

import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from mkdocs.utils.yaml import yaml_load

from entrypoints.settings.composition import VARIABLES
from entrypoints.settings.read import read_settings
from entrypoints.settings.secret_files import find_exposed, read_secret_files
from tests.support.markdown import PROJECT, blocks_in, page
from tests.unit.settings.texts import TWILIO

IMAGE_USER: Final = 10001
BY_OTHERS: Final = 0o007


def test_a_file_as_the_page_makes_it_is_a_secret_and_is_not_exposed(tmp_path: Path) -> None:
    (sample,) = blocks_in("sh", page("docs/secrets.md"))
    owner = f"{os.getuid()}:{os.getgid()}"
    script = sample.replace("/etc/dialtone", str(tmp_path)).replace("root:dialtone", owner)
    variable = "TWILIO_AUTH_TOKEN_FILE"

    environ = {"PATH": os.environ["PATH"], "TOKEN": TWILIO["TWILIO_AUTH_TOKEN"]}
    run = ["/bin/sh", "-e", "-u", "-c", f'{script}\necho "${variable}"']
    file = subprocess.run(
        run, env=environ, capture_output=True, text=True, check=True
    ).stdout.strip()

    settings = {name: text for name, text in TWILIO.items() if name != "TWILIO_AUTH_TOKEN"}
    settings[variable] = file
    from_file, expected = (read_settings(each, None) for each in (settings, TWILIO))
    assert from_file.twilio_auth_tokens == expected.twilio_auth_tokens
    assert find_exposed(read_secret_files(settings).files) == {}


def test_compose_mounts_the_secret_where_the_service_reads_it_for_its_user() -> None:
    (compose, _) = blocks_in("yaml", page("docs/secrets.md"))
    service: dict[str, Any] = yaml_load(compose)["services"]["dialtone"]

    ((variable, path),) = service["environment"].items()
    (secret,) = service["secrets"]
    assert variable in VARIABLES
    assert path == f"/run/secrets/{secret['source']}"
    assert secret["uid"] == str(IMAGE_USER)
    assert secret["mode"] & BY_OTHERS == 0
    assert f"\nUSER {IMAGE_USER}:" in (PROJECT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["secrets", "keys"])
def test_kubernetes_mounts_the_secret_where_the_service_reads_it_for_its_user(name: str) -> None:
    spec: dict[str, Any] = yaml_load(blocks_in("yaml", page(f"docs/{name}.md"))[-1])["spec"]

    (container,) = spec["containers"]
    (variable,) = container["env"]
    (mount,) = container["volumeMounts"]
    (volume,) = spec["volumes"]
    assert variable["name"] in VARIABLES
    assert str(Path(variable["value"]).parent) == mount["mountPath"]
    assert "subPath" not in mount
    assert mount["name"] == volume["name"]
    assert volume["secret"]["defaultMode"] & BY_OTHERS == 0
    context = spec["securityContext"]
    assert context["runAsUser"] == context["fsGroup"] == IMAGE_USER
