"""What stops a start: one line each, a code that says so, and nothing spoilt."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.service import Service, command, running


def refused(service: Service, *arguments: str, redirected: str = "") -> str:
    """Start it in a shell; gives the one line that it refuses with."""
    service.folder.mkdir(parents=True, exist_ok=True)
    ended = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" "$@" {redirected}', command(), *(arguments or ("run",))],
        cwd=service.folder,
        env=service.environ,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode == 1, ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.stderr


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
def test_a_name_without_an_address(tmp_path: Path, host: str) -> None:
    service = Service(tmp_path, {"DIALTONE_BIND": f"{host}:8000"})

    told = refused(service)

    assert "DIALTONE_BIND" in told
    assert host in told
    assert "Example: DIALTONE_BIND=" in told
    assert not (tmp_path / "secrets.json").exists()


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    assert "DIALTONE_BIND" in refused(Service(tmp_path, {"DIALTONE_BIND": "192.0.2.1:8000"}))


def test_an_address_that_others_share(tmp_path: Path) -> None:
    service = Service(tmp_path)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", service.port))
        other.listen()
        assert "DIALTONE_BIND" in refused(service)


def test_an_address_that_another_start_is_about_to_take(tmp_path: Path) -> None:
    service = Service(tmp_path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(f"\0dialtone at 127.0.0.1:{service.port}")
        assert "DIALTONE_BIND" in refused(service)


def test_the_console_sender_without_a_stdout(tmp_path: Path) -> None:
    told = refused(Service(tmp_path), redirected=">&-")

    assert "DIALTONE_SMS" in told
    assert "stdout" in told
    assert not (tmp_path / "secrets.json").exists()


def test_keys_that_are_gone_while_the_database_is_there(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        pass
    keys = tmp_path / "secrets.json"
    kept = keys.read_bytes()
    keys.unlink()

    for arguments in (("run",), ("cleanup",)):
        told = refused(service, *arguments)
        assert str(keys) in told
        assert str(tmp_path / "dialtone.db") in told
    assert not keys.exists()

    keys.write_bytes(kept)
    keys.chmod(0o600)
    service.start()
    assert service.stop() == 0


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    service = Service(tmp_path, {"DIALTONE_SECRETS": "var/secrets.json"})

    assert "secrets.json" in refused(service)


@pytest.mark.parametrize("redirected", [">/dev/full", "| exit 0"])
def test_what_a_command_says_to_nobody(tmp_path: Path, redirected: str) -> None:
    ended = subprocess.run(
        [
            "/bin/bash",
            "-c",
            f'"$0" check-settings {redirected}; exit ${{PIPESTATUS[0]}}',
            command(),
        ],
        cwd=tmp_path,
        env=Service(tmp_path).environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "stdout" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "user"),
    [*(("promote", one) for one in ("", "nobody", "\x1b[2J\n", "\udcff")), ("demote", "nobody")],
)
def test_no_user_is_meant_by_nonsense(tmp_path: Path, command: str, user: str) -> None:
    told = refused(Service(tmp_path), command, user)

    assert "a user id, or a phone" in told
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("command", "phone"),
    [
        *(("block", one) for one in ("", "nobody", "4155552671", "+1", "\x1b[2J\n", "\udcff")),
        ("unblock", "nobody"),
        ("sign-out", "nobody"),
    ],
)
def test_no_phone_is_meant_by_nonsense(tmp_path: Path, command: str, phone: str) -> None:
    told = refused(Service(tmp_path), command, phone)

    assert "phone number" in told
    assert "like +14155552671" in told
    assert "\x1b" not in told


@pytest.mark.parametrize("arguments", ["run", "check-settings"])
def test_a_current_folder_that_was_removed(tmp_path: Path, arguments: str) -> None:
    ended = subprocess.run(
        [
            "/bin/sh",
            "-c",
            f'mkdir gone && cd gone && rmdir ../gone && exec "$0" {arguments}',
            command(),
        ],
        cwd=tmp_path,
        env=Service(tmp_path).environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "current folder" in ended.stderr
    assert not list(tmp_path.iterdir())


def test_an_interrupt_in_the_middle_of_the_start_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import asyncio\nfrom contextlib import asynccontextmanager\n"
        "@asynccontextmanager\nasync def opened(environ):\n"
        "    print('opening', flush=True)\n    await asyncio.sleep(60)\n    yield None\n"
    )
    service = Service(tmp_path, {"DIALTONE_MEDIA": "slow:opened"})
    service.launch()
    service.wait_until_shown("opening")

    assert service.end(signal.SIGINT) == 130
    assert service.log == "Interrupted.\n"
