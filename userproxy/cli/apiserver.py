"""``userproxy apiserver``: the test API server as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from userproxy.cli.options import announce_input
from userproxy.cli.output import writing
from userproxy.cli.whole_numbers import whole_number
from userproxy.errors import ConfigError, UserproxyError

if TYPE_CHECKING:
    from userproxy.testing import ApiServer

__all__ = ["add_arguments", "run"]

_VERSION = re.compile(r"v?\d{1,3}\.\d{1,3}(\.\d{1,3})?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.description = (
        "A small Kubernetes API server for trying things out: Services, EndpointSlices, Endpoints,"
        " Namespaces, Nodes and Pods, for kubectl and any other client. Objects live in memory. A Pod is"
        " forwarded to what its annotations name: backend.userproxy.dev/8080: 127.0.0.1:9001 stands for its"
        " port 8080. Nobody is asked for credentials, so listen where only you can connect."
    )
    parser.add_argument(
        "--listen",
        default="127.0.0.1:0",
        metavar="HOST:PORT",
        help="where to listen; with port 0 the kernel chooses (default: %(default)s); the address is printed",
    )
    parser.add_argument(
        "--write-kubeconfig",
        metavar="FILE",
        help="write a kubeconfig for it, in place of what is there; the file stays when the server ends",
    )
    parser.add_argument(
        "-f",
        "--filename",
        action="append",
        default=[],
        metavar="PATH",
        help="apply the objects of a file, of a folder or of standard input (-) at start; may be repeated",
    )
    parser.add_argument(
        "--kubernetes-version",
        default="1.32",
        metavar="VERSION",
        help="what /version answers, by which some kubectl builds choose their own (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; gives 0.

    Raises ConfigError for wrong usage, and UserproxyError when the address is taken, a file cannot be read or
    written, or an object is refused; nothing is served then.
    """
    host, port = _host_and_port(args.listen)
    version = _version(args.kubernetes_version)
    try:
        asyncio.run(_serve(host, port, version, args.filename, args.write_kubeconfig))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise UserproxyError(f"{where}{error.strerror or error}") from error
    return 0


async def _serve(host: str, port: int, version: str, paths: list[str], kubeconfig: str | None) -> None:
    # Not at the top: --help shall not load aiohttp.
    from userproxy.testing import ApiServer

    # Versions of a restarted server are larger than those that clients remember: they meet 410, and list.
    server = ApiServer(kubernetes_version=version, first_resource_version=time.time_ns() // 1_000_000)
    if paths:
        announce_input(paths)
        await _apply(server, paths)
    # Not before: reading standard input can be interrupted as ever.
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    try:
        await server.start(host, port)
    except OSError as error:
        raise UserproxyError(f"cannot listen on {host}:{port}: {_why(error)}") from error
    try:
        if kubeconfig is not None:
            server.kubeconfig(Path(kubeconfig))
        with writing():
            print(f"listening on {server.url}")
        await over.wait()
    finally:
        await server.stop()


async def _apply(server: ApiServer, paths: list[str]) -> None:
    """Apply what files hold. Raises UserproxyError that names file, document, object and field."""
    from userproxy.testing.api_server import StatusError
    from userproxy.testing.api_server.manifests import read_manifests

    for manifest in read_manifests(paths):
        try:
            await server.apply(manifest.raw)
        except StatusError as error:
            raise UserproxyError(f"{manifest.origin}: {error}") from error


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, number = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    port = whole_number(number, 0, 65535)
    if not host or port is None:
        raise ConfigError(f"--listen {text!r}: must be HOST:PORT, with a port from 0 to 65535")
    return host, port


def _version(text: str) -> str:
    if not _VERSION.fullmatch(text):
        raise ConfigError(f"--kubernetes-version {text!r}: must be like 1.32 or 1.32.4")
    return text


def _why(error: OSError) -> str:
    # asyncio words a message of its own around the kernel's; a host name that is not found has no errno.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
