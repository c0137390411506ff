"""``userproxy check``: every problem of manifests, without opening anything."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from userproxy.cli.options import add_address_options, add_file_option, announce_input, settings_of
from userproxy.cli.output import writing

__all__ = ["add_arguments", "run"]

WILDCARD_NOTE = "another socket of this host listens on every address at port {port} (rule L7)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_file_option(parser, required=True)
    add_address_options(parser)


def run(options: argparse.Namespace) -> int:
    from userproxy.dataplane.wildcards import wildcard_ports
    from userproxy.proxy import address_plan
    from userproxy.routing import State
    from userproxy.sources.files import load

    announce_input(options.files)
    loaded = load(options.files)
    state = State(node_name="", addresses=address_plan(settings_of(options)))
    for event in loaded.events:
        state.fold(event)
    while state.take().more:
        pass
    taken = wildcard_ports()
    with writing():
        for problem in state.problems:
            print(f"{problem.severity}: {problem}")
        for key, route in sorted(state.routes.items()):
            if (key.name.protocol, route.listen_port) in taken:
                print(f"note: {key}: {WILDCARD_NOTE.format(port=route.listen_port)}")
        print(_summary(len(state.services), len(state.problems), loaded.skipped))
    return 1 if state.problems or not loaded.readable else 0


def _summary(services: int, problems: int, skipped: Mapping[str, int]) -> str:
    parts = [_counted(services, "Service"), _counted(problems, "problem")]
    if skipped:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(skipped.items()))
        parts.append(f"skipped, as userproxy does not read them: {kinds}")
    return "; ".join(parts)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
