"""What commands that serve share: their options, and what these choose."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from userproxy.cli.dialling import add_dial_options, add_half_close_option, way_through, with_dial_options
from userproxy.cli.dns import add_dns_options
from userproxy.cli.logs import add_log_options
from userproxy.cli.options import (
    add_address_options,
    add_cluster_domain_option,
    add_loop_option,
    add_source_options,
    file_source,
    is_file_source,
    kube_source,
    settings_of,
)

if TYPE_CHECKING:
    from userproxy.settings import Settings, UdpSettings
    from userproxy.sources.base import Source
    from userproxy.sources.kube.connection import Connection

__all__ = ["Serving", "add_serving_options", "serving_of"]


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served, and how."""

    source: Source
    settings: Settings
    way_through: Connection | None
    """To the API server that pods may have to be reached through."""
    half_close: str


def add_serving_options(parser: argparse.ArgumentParser) -> None:
    add_source_options(parser)
    add_address_options(parser)
    add_dial_options(parser)
    add_half_close_option(parser)
    add_dns_options(parser)
    add_cluster_domain_option(parser)
    add_log_options(parser)
    add_loop_option(parser)


def serving_of(options: argparse.Namespace, *, workers: int = 1, udp: UdpSettings | None = None) -> Serving:
    """What `add_serving_options` was told. Raises ConfigError for what cannot be used, or not together."""
    settings = with_dial_options(settings_of(options, options.node_name), options)
    settings = replace(settings, workers=workers, udp=udp or settings.udp)
    if is_file_source(options):
        return Serving(file_source(options), settings, way_through(None, settings), options.half_close)
    from userproxy.proxy import node_name_of

    source = kube_source(options, node_name_of(settings))
    return Serving(source, settings, way_through(source, settings), options.half_close)
