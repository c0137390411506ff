"""``userproxy env``: variables that name Services, as containers have them."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterable, Iterator

from userproxy.cli.output import print_json, writing
from userproxy.cli.served import add_served_options, is_planned, read_served, say_problems

__all__ = ["DEFAULT_NAMESPACES", "add_arguments", "run"]

DEFAULT_NAMESPACES = ("default",)
"""Whose Services have variables when no namespace is given: a container has those of its own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_served_options(parser)
    parser.add_argument(
        "-o", "--output", choices=["shell", "dotenv", "json"], default="shell",
        help="form of the output: lines for eval, lines for a .env file, or an object (default: shell)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    from userproxy.discovery.link_variables import link_variables

    served, complete = read_served(options)
    found = link_variables(served, options.namespaces or DEFAULT_NAMESPACES)
    say_problems(found.problems)
    if os.geteuid() and is_planned(options) and any(port.service_port < 1024 for port in served.ports):
        say_problems(["numbers are as stated; without root, run serves those below 1024 at others"])
    with writing():
        if options.output == "json":
            print_json(dict(found.variables))
        else:
            export = "export " if options.output == "shell" else ""
            for name, value in _sayable(found.variables):
                print(f"{export}{name}={shlex.quote(value)}")
    return 0 if complete else 1


def _sayable(variables: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Those that a shell can have."""
    for name, value in variables:
        if name.isidentifier():
            yield name, value
        else:
            say_problems([f"{name}: no shell has variables of such a name; -o json tells it"])
