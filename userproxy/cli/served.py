"""What the commands that tell of names say it of: a running proxy, or what one would serve."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from userproxy.cli.options import (
    add_address_options,
    add_pid_option,
    add_source_options,
    settings_of,
)
from userproxy.cli.state import read_state
from userproxy.errors import ConfigError
from userproxy.settings import Addresses

if TYPE_CHECKING:
    from userproxy.discovery import Served

__all__ = ["add_served_options", "is_planned", "read_served", "say_problems"]


_SOURCE_OPTIONS = ("files", "kubeconfig", "context", "server")
_PLAN_OPTIONS = {
    "selector": "-l", "node_name": "--node-name", "addresses": "--addresses", "ranges": "--loopback-range",
}  # fmt: skip
"""They change what would be served, and mean nothing to a proxy that runs."""


def add_served_options(parser: argparse.ArgumentParser) -> None:
    add_pid_option(parser)
    add_source_options(parser)
    add_address_options(parser)


def is_planned(options: argparse.Namespace) -> bool:
    """Whether a source is named, so that it is told what would be served from it.

    Raises ConfigError when a running proxy is named as well, or an option is given that only a source
    needs.
    """
    named = any(getattr(options, name) for name in _SOURCE_OPTIONS)
    if named and options.pid is not None:
        raise ConfigError("--pid names a running proxy, and the other options a source: one of them")
    for name, option in _PLAN_OPTIONS.items():
        if not named and getattr(options, name):
            raise ConfigError(f"{option} is for a source (-f, --kubeconfig, --context, --server)")
    return named


def read_served(options: argparse.Namespace) -> tuple[Served, bool]:
    """What a running proxy serves, or one would serve from the source that is named.

    And whether all of that source could be read. Raises ConfigError where a source is not enough, or it is
    not clear which proxy is meant, AdminError when none can be asked, WatchError as `read_state` does.
    """
    from userproxy.discovery import Served

    if not is_planned(options):
        return _running(options.pid), True
    settings = settings_of(options, options.node_name)
    if settings.addresses is Addresses.EPHEMERAL:
        raise ConfigError("--addresses ephemeral: the kernel chooses numbers once a proxy runs; ask that one")
    state, complete = read_state(options, settings)
    return Served.planned(state.routes.values(), state.services), complete


def _running(pid: int | None) -> Served:
    from userproxy.admin.client import find_proxy

    return find_proxy(pid).served()


def say_problems(problems: Iterable[str]) -> None:
    for problem in problems:
        print(f"userproxy: {problem}", file=sys.stderr)
