"""The samples for Kubernetes: rendered by kubectl, checked by its schemas, and run."""

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import jsonschema_rs
import pytest

from entrypoints.composition.read_settings import find_unknown, read_settings
from entrypoints.features.media.feature import MediaSettings
from entrypoints.parts.version import installed_version
from entrypoints.settings.settings import Settings
from tests.samples.deploy_samples import DEPLOY, below, load_yaml, mount_secrets, parse_yaml
from tests.support.markdown import PROJECT, page
from tests.support.servers.packages import fetch_wheels
from tests.support.servers.process import find_or_install, free_ports
from tests.support.service import ForkedService, command

FOLDER: Final = DEPLOY / "kubernetes"
BASE: Final = FOLDER / "base"
CUSTOMIZATION: Final = load_yaml(BASE / "kustomization.yaml")
(GENERATED,) = CUSTOMIZATION["configMapGenerator"]
ENVIRON: Final = dict(line.split("=", 1) for line in GENERATED["literals"])
DEPLOYMENT: Final = load_yaml(BASE / "deployment.yaml")["spec"]
JOB: Final = load_yaml(FOLDER / "migrate/job.yaml")["spec"]
PODS: Final = {"deployment": DEPLOYMENT["template"], "job": JOB["template"]}
CONTAINER: Final = PODS["deployment"]["spec"]["containers"][0]
SECRETS_PATH: Final = "/etc/dialtone"
RENDERED: Final = ("overlays/postgresql", "overlays/mongodb", "migrate")
SCHEMAS: Final = Path(__file__).with_name("kubernetes_schemas.txt")
SCHEMA_VERSIONS: Final = ("1.25", "1.37")
"""The oldest and the newest whose schemas the package has."""
KUBELET_HOST: Final = "10.244.3.7:8000"
"""The Host of a probe is the IP of the pod."""
Object = dict[str, Any]
MEGABYTES: Final = {"Mi": 1 << 20, "Gi": 1 << 30}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of a pod with a Secret that has the files of the page."""
    folder = tmp_path_factory.mktemp("kubernetes") / "secret"
    mount_secrets(folder, files_of_the_page())
    return read_settings(below(folder, ENVIRON, SECRETS_PATH), None)


def files_of_the_page() -> set[str]:
    """Return the files of the Secret that the page creates."""
    files = re.findall(r"--from-file=(\S+)", page("docs/kubernetes.md"))
    return {Path(path).name for path in files}


def to_bytes(quantity: str) -> int:
    return int(quantity[:-2]) * MEGABYTES[quantity[-2:]]


def test_the_settings_are_complete_for_production(settings: Settings) -> None:
    assert settings.variables.values["DIALTONE_ENV"] == "production"
    assert list(find_unknown(ENVIRON)) == []
    # The image has another default than the service.
    assert f"DIALTONE_BIND={ENVIRON['DIALTONE_BIND']}" in (PROJECT / "Dockerfile").read_text()


def test_a_pod_has_time_to_stop(settings: Settings) -> None:
    needed = settings.stop_delay.total_seconds() + settings.drain_timeout.total_seconds() + 5

    assert PODS["deployment"]["spec"]["terminationGracePeriodSeconds"] >= needed


def test_a_pod_has_the_memory_and_disk_that_it_can_need(settings: Settings) -> None:
    resources, volumes = CONTAINER["resources"], PODS["deployment"]["spec"]["volumes"]
    (tmp,) = (volume["emptyDir"] for volume in volumes if volume["name"] == "tmp")

    # As docs/sizing.md has it.
    assert settings.workers == 1
    assert to_bytes(resources["limits"]["memory"]) >= (50 + 135 + 600) * 10**6
    assert to_bytes(tmp["sizeLimit"]) >= 16 * settings.of(MediaSettings).max_upload_size
    assert to_bytes(resources["limits"]["ephemeral-storage"]) >= to_bytes(tmp["sizeLimit"])


def test_ports_are_those_of_the_settings(settings: Settings) -> None:
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    service = load_yaml(BASE / "service.yaml")["spec"]
    ingress = load_yaml(BASE / "network-policy.yaml")["spec"]["ingress"]

    assert settings.metrics_bind is not None
    assert ports == {"http": settings.bind.port, "metrics": settings.metrics_bind.port}
    assert [port["targetPort"] for port in service["ports"]] == ["http"]
    assert [rule["ports"][0]["port"] for rule in ingress] == list(ports.values())
    assert all(rule["from"] and rule["ports"] for rule in ingress)


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_privileges(name: str) -> None:
    pod = PODS[name]["spec"]
    (container,) = pod["containers"]
    user = int(re.findall(r"^USER (\d+):\1$", (PROJECT / "Dockerfile").read_text(), re.M)[0])

    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert "memory" in container["resources"]["limits"]
    # Kubernetes rejects other pods of the namespace.
    labels = load_yaml(BASE / "namespace.yaml")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("name", PODS)
def test_a_pod_gets_its_secrets_as_files_of_its_group(name: str) -> None:
    pod = PODS[name]["spec"]
    (secret,) = (volume["secret"] for volume in pod["volumes"] if volume["name"] == "secrets")
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    environ = {entry["name"]: entry["value"] for entry in container.get("env", [])} or ENVIRON
    named = {text for variable, text in environ.items() if variable.endswith("_FILE")}
    mounted = {item["path"] for item in secret.get("items", [])} or files_of_the_page()

    assert secret["defaultMode"] == 0o440
    assert mounts["secrets"] == {"name": "secrets", "mountPath": SECRETS_PATH, "readOnly": True}
    # Where Python has temporary files.
    assert mounts["tmp"]["mountPath"] == "/tmp"  # noqa: S108
    assert named == {f"{SECRETS_PATH}/{file}" for file in mounted}
    assert all(item["key"] == item["path"] for item in secret.get("items", []))
    assert mounted <= files_of_the_page()


def test_selectors_select_the_pods_of_the_service() -> None:
    labels = PODS["deployment"]["metadata"]["labels"]
    disruptions = load_yaml(BASE / "pod-disruption-budget.yaml")["spec"]
    spread = PODS["deployment"]["spec"]["topologySpreadConstraints"]
    selectors: list[Any] = [
        DEPLOYMENT["selector"],
        disruptions["selector"],
        *(constraint["labelSelector"] for constraint in spread),
    ]

    assert [selector["matchLabels"] for selector in selectors] == [labels] * 4
    assert load_yaml(BASE / "service.yaml")["spec"]["selector"] == labels
    # The policies are for the job too, the others are not.
    for file in FOLDER.rglob("network-policy.yaml"):
        selected = load_yaml(file)["spec"]["podSelector"]["matchLabels"].items()
        assert all(selected <= pod["metadata"]["labels"].items() for pod in PODS.values())
    assert not labels.items() <= PODS["job"]["metadata"]["labels"].items()


def test_the_images_have_the_version_of_the_project() -> None:
    for folder in (BASE, FOLDER / "migrate"):
        (image,) = load_yaml(folder / "kustomization.yaml")["images"]
        assert image["newTag"] == installed_version()
        assert image["name"] == CONTAINER["image"]
    assert JOB["template"]["spec"]["containers"][0]["image"] == CONTAINER["image"]


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


@pytest.mark.parametrize("version", SCHEMA_VERSIONS)
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
    service = ForkedService(tmp_path / "service", environ)
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
