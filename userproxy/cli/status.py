"""``userproxy status``: what a running proxy serves, and how it goes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from userproxy.cli.columns import counts, print_columns, size
from userproxy.cli.output import writing
from userproxy.cli.running import add_running_options, ask, print_document, refuse_unknown, service_name

__all__ = ["add_arguments", "print_status", "run"]

FAILURES = "ENLX"
"""Who ended it, where that is a failure (docs/close-reasons.md)."""

Row = Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_running_options(parser)


def run(options: argparse.Namespace) -> int:
    document = ask(options, "/v1/status", "services")
    namespace, name = service_name(options)
    rows = document["services"]
    refuse_unknown(options, rows)
    if options.output in ("json", "yaml"):
        print_document(document, options.output)
        return 0
    if not rows:
        where = f" in namespace {namespace}; -A tells of all" if namespace else ""
        print(f"userproxy: no Services{where}", file=sys.stderr)
        return 0
    with writing():
        print_status(rows, wide=options.output == "wide", all_namespaces=not namespace, one=bool(name))
    return 0


def print_status(rows: Iterable[Row], *, wide: bool, all_namespaces: bool, one: bool) -> None:
    """The Services, and below them their endpoints where it is about ``one`` or ``wide``."""
    headings = ["NAME", "PORT", "ADDRESS", "STATE", "ENDPOINTS", "OPEN", "TOTAL", "FAILURES"]
    if wide:
        headings += ["FAMILY", "HELD", "TO-ENDPOINT", "TO-CLIENT", "DROPPED"]
    headings.append("REASON")
    names = ["NAMESPACE"] if all_namespaces else []
    print_columns(
        [*names, *headings],
        [[*([row["namespace"]] if names else []), *_cells(row, wide=wide)] for row in rows],
    )
    endpoints = [(row, endpoint) for row in rows for endpoint in row["endpoints"]] if wide or one else []
    if endpoints:
        print()
        print_columns(
            [*names, "NAME", "PORT", "ENDPOINT", "STATE", "REACHED", "OPEN", "TOTAL", "TO-ENDPOINT",
             "TO-CLIENT", "DIAL", "DIAL-FAILURES", "REASON"],
            [[*([row["namespace"]] if names else []), *_endpoint_cells(row, one)] for row, one in endpoints],
        )  # fmt: skip


def _cells(row: Row, *, wide: bool) -> Iterator[str]:
    endpoints = row["endpoints"]
    usable = sum(1 for one in endpoints if one["usable"])
    yield row["service"]
    yield port_text(row)
    yield _address(row)
    yield row["state"]
    yield f"{usable}/{len(endpoints)}" if row["state"] != "ignored" else ""
    yield str(row["open"])
    yield str(row["accepted"])
    yield counts({state: count for state, count in row["ends"].items() if state[0] in FAILURES})
    if wide:
        yield row["family"] or ""
        yield str(row["held"])
        yield size(row["bytes_to_endpoint"])
        yield size(row["bytes_to_client"])
        yield counts(row["dropped"])
    yield row["reason"]


def _endpoint_cells(row: Row, endpoint: Row) -> Iterator[str]:
    yield row["service"]
    yield port_text(row)
    yield endpoint["endpoint"]
    yield endpoint["state"]
    yield endpoint["reached"] or ""
    yield str(endpoint["open"])
    yield str(endpoint["connections"])
    yield size(endpoint["bytes_to_endpoint"])
    yield size(endpoint["bytes_to_client"])
    yield f"{endpoint['dial_ms']:.3g}ms" if endpoint["dial_ms"] is not None else ""
    yield str(endpoint["dial_failures"])
    yield endpoint["reason"]


def port_text(row: Row) -> str:
    """``http 80/TCP``, as far as it has a name and a number."""
    if row["service_port"] is None:
        return ""
    number = f"{row['service_port']}/{row['protocol']}"
    return f"{row['port_name']} {number}" if row["port_name"] else number


def _address(row: Row) -> str:
    host, port = row["listen_address"], row["listen_port"]
    if not host or port is None:
        return ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
