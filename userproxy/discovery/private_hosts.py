"""A hosts file for one command alone: the system's, with the names of what is served at its end."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Self

from userproxy.discovery.host_names import HostsLines, hosts_lines
from userproxy.discovery.hosts_block import BrokenBlock, names_in, with_block, without_blocks
from userproxy.discovery.hosts_file import HostsFileError, write_in_place
from userproxy.discovery.run_mark import RunMark
from userproxy.discovery.served import Served

__all__ = ["SYSTEM_HOSTS", "PrivateHosts"]

SYSTEM_HOSTS = Path("/etc/hosts")


class PrivateHosts:
    """Owns a temporary file, which is written in place so that a mount of it follows."""

    def __init__(self, namespaces: tuple[str, ...], cluster_domain: str, system: Path = SYSTEM_HOSTS) -> None:
        """Raises HostsFileError when the system's file cannot be used."""
        self._namespaces = namespaces
        self._cluster_domain = cluster_domain
        self._mark = RunMark.own()
        try:
            # Blocks of other runs name the same Services, at addresses that may be another proxy's.
            self._base = without_blocks(system.read_bytes(), lambda _: True)
            self._taken = names_in(self._base)
        except BrokenBlock as error:
            raise HostsFileError(f"{system}: {error}: delete what is left of it") from error
        except OSError as error:
            raise HostsFileError(f"{system}: {error.strerror}") from error
        self._descriptor, self.path = tempfile.mkstemp(prefix="userproxy-hosts.")
        self._named = True
        os.fchmod(self._descriptor, 0o644)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unname()
        os.close(self._descriptor)

    def write(self, served: Served) -> HostsLines:
        """These are the names from now on."""
        found = hosts_lines(
            served, namespaces=self._namespaces, cluster_domain=self._cluster_domain, taken=self._taken
        )
        content = with_block(self._base, self._mark, map(str, found.lines))
        write_in_place(self._descriptor, content, keep=len(self._base) if self._written() else 0)
        return found

    def unname(self) -> None:
        """Once it is mounted it needs no name any more; whoever mounted it may have seen to that."""
        if self._named:
            self._named = False
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)

    def _written(self) -> bool:
        return os.fstat(self._descriptor).st_size > 0
