"""docs/load.md: its examples have the shape of what the command says now, and its tables are complete."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.load_agreement.mode import render
from benchmarks.load_agreement.run import Measurement
from benchmarks.load_agreement.servers import Truth
from benchmarks.load_agreement.tools import Said
from tests.docs.project import DOCS, ROOT, table_rows
from userproxy.errors import ConfigError
from userproxy.load.conditions import parse_condition
from userproxy.load.targets import parse_target
from userproxy.testing.backends import HttpBackend, UdpEcho

PAGE = DOCS / "load.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```\n\$ userproxy (load [^\n]*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
LIMIT_S = 60.0
EVENTS = ("service_changed", "route_changed")


def shape(output: str) -> Iterator[str]:
    """Its lines without figures; what a busy machine says otherwise is left open, rows of a table are one."""
    previous = ""
    for line in output.splitlines():
        made = re.sub(r"[0-9][0-9.:]*( (ns|us|ms|s)\b)?", "N", line.rstrip("# "))
        made = re.sub(r" +", " ", made)
        for start in ("late", "limit:"):
            made = start if made.startswith(start) else made
        if made.startswith(" N N N"):
            made = "second of the time line"
        if made != previous and not made.lstrip().startswith(EVENTS):
            yield made
        previous = made


async def said(arguments: list[str], backend: HttpBackend | UdpEcho, log: Path) -> str:
    """The output of the command; ``log`` gets two events once it has begun."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "userproxy", *arguments, stdout=asyncio.subprocess.PIPE, cwd=log.parent
    )
    assert process.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        while not (backend.requests if isinstance(backend, HttpBackend) else backend.datagrams):
            await asyncio.sleep(0.01)
        write_events(log)
        output = await process.stdout.read()
        assert await process.wait() == 0
    return output.decode()


def write_events(log: Path) -> None:
    now = datetime.now(UTC).isoformat()
    log.write_text("".join(f'{{"time":"{now}","event":"{event}"}}\n' for event in EVENTS))


@pytest.mark.parametrize(("command", "output"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
async def test_an_example_has_the_shape_of_what_is_said(command: str, output: str, tmp_path: Path) -> None:
    async with HttpBackend("one") as one, UdpEcho() as echo:
        words = command.split()
        target = parse_target(words[1])
        backend = echo if target.scheme == "udp" else one
        url = words[1].replace(f"{target.host}:{target.port}", backend.endpoint)
        options = ["2s" if before == "-d" else word for before, word in pairwise(words[1:])]
        found = await said(["load", url, *options], backend, tmp_path / "proxy.log")
    shown = output.replace(f"{target.host}:{target.port}", backend.endpoint)
    # The backend of the test is alone.
    assert list(shape(found)) == [line for line in shape(shown) if line != " N two"]
    if "--events" in command:
        assert all(event in found and event in output for event in EVENTS)


def test_figures_are_those_of_the_committed_run() -> None:
    path = ROOT / "benchmarks" / "results" / "load-agreement.json"
    run = json.loads(path.read_text(encoding="utf-8"))
    measurements = [
        Measurement(
            row["round"],
            row["case"],
            row["tool"],
            Said(**row["said"]),
            Truth(**row["truth"]) if row["truth"] else None,
        )
        for row in run["measurements"]
    ]
    assert f"\n```\n$ {run['command']}\n{render(measurements)}\n```\n" in TEXT
    machine = run["machine"]
    stated = " ".join(TEXT.split())
    assert (
        f"{machine['cores']} cores of an {machine['cpu']}, {machine['kernel']}, {machine['python']}" in stated
    )


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 2


def test_every_measure_of_the_page_is_one() -> None:
    rows = table_rows(PAGE, section="## Conditions and exit codes")
    measures = [name for row in rows if "`" in row[0] for name in re.findall(r"`([a-z0-9_.]+)`", row[0])]
    assert len(measures) >= 15
    for measure in measures:
        for value in ("1ms", "1"):
            try:
                parse_condition(f"{measure}>{value}", "--fail-if")
                break
            except ConfigError:
                continue
        else:
            pytest.fail(f"{measure} is no measure")
