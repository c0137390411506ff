"""``userproxy explain``: why traffic goes where it goes, from the same objects that ``run`` would serve."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import TYPE_CHECKING

from userproxy.cli.options import (
    add_address_options,
    add_source_options,
    announce_input,
    is_file_source,
    kube_source,
    settings_of,
)
from userproxy.cli.output import writing
from userproxy.errors import UserproxyError

if TYPE_CHECKING:
    from userproxy.model.names import NamespacedName
    from userproxy.routing import State
    from userproxy.settings import Settings

__all__ = ["add_arguments", "run"]

LIST_TIMEOUT_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a Service: NAME or NAMESPACE/NAME (default: all)"
    )
    add_source_options(parser)
    add_address_options(parser)
    parser.add_argument(
        "-o", "--output", choices=["text", "json"], default="text", help="form of the output (default: text)"
    )


def run(options: argparse.Namespace) -> int:
    from userproxy.explain import explain, notes, render

    state, complete = _state(options, settings_of(options, options.node_name))
    name = _name(options)
    if name is not None and name not in state.services:
        raise UserproxyError(f"there is no Service {name}")
    rows = explain(state, name)
    with writing():
        if options.output == "json":
            import orjson

            form = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
            sys.stdout.buffer.write(orjson.dumps([row.as_json() for row in rows], option=form))
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


def _state(options: argparse.Namespace, settings: Settings) -> tuple[State, bool]:
    """All objects folded, and whether all of them could be read. Raises WatchError after 10 s."""
    from userproxy.proxy import address_plan, node_name_of, reach_policy
    from userproxy.routing import State

    node_name = node_name_of(settings)
    from_files = is_file_source(options)
    complete, remote = True, False
    if from_files:
        from userproxy.sources.files import load

        announce_input(options.files)
        loaded = load(options.files, namespaces=options.namespaces, selector=options.selector)
        events, complete = loaded.events, loaded.readable
    else:
        source = kube_source(options, node_name, exclude_headless=False)
        events, remote = asyncio.run(source.list_all(LIST_TIMEOUT_S)), source.remote
    state = State(
        node_name=node_name,
        addresses=address_plan(settings),
        cluster_ip_required=not from_files,
        reach=reach_policy(settings, remote=remote),
    )
    for event in events:
        state.fold(event)
    while state.take().more:
        pass
    return state, complete
