"""What the testing tools load, and that the pure rooms of the API server stay pure."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import userproxy.testing.api_server

ROOMS = Path(userproxy.testing.api_server.__file__).parent
IMPURE = {"aiohttp", "asyncio", "os", "socket", "ssl", "sys", "threading", "time"}


@pytest.mark.parametrize(
    "modules",
    [
        "userproxy.testing",
        "userproxy.testing.objects",
        "userproxy.testing.backends",
        "userproxy.cli.apiserver",
    ],
)
def test_aiohttp_is_loaded_only_with_the_api_server(modules: str) -> None:
    program = f"import sys, {modules}; sys.exit(bool({{'aiohttp', 'yaml', 'rich'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode == 0


def test_the_testing_package_gives_the_api_server_and_nothing_unknown() -> None:
    assert userproxy.testing.ApiServer is userproxy.testing.api_server.ApiServer
    with pytest.raises(AttributeError, match="ApiSever"):
        getattr(userproxy.testing, "ApiSever")  # noqa: B009 - mypy would refuse it otherwise


def imported(path: Path) -> Iterator[str]:
    """First names of all modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("room", ["schema", "storage", "reading", "presentation"])
def test_a_pure_room_knows_no_input_output_clock_or_loop(room: str) -> None:
    files = sorted((ROOMS / room).glob("*.py"))
    assert len(files) > 2
    assert {(path.name, name) for path in files for name in imported(path) if name in IMPURE} == set()
