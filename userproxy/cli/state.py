"""What a source holds, read once: for commands that tell of Services and serve nothing."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from userproxy.cli.options import announce_input, is_file_source, kube_source

if TYPE_CHECKING:
    from userproxy.routing import State
    from userproxy.settings import Settings

__all__ = ["read_state"]

LIST_TIMEOUT_S = 10.0


def read_state(options: argparse.Namespace, settings: Settings) -> tuple[State, bool]:
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
        source = kube_source(options, node_name, exclude_foreign=False)
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
