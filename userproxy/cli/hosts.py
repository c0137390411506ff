"""``userproxy hosts``: lines for a hosts file."""

from __future__ import annotations

import argparse

from userproxy.cli.options import add_cluster_domain_option
from userproxy.cli.output import writing
from userproxy.cli.served import add_served_options, read_served, say_problems

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_served_options(parser)
    add_cluster_domain_option(parser)


def run(options: argparse.Namespace) -> int:
    from userproxy.discovery.host_names import hosts_lines

    served, complete = read_served(options)
    found = hosts_lines(served, namespaces=options.namespaces, cluster_domain=options.cluster_domain)
    say_problems((*found.problems, *found.notes))
    with writing():
        for line in found.lines:
            print(line)
    return 0 if complete else 1
