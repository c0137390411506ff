"""What the commands that tell of names say it of: what a proxy would serve from the given source."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from userproxy.cli.options import add_address_options, add_source_options, settings_of
from userproxy.cli.state import read_state
from userproxy.errors import ConfigError
from userproxy.settings import Addresses

if TYPE_CHECKING:
    from userproxy.discovery import Served

__all__ = ["add_served_options", "read_served", "say_problems"]


def add_served_options(parser: argparse.ArgumentParser) -> None:
    add_source_options(parser)
    add_address_options(parser)


def read_served(options: argparse.Namespace) -> tuple[Served, bool]:
    """What is served, and whether all of the source could be read.

    Raises ConfigError where addresses are known to a running proxy alone, WatchError as `read_state` does.
    """
    from userproxy.discovery import Served

    settings = settings_of(options, options.node_name)
    if settings.addresses is Addresses.EPHEMERAL:
        raise ConfigError("--addresses ephemeral: the kernel chooses numbers once a proxy runs")
    state, complete = read_state(options, settings)
    return Served.planned(state.routes.values(), state.services), complete


def say_problems(problems: Iterable[str]) -> None:
    for problem in problems:
        print(f"userproxy: {problem}", file=sys.stderr)
