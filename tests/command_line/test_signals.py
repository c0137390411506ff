"""``userproxy run`` and signals: reload, stop with what is open, stop at once, and the first moments."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line.process import LIMIT_S, WEB, Row, environment, running
from tests.command_line.test_run import manifest, web_on
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import service

WITHOUT_TIME_STAMPS = """
import sys
import userproxy.sources.disk as disk
disk._stamp = lambda status: (status.st_ino,)
disk._TRUSTED_AGE_NS = -1
from userproxy.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.mark.proxied
async def test_sighup_reads_files_again_and_standard_input_not(tmp_path: Path) -> None:
    """On a file system where nothing else tells of a change."""
    file, program = tmp_path / "m.yaml", tmp_path / "blind.py"
    file.write_text(manifest(service("before", 80)))
    program.write_text(WITHOUT_TIME_STAMPS)
    script = f'exec "{sys.executable}" "{program}" run -f - -f "{file}" --addresses ephemeral "$@"'
    async with running(tmp_path, script, "sh", shell=True) as run:
        assert run.process.stdin is not None
        run.process.stdin.write(manifest(service("piped", 80)).encode())
        run.process.stdin.close()
        await run.rows(lambda rows: _services(rows) == ["before", "piped"])
        file.write_text(manifest(service("behind", 80)))
        run.process.send_signal(signal.SIGHUP)
        await run.rows(lambda rows: _services(rows) == ["behind", "piped"])
        assert await run.stop() == 0


def _services(rows: list[Row]) -> list[object]:
    return [row["service"] for row in rows]


SIGNALLED = """
import os, signal, sys
import userproxy.cli.{module} as module
usual = module.{function}
def signalled(*arguments):
    os.kill(os.getpid(), signal.{number})
    return usual(*arguments)
module.{function} = signalled
from userproxy.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("module", "function", "number", "code", "says"),
    [
        pytest.param("parser", "parse", "SIGINT", 130, "", id="Ctrl-C while arguments are parsed"),
        pytest.param("serving", "settings_of", "SIGINT", 130, "", id="Ctrl-C before there is a loop"),
        pytest.param("serving", "settings_of", "SIGHUP", 2, "missing.yaml", id="SIGHUP is no end"),
    ],
)
def test_a_signal_in_the_first_moments(
    tmp_path: Path, module: str, function: str, number: str, code: int, says: str
) -> None:
    script = SIGNALLED.format(module=module, function=function, number=number)
    done = subprocess.run(
        [sys.executable, "-c", script, "run", "-f", str(tmp_path / "missing.yaml")],
        capture_output=True, text=True, timeout=LIMIT_S, env=environment(tmp_path), check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


INTERRUPTED = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r} and self in sys.meta_path:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from userproxy.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "module",
    ["userproxy.errors", "userproxy.settings", "userproxy.cli.output", "userproxy.cli.run", "argparse"],
)
def test_ctrl_c_while_modules_are_loaded_is_quiet(tmp_path: Path, module: str) -> None:
    script = INTERRUPTED.format(module=module)
    done = subprocess.run(
        [sys.executable, "-c", script, "run", "-f", str(tmp_path / "missing.yaml")],
        capture_output=True, text=True, timeout=LIMIT_S, env=environment(tmp_path), check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.proxied
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.spec("L6")
async def test_a_signal_lets_open_connections_end_by_themselves(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with TcpEcho() as echo:
        (tmp_path / "m.yaml").write_text(web_on(18403, echo.endpoint))
        async with running(tmp_path, "run", "-f", tmp_path / "m.yaml") as run:
            address = await run.address(WEB)
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"before ")
            assert await reader.readexactly(7) == b"before "
            run.process.send_signal(number)
            while True:
                try:
                    _, probe = await asyncio.open_connection(*address)
                    probe.close()
                except (ConnectionRefusedError, ConnectionResetError):  # shut down, or in that instant
                    break
            writer.write(b"after")
            assert await reader.readexactly(5) == b"after"
            writer.close()
            assert await run.process.wait() == 0
            # The probes that were still queued count too.
            assert re.search(r"stopped: \d+ connections and flows over\n", await run.rest())


@pytest.mark.proxied
async def test_the_drain_timeout_cuts_what_is_left_and_says_so(tmp_path: Path) -> None:
    async with TcpEcho() as echo:
        (tmp_path / "m.yaml").write_text(web_on(18404, echo.endpoint))
        async with running(tmp_path, "run", "-f", tmp_path / "m.yaml", "--drain-timeout", "50ms") as run:
            reader, writer = await asyncio.open_connection(*await run.address(WEB))
            writer.write(b"x")
            await reader.readexactly(1)
            assert await run.stop() == 0
            assert "1 cut at the limit of 0.05 s" in await run.rest()
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()


@pytest.mark.proxied
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    async with TcpEcho() as echo:
        (tmp_path / "m.yaml").write_text(web_on(18405, echo.endpoint))
        async with running(tmp_path, "run", "-f", tmp_path / "m.yaml", "-v") as run:
            address = await run.address(WEB)
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"x")
            await reader.readexactly(1)
            run.process.send_signal(number)
            await _refused(address)
            assert await run.stop(number) == 128 + number
            writer.close()


async def _refused(address: tuple[str, int]) -> None:
    while True:
        try:
            _, probe = await asyncio.open_connection(*address)
        except (ConnectionRefusedError, ConnectionResetError):  # shut down, or in that instant
            return
        probe.close()
