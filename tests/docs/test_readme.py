"""What README shows is what the commands say, and its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.project import DOCS, ROOT
from userproxy.cli import COMMANDS

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
SET_UP = (
    "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/userproxy demo --seconds 20",
    "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/python -m pytest",
)
SHOWN = re.findall(r"^```\n\$ (userproxy (?:explain|check) .*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.partition("\n")[0])
def test_output_that_is_shown_is_what_the_command_says(shown: str) -> None:
    command, _, output = shown.partition("\nEND\n") if "<<'END'" in shown else shown.partition("\n")
    if "<<'END'" in shown:
        command += "\nEND\n"
    script = f'userproxy() {{ "{sys.executable}" -m userproxy "$@"; }}\n{command}'
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )
    assert done.stderr == ""
    assert done.stdout == output


def test_there_are_outputs() -> None:
    assert len(SHOWN) == 2


def test_the_set_up_commands_stand_there_word_for_word() -> None:
    for command in SET_UP:
        assert f"\n```\n{command}\n```\n" in README


def test_every_command_is_in_the_table() -> None:
    assert set(re.findall(r"^\| `userproxy (\w+)", README, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, heading = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_file(), target
        if heading:
            assert heading in _anchors(linked), target


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
