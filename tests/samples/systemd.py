"""What the samples for systemd start, as plain processes: systemd itself does not run."""

import re
import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.samples import sandbox
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.servers.process import find_or_install
from tests.support.service import HIGH_LIMITS, Service, command

SAMPLES: Final = Path(__file__).parents[2] / "docs/deploy/systemd"
PROGRAM: Final = "/opt/dialtone/.venv/bin/dialtone"
ETC: Final = "/etc/dialtone"
STATE: Final = "/var/lib/dialtone"
_SYSTEM_CALL: Final = re.compile(r"^    ([@\w-]+)$", re.MULTILINE)
_ALWAYS_ALLOWED: Final = {"execve", "exit", "exit_group", "rt_sigreturn"}

Directives = Mapping[str, list[str]]
"""The values of each directive, in the order of the unit and its drop-ins."""


def systemd_analyze(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    program = find_or_install("systemd-analyze", "systemd")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def allowed_calls(filters: list[str]) -> set[str]:
    """Return the system calls that `SystemCallFilter=` allows, by the sets of systemd."""
    text = systemd_analyze("syscall-filter", "--no-pager").stdout
    sets = {
        block.partition("\n")[0]: _SYSTEM_CALL.findall(block)
        for block in re.split(r"^(?=@)", text, flags=re.MULTILINE)
    }

    def expand(name: str) -> set[str]:
        return set().union(*map(expand, sets[name])) if name.startswith("@") else {name}

    allowed: set[str] = set()
    for line in filters:
        calls = set().union(*map(expand, line.removeprefix("~").split()))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed | expand("@default") | _ALWAYS_ALLOWED


class Machine:
    """A folder in place of `/`, with the samples installed as docs/systemd.md says.

    Args:
        folder: The folder.
        twilio: Its account replaces that of the settings.
    """

    def __init__(self, folder: Path, twilio: FakeTwilio) -> None:
        self.twilio = twilio
        self.etc, self.state, self.credentials = (folder / name for name in ("etc", "var", "run"))
        self.units = folder / "units"
        drop_ins = self.units / "dialtone@.service.d"
        for directory in (self.etc / "credentials", drop_ins):
            directory.mkdir(parents=True)
        for name in ("dialtone.service", "dialtone@.service"):
            (self.units / name).write_text(self._install("dialtone.service", PROGRAM))
        (drop_ins / "port.conf").write_text(self._install("port.conf"))
        (drop_ins / "credentials.conf").write_text(self._install("credentials.conf", ETC))
        account = dict(twilio.environ)
        token = account.pop("TWILIO_AUTH_TOKEN")
        for file in ("twilio_auth_token", "credentials/twilio_auth_token"):
            (self.etc / file).write_text(f"{token}\n")
            (self.etc / file).chmod(0o440)
        # Clients of tests have one IP.
        self._settings = {**account, **HIGH_LIMITS}
        self.set({})
        generate = [command(), "keys", "generate", f"{self.etc}/secrets.json"]
        subprocess.run(generate, check=True, stdout=subprocess.DEVNULL)

    def messages(self, phone: str) -> list[str]:
        """Return the messages to a phone so far."""
        return [sent["Body"] for sent in self.twilio.messages if sent["To"] == phone]

    def set(self, settings: Mapping[str, str]) -> None:
        """Write the file with the settings of the sample, and these in place of theirs."""
        changed = {**self._settings, **settings}
        sample = self._install("dialtone.env", ETC, STATE).splitlines()
        kept = [line for line in sample if line.partition("=")[0] not in changed]
        lines = [f"{name}={value}" for name, value in changed.items()]
        (self.etc / ".env").write_text("\n".join([*kept, *lines, ""]))

    def read_unit(self, name: str) -> Directives:
        """Return the directives of a unit and its drop-ins.

        Args:
            name: That of an instance, such as dialtone@8000, or of a unit without instances.
        """
        template, _, instance = name.partition("@")
        unit = self.units / (f"{template}@.service" if instance else f"{template}.service")
        directives = defaultdict(list)
        for file in (unit, *sorted(unit.with_name(f"{unit.name}.d").glob("*.conf"))):
            for line in file.read_text().splitlines():
                key, _, value = line.partition("=")
                if value and not line.startswith("#"):
                    value = value.replace("%i", instance).replace("%d", str(self.credentials))
                    directives[key].append(value)
        return directives

    def _install(self, name: str, *places: str) -> str:
        text = (SAMPLES / name).read_text()
        for place in places:
            assert place in text
        used = {PROGRAM: command(), ETC: str(self.etc), STATE: str(self.state)}
        return re.sub("|".join(used), lambda match: used[match[0]], text)


class UnitInstance(Service):
    """The service as its unit starts it: command, environment, credentials and restrictions.

    Args:
        machine: Has the unit.
        template: The name of the unit without its instance.
    """

    def __init__(self, machine: Machine, template: str) -> None:
        super().__init__(machine.etc, inbox=machine.messages)
        self.name = f"{template}{self.port}" if template.endswith("@") else template
        self.unit = machine.read_unit(self.name)
        self._machine = machine
        (start,) = self.unit["ExecStart"]
        calls = ",".join(sorted(allowed_calls(self.unit["SystemCallFilter"])))
        *program, run = shlex.split(start)
        assert run == "run"
        self._program = [sys.executable, "-I", sandbox.__file__, calls, *program]

    @property
    def environ(self) -> dict[str, str]:
        """Only what systemd sets, and that a warning is an error."""
        assignments = [each for line in self.unit["Environment"] for each in shlex.split(line)]
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
            "PYTHONWARNINGS": "error",
            **dict(each.split("=", 1) for each in assignments),
        }

    @property
    def has_failed(self) -> bool:
        """Whether systemd would not start it again after its end."""
        codes = [
            int(code) for line in self.unit["RestartPreventExitStatus"] for code in line.split()
        ]
        return not self.is_running and self.process.returncode in codes

    @property
    def stop_timeout(self) -> int:
        """Seconds after which systemd kills it."""
        (seconds,) = self.unit["TimeoutStopSec"]
        return int(seconds)

    def launch(self, **options: Any) -> None:
        machine = self._machine
        assert self.unit["WorkingDirectory"] == [str(machine.etc)]
        (mode,), (mask,) = self.unit["StateDirectoryMode"], self.unit["UMask"]
        assert self.unit["StateDirectory"] == [Path(STATE).name]
        machine.state.mkdir(exist_ok=True)
        machine.state.chmod(int(mode, 8))
        for line in self.unit["LoadCredential"]:
            name, _, file = line.partition(":")
            machine.credentials.mkdir(exist_ok=True)
            (machine.credentials / name).unlink(missing_ok=True)
            (machine.credentials / name).write_bytes(Path(file).read_bytes())
            (machine.credentials / name).chmod(0o400)
        super().launch(umask=int(mask, 8), **options)


class FakeSystemctl(HttpServer):
    """A `systemctl` on the search path, which stops and starts instances.

    Args:
        folder: Gets the program.
        machine: Has the settings of the instances.
        instances: The instances, all of which the program can name.
    """

    def __init__(self, folder: Path, machine: Machine, *instances: UnitInstance) -> None:
        super().__init__(self.answer)
        self.machine = machine
        self.instances = instances
        self.commands: list[str] = []
        self.exit_codes: list[int] = []
        folder.mkdir()
        program = folder / "systemctl"
        program.write_text(f'#!/bin/sh\nexec curl -sf -o /dev/null --data "$*" {self.url}\n')
        program.chmod(0o755)
        find_or_install("curl")
        self.path = f"{folder}:/usr/local/bin:/usr/bin:/bin"

    def run(self, *arguments: str | Path, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run a program that uses it."""
        return subprocess.run(
            arguments,
            env={"PATH": self.path, **environ},
            capture_output=True,
            text=True,
            check=False,
        )

    def answer(self, exchange: Exchange) -> None:
        command = exchange.received.body.decode()
        self.commands.append(command)
        verb, *_, name = command.split()
        run: Mapping[str, Callable[[UnitInstance], bool]] = {
            "is-failed": lambda instance: instance.has_failed,
            "restart": self._restart,
            "start": self._start,
            "stop": self._stop,
        }
        (instance,) = (each for each in self.instances if each.name == name)
        # curl fails with 500, and the program with it.
        exchange.respond(200 if run[verb](instance) else 500)

    def _restart(self, instance: UnitInstance) -> bool:
        return self._stop(instance) and self._start(instance)

    def _start(self, instance: UnitInstance) -> bool:
        # Type=exec: it is not ready yet.
        instance.launch()
        return True

    def _stop(self, instance: UnitInstance) -> bool:
        self.exit_codes.append(instance.stop())
        return True
