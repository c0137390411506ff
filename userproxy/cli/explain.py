"""``userproxy explain``: why traffic goes where it goes, from the same objects that ``run`` would serve."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from userproxy.cli.dialling import add_dial_options, with_dial_options
from userproxy.cli.options import add_address_options, add_source_options, settings_of
from userproxy.cli.output import print_json, writing
from userproxy.cli.state import read_state
from userproxy.errors import UserproxyError

if TYPE_CHECKING:
    from userproxy.model.names import NamespacedName

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a Service: NAME or NAMESPACE/NAME (default: all)"
    )
    add_source_options(parser)
    add_address_options(parser)
    add_dial_options(parser)
    parser.add_argument(
        "-o", "--output", choices=["text", "json"], default="text", help="form of the output (default: text)"
    )


def run(options: argparse.Namespace) -> int:
    from userproxy.explain import explain, notes, render

    state, complete = read_state(options, with_dial_options(settings_of(options, options.node_name), options))
    name = _name(options)
    rows = explain(state, name)
    if name is not None and not rows:
        raise UserproxyError(f"there is no Service {name}")
    with writing():
        if options.output == "json":
            print_json([row.as_json() for row in rows])
        else:
            colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
            said = notes(state)
            print(
                render(rows, colour=colour, notes=said if name is None else {name: said.get(name, ())}),
                end="",
            )
    return 0 if complete else 1


def _name(options: argparse.Namespace) -> NamespacedName | None:
    from userproxy.model.names import NamespacedName

    if options.name is None:
        return None
    namespace, _, service = options.name.rpartition("/")
    only = options.namespaces[0] if len(options.namespaces) == 1 else "default"
    return NamespacedName(namespace or only, service)
