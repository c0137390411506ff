"""``userproxy exec``: a command with names, variables, signals, a terminal and its own exit code."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.command_line.process import LIMIT_S, Running, environment, running, userproxy
from tests.command_line.test_run import manifest, replace_file
from userproxy.discovery.mount_namespace import working_isolation
from userproxy.testing.backends.http import HttpBackend
from userproxy.testing.objects import endpoint_slice, service

NAME = f"exec-{os.getpid()}"
"""A Service of this run of the tests alone, so its loopback address is too."""
ISOLATED = not isinstance(working_isolation("/etc/hostname", "/etc/hosts"), OSError)
names_work = pytest.mark.skipif(not ISOLATED, reason="no mount namespace may be made here")
UNREACHABLE = ("--server", "http://127.0.0.1:1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m.yaml").write_text(manifest(service(NAME, 18440, namespace="shop")))
    return tmp_path


def run(folder: Path, *command: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return userproxy(folder, "exec", "-f", folder / "m.yaml", "-n", "shop", *options, "--", *command)


@contextlib.asynccontextmanager
async def started(folder: Path, *command: str, options: tuple[str, ...] = ()) -> AsyncIterator[Running]:
    """With its standard output to read, and its errors in a file."""
    source = options or ("-f", str(folder / "m.yaml"), "-n", "shop")
    async with running(folder, "exec", *source, "--", *command, table=False) as found:
        yield found


def system_hosts() -> bytes:
    return Path("/etc/hosts").read_bytes()


# Names and variables.


@names_work
async def test_curl_finds_the_service_by_name(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    async with HttpBackend("one") as backend:
        (tmp_path / "m.yaml").write_text(
            manifest(
                service(NAME, 18441, namespace="shop"),
                endpoint_slice(NAME, [backend.endpoint], namespace="shop"),
            )
        )
        async with started(
            tmp_path, "curl", "-sS", f"http://{NAME}.shop:18441", f"http://{NAME}:18441"
        ) as it:
            assert (await it.rest()).split() == ["one", "one"]
            assert await it.process.wait() == 0
            assert it.errors.read_text() == ""


@names_work
async def test_names_follow_while_the_command_runs_and_only_there(folder: Path) -> None:
    script = "until getent hosts new.shop; do sleep 0.02; done; getent hosts $0"
    before = system_hosts()
    async with started(folder, "sh", "-c", f"getent hosts $0; {script}", NAME) as it:
        assert f" {NAME}.shop " in await it.line()
        assert system_hosts() == before
        replace_file(folder / "m.yaml", manifest(service("new", 18440, namespace="shop")))
        assert " new.shop " in await it.line()
        assert await it.rest() == "", "what is gone has no name any more"
        assert await it.process.wait() == 2


@names_work
def test_the_user_and_the_rest_of_the_hosts_file_stay(folder: Path) -> None:
    done = run(folder, "sh", "-c", "id -u; id -g; cat /etc/hosts")
    user, group, hosts = done.stdout.split("\n", 2)
    assert (int(user), int(group)) == (os.geteuid(), os.getegid())
    assert hosts.startswith(Path("/etc/hosts").read_text())


def test_the_command_has_variables_beside_its_own(folder: Path) -> None:
    prefix = NAME.upper().replace("-", "_")
    done = run(folder, "sh", "-c", f"echo $HOME ${prefix}_PORT_18440_TCP_PORT ${prefix}_SERVICE_HOST")
    home, port, host = done.stdout.split()
    assert (home, port) == (str(folder), "18440")
    assert host.startswith("127.")


def test_a_port_that_is_not_at_its_number_is_said(folder: Path) -> None:
    done = run(folder, "env", options=("--addresses", "ephemeral"))
    said = [one for one in done.stderr.splitlines() if f": {NAME}.shop:18440 is at port " in one]
    assert len(said) == 1
    port = said[0].split()[-1]
    assert f"{NAME.upper().replace('-', '_')}_SERVICE_PORT={port}\n" in done.stdout


def test_without_a_mount_namespace_it_is_said_and_variables_are_there(folder: Path) -> None:
    program = (
        "import sys\n"
        "from userproxy.cli import main\n"
        "from userproxy.discovery import mount_namespace\n"
        "mount_namespace.working_isolation = lambda *_: PermissionError(1, 'Operation not permitted')\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "exec", "-f", str(folder / "m.yaml"), "-n", "shop", "--", "env"],
        capture_output=True, text=True, timeout=LIMIT_S, env=environment(folder), check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == (
        "userproxy: no mount namespace of its own here (Operation not permitted): the command has variables"
        " alone\n"
    )
    assert "_SERVICE_HOST=" in done.stdout


# Exit codes.


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("true",), 0),
        (("sh", "-c", "exit 7"), 7),
        (("sh", "-c", "kill -TERM $$"), 128 + 15),
        (("sh", "-c", "kill -KILL $$"), 128 + 9),
        (("no-such-command",), 127),
        (("./no-such-command",), 127),
        (("/",), 126),
    ],
)
def test_the_exit_code_is_the_commands(folder: Path, command: tuple[str, ...], code: int) -> None:
    done = run(folder, *command)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == (1 if code in (126, 127) else 0)


def test_options_of_the_command_are_its_own(folder: Path) -> None:
    assert run(folder, "echo", "-n", "--wait", "--", "x").stdout == "--wait -- x"
    done = userproxy(folder, "exec", "-f", folder / "m.yaml", "sh", "-c", "echo $0", "--help")
    assert done.stdout == "--help\n", "the two hyphens may be left out"


def test_no_command_is_wrong_usage(folder: Path) -> None:
    done = userproxy(folder, "exec", "-f", folder / "m.yaml", "--")
    assert done.returncode == 2
    assert done.stderr.startswith("userproxy exec: a command is missing")


def test_a_source_that_says_nothing_in_time_starts_nothing(folder: Path) -> None:
    done = userproxy(folder, "exec", *UNREACHABLE, "--wait", "0.2s", "--", "touch", folder / "started")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "userproxy: not all Services were known after 0.2 s (--wait)"
    assert not (folder / "started").exists()


# Signals and the terminal.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
async def test_a_signal_reaches_the_command(folder: Path, number: signal.Signals) -> None:
    script = f"trap 'echo got it; exit 3' {number.name[3:]}; echo ready; while :; do sleep 0.02; done"
    async with started(folder, "sh", "-c", script) as it:
        await it.line("ready")
        it.process.send_signal(number)
        assert await it.line() == "got it"
        assert await it.process.wait() == 3


async def test_a_signal_before_the_command_starts_ends_it(folder: Path) -> None:
    async with started(folder, "true", options=UNREACHABLE) as it:
        await it.error("watch_lost")
        assert await it.stop(signal.SIGTERM) == 128 + signal.SIGTERM


def test_nothing_is_left_of_one_that_is_killed_but_the_command(folder: Path) -> None:
    temporary = folder / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "userproxy", "exec", "-f", str(folder / "m.yaml"), "--",
         "sh", "-c", "echo ready; read line; echo $line"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(folder, TMPDIR=str(temporary)),
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert os.listdir(temporary) == [], "the mounted file has no name any more"
        process.kill()
        process.wait(LIMIT_S)
        process.stdin.write(b"still here\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"still here\n"


class Terminal:
    """A terminal that a session of its own has for its controlling one."""

    def __init__(self, home: Path, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        modes = termios.tcgetattr(theirs)
        # Else keys stand in the middle of what programs say, and the one that interrupts throws that away.
        modes[3] = modes[3] & ~termios.ECHO | termios.NOFLSH
        termios.tcsetattr(theirs, termios.TCSANOW, modes)
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(home)
        )
        os.close(theirs)
        self.shown = b""

    def read_until(self, wanted: bytes, times: int = 1) -> None:
        while self.shown.count(wanted) < times:
            self.shown += os.read(self._ours, 1000)

    def read_rest(self) -> None:
        with contextlib.suppress(OSError):  # EIO: nobody has the other side any more
            while more := os.read(self._ours, 1000):
                self.shown += more

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.mark.skipif(shutil.which("setsid") is None, reason="no setsid here")
class TestTerminal:
    def test_the_key_that_interrupts_reaches_the_command_once(self, folder: Path) -> None:
        """The terminal sends it to the whole group: the command must not get it twice."""
        program = (
            "import signal, sys\n"
            "waited_for = {signal.SIGINT, signal.SIGUSR1}\n"
            "signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)\n"
            "print('ready', flush=True)\n"
            "while (found := signal.sigwaitinfo(waited_for)).si_signo == signal.SIGINT:\n"
            "    print('interrupted by', found.si_pid, flush=True)\n"
            "sys.exit(5)"
        )
        with contextlib.closing(
            Terminal(
                folder, sys.executable, "-m", "userproxy", "exec", "-f", str(folder / "m.yaml"), "--",
                sys.executable, "-c", program,
            )
        ) as terminal:  # fmt: skip
            terminal.read_until(b"ready\r\n")
            for lines in range(2, 7):
                terminal.type(b"\x03")
                terminal.read_until(b"\r\n", times=lines)
            terminal.process.send_signal(signal.SIGUSR1)
            assert terminal.process.wait(LIMIT_S) == 5
            terminal.read_rest()
            assert terminal.shown.count(b"interrupted") == terminal.shown.count(b"by 0\r\n") == 5

    def test_a_command_that_dies_with_the_terminal_gives_it_back(self, folder: Path) -> None:
        """As a shell does, it makes itself the foreground group; killed, it cannot undo that."""
        program = (
            "import os, signal\n"
            "os.setpgid(0, 0)\n"
            "signal.signal(signal.SIGTTOU, signal.SIG_IGN)\n"
            "os.tcsetpgrp(0, os.getpgrp())\n"
            "os.kill(0, signal.SIGKILL)"
        )
        check = "import os; print('foreground' if os.tcgetpgrp(0) == os.getpgrp() else 'background')"
        script = f'$0 -m userproxy exec -f {folder / "m.yaml"} -- $0 -c "$1"; echo code $?; $0 -c "$2"'
        words = ("sh", "-c", script, sys.executable, program, check)
        with contextlib.closing(Terminal(folder, *words)) as terminal:
            terminal.read_until(b"ground")
            assert b"code 137\r\nforeground" in terminal.shown
