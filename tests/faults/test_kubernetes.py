"""The samples for Kubernetes: rendered by kubectl, checked by its schemas, and run."""

import copy
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import jsonschema_rs
import pytest

from tests.support.deploy_samples import DEPLOY, below, mount_secrets, parse_yaml
from tests.support.servers.packages import fetch_wheels
from tests.support.servers.process import find_or_install, free_ports
from tests.support.service import Service, command

FOLDER: Final = DEPLOY / "kubernetes"
RENDERED: Final = ("overlays/postgresql", "overlays/mongodb", "migrate")
SCHEMAS: Final = Path(__file__).with_name("kubernetes_schemas.txt")
VERSIONS: Final = ("1.25", "1.37")
"""The oldest and the newest whose schemas the package has."""
KUBELET_HOST: Final = "10.244.3.7:8000"
"""The Host of a probe is the IP of the pod."""
Object = dict[str, Any]


def render(folder: Path) -> list[Object]:
    kubectl = find_or_install("kubectl", "kubernetes-client")
    process = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return parse_yaml(process.stdout)


def find(objects: list[Object], kind: str) -> Object:
    (found,) = (item for item in objects if item["kind"] == kind)
    return found


@pytest.fixture(scope="module")
def overlay() -> list[Object]:
    return render(FOLDER / "overlays/postgresql")


@pytest.fixture(scope="module")
def schemas() -> Path:
    return fetch_wheels(SCHEMAS) / "kubernetes_validate/kubernetes-json-schema"


def problems(schemas: Path, version: str, item: Object) -> Iterator[str]:
    """Yield what the schema of its kind says about an object. Unknown fields are problems."""
    folder = schemas / f"v{version}.0-local-strict"
    group, _, api = item["apiVersion"].rpartition("/")
    name = "-".join(filter(None, [item["kind"].lower(), group.partition(".")[0], api]))
    schema = json.loads((folder / f"{name}.json").read_text())
    validator = jsonschema_rs.Draft202012Validator(
        schema,
        base_uri="file:///api/schema.json",
        retriever=lambda _: json.loads((folder / "_definitions.json").read_text()),
    )
    for error in validator.iter_errors(item):
        yield f"{item['kind']}: {'.'.join(map(str, error.instance_path))}: {error.message}"


@pytest.mark.parametrize("version", VERSIONS)
def test_each_object_matches_the_schema_of_its_kind(
    overlay: list[Object], schemas: Path, version: str
) -> None:
    objects = [item for name in RENDERED for item in render(FOLDER / name)]

    assert {item["kind"] for item in objects} == {
        *("ConfigMap", "Deployment", "Job", "Namespace", "NetworkPolicy"),
        *("PodDisruptionBudget", "Service", "ServiceAccount"),
    }
    assert [line for item in objects for line in problems(schemas, version, item)] == []
    deployment = copy.deepcopy(find(overlay, "Deployment"))
    deployment["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    (line,) = problems(schemas, version, deployment)
    assert "livenessprobe" in line


def test_all_objects_are_in_the_namespace(overlay: list[Object]) -> None:
    others = [item for item in overlay if item["kind"] != "Namespace"]

    assert find(overlay, "Namespace")["metadata"]["name"] == "dialtone"
    assert {item["metadata"].get("namespace") for item in others} == {"dialtone"}


def test_a_changed_setting_changes_the_deployment(overlay: list[Object], tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "changed")
    file = tmp_path / "changed/base/kustomization.yaml"
    text = file.read_text()
    assert "DIALTONE_COUNTRIES=US\n" in text
    file.write_text(text.replace("DIALTONE_COUNTRIES=US\n", "DIALTONE_COUNTRIES=US,CA\n"))
    changed = render(tmp_path / "changed/overlays/postgresql")

    names = []
    for objects in (overlay, changed):
        (container,) = find(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
        names.append(find(objects, "ConfigMap")["metadata"]["name"])
        assert container["envFrom"] == [{"configMapRef": {"name": names[-1]}}]
    assert names[0] != names[1]


def test_the_service_runs_with_the_settings_and_secrets_of_a_pod(
    overlay: list[Object], postgres_database: str, tmp_path: Path
) -> None:
    pod = find(overlay, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mount_path = container["volumeMounts"][0]["mountPath"]
    environ = below(tmp_path / "secret", find(overlay, "ConfigMap")["data"], mount_path)
    files = [Path(text).name for name, text in environ.items() if name.endswith("_FILE")]
    mount_secrets(tmp_path / "secret", files, database_url=postgres_database)
    service = Service(tmp_path / "service", environ)
    (metrics_port,) = free_ports(1)
    service.settings |= {
        # What is not this pod: its address, S3, and a name of the harness.
        "DIALTONE_BIND": f"127.0.0.1:{service.port}",
        "DIALTONE_METRICS_BIND": f"127.0.0.1:{metrics_port}",
        "DIALTONE_S3_ENDPOINT": "http://127.0.0.1:9",
        "DIALTONE_DATABASE": "",
    }
    service.folder.mkdir()
    migrate(tmp_path, mount_path)
    checked = service.run("check-settings")
    assert checked.returncode == 0, checked.stderr
    assert postgres_database not in checked.stdout

    assert container["args"] == ["run"]
    service.start()
    try:
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            health_check = container[kind]["httpGet"]
            assert health_check["port"] == "http"
            response = httpx.get(service.url + health_check["path"], headers={"Host": KUBELET_HOST})
            assert response.status_code == 200, response.text
        assert httpx.get(f"http://127.0.0.1:{metrics_port}/metrics").status_code == 200
    finally:
        service.kill()
    # The job has created everything.
    assert "database_created" not in service.log


def migrate(tmp_path: Path, mount_path: str) -> None:
    """Run the job."""
    pod = find(render(FOLDER / "migrate"), "Job")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    environ = {entry["name"]: entry["value"] for entry in container["env"]}
    process = subprocess.run(
        [command(), *container["args"]],
        cwd=tmp_path,
        env=below(tmp_path / "secret", environ, mount_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "created: table identities" in process.stdout
