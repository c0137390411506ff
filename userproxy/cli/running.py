"""What commands share that read a running proxy: which one, which Services, in which form."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from userproxy.cli.options import add_pid_option
from userproxy.cli.output import print_json, writing

__all__ = ["add_running_options", "ask", "print_document", "refuse_unknown", "service_name"]

DEFAULT_NAMESPACE = "default"


def add_running_options(parser: argparse.ArgumentParser) -> None:
    """Named as kubectl's."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a Service: NAME or NAMESPACE/NAME")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="those of all namespaces")
    parser.add_argument("-n", "--namespace", metavar="NS", help="those of this namespace (default: default)")
    parser.add_argument(
        "-o", "--output", choices=["table", "wide", "json", "yaml"], default="table",
        help="form of the output (default: table)",
    )  # fmt: skip
    add_pid_option(parser)


def service_name(options: argparse.Namespace) -> tuple[str, str]:
    """Namespace and name of what is asked for; "": any. Raises ConfigError when two namespaces are named."""
    from userproxy.errors import ConfigError

    stated, _, name = (options.name or "").rpartition("/")
    if stated and (options.all_namespaces or options.namespace not in (None, stated)):
        other = "-A" if options.all_namespaces else f"-n {options.namespace}"
        raise ConfigError(f"{options.name} names its namespace; leave {other} out")
    if options.all_namespaces:
        return "", name
    return stated or options.namespace or DEFAULT_NAMESPACE, name


def refuse_unknown(options: argparse.Namespace, services: Sequence[object]) -> None:
    """Raises UserproxyError when a Service was named and the proxy told of no ``services``."""
    from userproxy.errors import UserproxyError

    namespace, name = service_name(options)
    if name and not services:
        raise UserproxyError(f"there is no Service {namespace}/{name}" if namespace else f"no Service {name}")


def ask(options: argparse.Namespace, path: str, rows: str) -> dict[str, Any]:
    """What the proxy says of the Services that are asked for; ``rows`` is the list that must be in it.

    Raises AdminError, ConfigError; also for an answer of an unknown form.
    """
    from userproxy.admin.client import find_proxy
    from userproxy.errors import AdminError

    namespace, name = service_name(options)
    running = find_proxy(options.pid)
    document = running.ask(path, **{k: v for k, v in (("namespace", namespace), ("service", name)) if v})
    if not isinstance(document, dict) or not isinstance(document.get(rows), list):
        raise AdminError(f"process {running.pid}: its answer has no {rows}: is it of another version?")
    return document


def print_document(document: dict[str, Any], form: str) -> None:
    """As JSON or YAML, whole."""
    with writing():
        if form == "json":
            print_json(document)
        else:
            import yaml

            yaml.dump(document, sys.stdout, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
