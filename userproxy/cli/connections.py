"""``userproxy connections``: what is open in a running proxy, one by one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from userproxy.cli.columns import age, print_columns, size
from userproxy.cli.output import writing
from userproxy.cli.running import add_running_options, ask, print_document, refuse_unknown, service_name

__all__ = ["add_arguments", "print_connections", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_running_options(parser)


def run(options: argparse.Namespace) -> int:
    document = ask(options, "/v1/connections", "connections")
    if not document["connections"]:
        refuse_unknown(options, ask(options, "/v1/status", "services")["services"])
    if options.output in ("json", "yaml"):
        print_document(document, options.output)
        return 0
    namespace, name = service_name(options)
    rows = document["connections"]
    if not rows:
        where = f" in namespace {namespace}; -A tells of all" if namespace else ""
        print(f"userproxy: nothing is open{f' to {name}' if name else ''}{where}", file=sys.stderr)
        return 0
    with writing():
        print_connections(rows, wide=options.output == "wide", all_namespaces=not namespace)
    return 0


def print_connections(rows: Iterable[Mapping[str, Any]], *, wide: bool, all_namespaces: bool) -> None:
    headings = ["NAME", "PORT", "CLIENT", "ENDPOINT", "REACHED", "TO-ENDPOINT", "TO-CLIENT", "AGE", "STATE"]
    names = ["NAMESPACE"] if all_namespaces else []
    print_columns(
        [*names, *headings, *(["FAMILY"] if wide else [])],
        [[*([row["namespace"]] if names else []), *_cells(row, wide=wide)] for row in rows],
    )


def _cells(row: Mapping[str, Any], *, wide: bool) -> Iterator[str]:
    yield row["service"]
    yield f"{row['port_name']} {row['protocol']}" if row["port_name"] else row["protocol"]
    yield row["client"]
    yield row["endpoint"] or ""
    yield row["reached"] or ""
    yield size(row["bytes_to_endpoint"])
    yield size(row["bytes_to_client"])
    yield age(row["age_s"])
    yield row["state"]
    if wide:
        yield row["family"]
