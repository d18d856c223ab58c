"""Features do not reach into each other, and the service opens with any of them and with none.

`make check` has the contract for all imports.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

import grimp
import httpx
import pytest

from entrypoints.composition import use_cases
from entrypoints.composition.features import FEATURES
from entrypoints.composition.http_settings import make_http_settings
from entrypoints.composition.read_settings import read_settings
from entrypoints.features.feature import Feature
from tests.support import http_settings
from tests.support.client import bearer
from tests.support.features_contract import LAYERS, LIST, PROJECT, Ownership
from tests.support.http_app import open_http_client
from tests.support.http_settings import AppSettings
from tests.unit.entrypoints.settings.texts import META, TWILIO

PHONE: Final = "+14155550142"
OTP: Final = "123456"
ALL_ON: Final = {
    **TWILIO,
    **META,
    "DIALTONE_TEST_OTPS": f"{PHONE}={OTP}",
    "DIALTONE_COUNTRIES": "IN,US",
    "TWILIO_VOICE_FROM": "+14155550006",
    "DIALTONE_ATTESTATION": "altcha",
    "DIALTONE_EVENTS": "https://backend.example.org/events",
    "DIALTONE_EVENTS_SECRET": "A" * 32,
    "DIALTONE_LOGIN_HOOK": "https://backend.example.org/logins",
    "DIALTONE_LOGIN_HOOK_SECRET": "A" * 32,
    "DIALTONE_WEB_CONSOLE": "yes",
}
MAPS_AND_ROUTES: Final = Ownership(
    {"maps": ["maps"], "routes": ["sql.routes"]},
    {"maps": (), "routes": ("maps",)},
)


@asynccontextmanager
async def open_service(
    features: Sequence[Feature[Any]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """Open what a program with these features only would open, and its application."""
    core = use_cases.ALL[: -len(FEATURES)]
    monkeypatch.setattr(use_cases, "ALL", (*core, *features))
    for module in (use_cases, http_settings):
        monkeypatch.setattr(module, "FEATURES", features)
    variables = ALL_ON | {
        "DIALTONE_PUBLIC_URL": "https://dialtone.example.org",
        "DIALTONE_DATABASE": f"sqlite:///{folder}/dialtone.db",
        "DIALTONE_MEDIA": f"file://{folder}/media",
        "DIALTONE_SECRETS_FILE": f"{folder}/secrets.json",
    }
    settings = read_settings(variables, None)
    app_settings = AppSettings(make_http_settings(settings), tuple(variables.items()))
    async with (
        use_cases.open_all(settings, use_cases.ALL, is_service=True) as (_, core_use_cases),
        open_http_client(core_use_cases, app_settings) as http,
    ):
        yield http


async def test_a_user_signs_in_where_there_is_no_feature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_service((), tmp_path, monkeypatch) as http:
        assert (await http.get("/health/ready")).json()["status"] == "ready"
        requested = await http.post("/auth/request-otp", json={"phone": PHONE})
        assert requested.json()["message"] == "OTP sent"
        verified = await http.post("/auth/verify-otp", json={"phone": PHONE, "otp": OTP})
        headers = bearer(verified.json()["access_token"])
        user = {"username": "Asha", "number": PHONE}
        assert (await http.post("/users", json=user, headers=headers)).status_code == 201
        assert (await http.get("/users/me", headers=headers)).json()["username"] == "Asha"
        for path in ("/library", "/admin/users", "/console", "/voice", "/authenticate/get_otp"):
            assert (await http.get(path, headers=headers)).status_code == 404, path


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
async def test_a_feature_opens_with_those_alone_that_it_needs(
    feature: Feature[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = [it for it in FEATURES if it is feature or it.name in feature.needs]
    async with open_service(features, tmp_path, monkeypatch) as http:
        assert (await http.get("/health/live")).status_code == 200


def test_a_wrong_import_is_found() -> None:
    maps, routes = "application.features.maps.feature", "application.features.routes.feature"
    api = "entrypoints.http.features.maps.api"
    for importer, imported, is_allowed in (
        ("application.use_cases", maps, False),
        (maps, routes, False),
        ("entrypoints.composition.use_cases", "entrypoints.features.maps", False),
        ("entrypoints.http.features.routes.api", api, False),
        (LIST, "entrypoints.features.maps", True),
        (routes, maps, True),
        (routes, "application.use_cases", True),
        ("entrypoints.features.maps", "adapters.maps.files", True),
    ):
        found = MAPS_AND_ROUTES.find_forbidden({importer: [imported]}, {})
        assert found == [f"{importer} imports {imported}"] * (not is_allowed)
    by_name = {"entrypoints.features.routes": [routes, maps, "entrypoints.server.serve"]}
    assert MAPS_AND_ROUTES.find_forbidden({}, by_name) == [
        f'entrypoints.features.routes loads "{maps}"'
    ]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*LAYERS, cache_dir=None)


def test_the_graph_of_imports_has_each_file_and_no_circle(graph: grimp.ImportGraph) -> None:
    files = [file.relative_to(PROJECT) for it in LAYERS for file in (PROJECT / it).rglob("*.py")]
    names = {".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files}
    assert graph.modules == names
    imports = {name: graph.find_modules_directly_imported_by(name) for name in names}
    TopologicalSorter(imports).prepare()  # or a CycleError has the circle


def test_each_folder_and_adapter_is_one_of_a_feature_that_is_listed() -> None:
    names = [feature.name for feature in FEATURES]
    for number, feature in enumerate(FEATURES):
        assert {*feature.needs} <= {*names[:number]}
        assert [it for it in feature.adapters if not (PROJECT / "adapters" / it).exists()] == []
    found = {
        path.stem
        for layer in LAYERS
        for folder in (PROJECT / layer).rglob("features/")
        for path in folder.iterdir()
        if path.name not in {"__init__.py", "__pycache__"}
    }
    assert found == {*names, "feature"}
