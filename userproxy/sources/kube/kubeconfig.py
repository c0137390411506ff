"""Kubeconfig files: reading them, merging them, and choosing a context.

In: paths. Out: a `Kubeconfig`, whose `Kubeconfig.target` gives the one cluster and user that a context
names, as values. Only that cluster and user are looked at, so that what is wrong with another entry
concerns nobody. The raw text and its secrets are gone once the target is out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from userproxy.errors import CredentialsError
from userproxy.sources.kube.file_value import FileValue, read_bytes
from userproxy.sources.kube.kubeconfig_entries import decode_cluster, decode_user
from userproxy.sources.kube.kubeconfig_fields import Fields
from userproxy.sources.kube.target import Target, User

__all__ = ["EmptyKubeconfig", "Kubeconfig", "KubeconfigTarget", "read_kubeconfig"]

_MAX_BYTES = 8 << 20
_LOADER: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class EmptyKubeconfig(CredentialsError):
    """The files state nothing at all: to kubectl as good as no files."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One named cluster, user or context, not yet looked into, and the file that states it."""

    file: Path
    fields: Fields


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """One kubeconfig, of one file or merged from several."""

    files: tuple[Path, ...]
    current_context: str = ""
    clusters: Mapping[str, Entry] = field(default_factory=dict)
    users: Mapping[str, Entry] = field(default_factory=dict)
    contexts: Mapping[str, Entry] = field(default_factory=dict)

    def target(self, context: str = "") -> Target:
        """The cluster and user of ``context``; "": of current-context.

        Raises CredentialsError when there is no such context, when it names a cluster or user that is
        not there, or when those cannot be used; EmptyKubeconfig when nothing is stated at all.
        """
        chosen = self._context(context or self.current_context)
        cluster = self._named_by(chosen, "cluster", self.clusters)
        user = self._named_by(chosen, "user", self.users)
        if cluster is None:
            raise CredentialsError(f"{chosen.where}: names no cluster")
        nobody = User(f"no user in {chosen.where}")
        return Target(
            origin=chosen.where,
            cluster=decode_cluster(cluster.fields, cluster.file.parent),
            user=nobody if user is None else decode_user(user.fields, user.file.parent),
            namespace=chosen.text("namespace") or "default",
        )

    def _context(self, name: str) -> Fields:
        entry = self.contexts.get(name)
        if entry is not None:
            return entry.fields
        what = f"has no context {name!r}" if name else "has no current-context, give --context"
        message = (
            f"kubeconfig {self._files()}: {what}; contexts: {', '.join(sorted(self.contexts)) or 'none'}"
        )
        if self.clusters or self.users or self.contexts or self.current_context:
            raise CredentialsError(message)
        raise EmptyKubeconfig(message)

    def _named_by(self, context: Fields, kind: str, entries: Mapping[str, Entry]) -> Entry | None:
        """The entry that field ``kind`` of ``context`` names; None when it names none."""
        name = context.text(kind)
        if not name:
            return None
        if name not in entries:
            raise context.wrong(kind, f"{kind} {name!r} is not in {self._files()}")
        return entries[name]

    def _files(self) -> str:
        return ":".join(str(file) for file in self.files)


class KubeconfigTarget:
    """The target of a context of kubeconfig ``files``, read again when a file changed.

    The context that was chosen at first stays, also when somebody moves current-context meanwhile: a
    running proxy never wanders to another cluster.
    """

    def __init__(self, files: Iterable[Path], context: str = "") -> None:
        self._files = tuple(file.absolute() for file in files)
        self._context = context
        self._target = FileValue(self._files, self._read)

    def __call__(self, *, again: bool = False) -> Target:
        """The target; with ``again`` the files are read although they look unchanged.

        Raises CredentialsError when a file, the context, or what it names cannot be used.
        """
        return self._target.get(again=again, keep=False)

    def _read(self) -> Target:
        config = read_kubeconfig(self._files)
        target = config.target(self._context)
        self._context = self._context or config.current_context
        return target


def read_kubeconfig(files: Iterable[Path]) -> Kubeconfig:
    """Read and merge ``files`` as kubectl does.

    The first file that states a name keeps it whole: nothing of a later entry of that name is added.
    The first that has a current-context sets it. Files that do not exist are left out. Raises
    CredentialsError when none exists, or one cannot be read.
    """
    paths = tuple(files)
    read = [_read(path) for path in paths if not _is_missing(path)]
    if not read:
        named = ", ".join(str(path) for path in paths)
        raise CredentialsError(f"kubeconfig {named}: no such file" if paths else "no kubeconfig is named")
    return Kubeconfig(
        files=paths,
        current_context=next((one.current_context for one in read if one.current_context), ""),
        clusters=_first_wins(one.clusters for one in read),
        users=_first_wins(one.users for one in read),
        contexts=_first_wins(one.contexts for one in read),
    )


def _is_missing(path: Path) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # it is there; reading it will say what is wrong
    return False


def _first_wins(maps: Iterable[Mapping[str, Entry]]) -> Mapping[str, Entry]:
    merged: dict[str, Entry] = {}
    for entries in maps:
        merged = {**entries, **merged}
    return merged


def _read(path: Path) -> Kubeconfig:
    """One file. Its paths are relative to its folder."""
    fields = Fields(_parse(path), f"kubeconfig {path}")
    if fields.text("kind") not in ("", "Config") or fields.text("apiVersion") not in ("", "v1"):
        raise CredentialsError(f"kubeconfig {path}: must be kind Config of apiVersion v1")
    return Kubeconfig(
        files=(path,),
        current_context=fields.text("current-context"),
        clusters=_entries(fields, path, "clusters", "cluster"),
        users=_entries(fields, path, "users", "user"),
        contexts=_entries(fields, path, "contexts", "context"),
    )


def _entries(fields: Fields, path: Path, list_name: str, kind: str) -> Mapping[str, Entry]:
    entries: dict[str, Entry] = {}
    for item in fields.children(list_name):
        name = item.text("name")
        if name in entries:
            raise item.wrong("name", f"{name!r} is there twice")
        where = f"{kind} {name!r} of {path}"
        inner = item.child(kind)
        entries[name] = Entry(path, Fields({}, where) if inner is None else inner.at(where))
    return entries


def _parse(path: Path) -> object:
    """The first YAML document of the file, as kubectl takes it; None when there is none."""
    data = read_bytes(path, "kubeconfig", _MAX_BYTES)
    try:
        document: object = next(yaml.load_all(data, _LOADER), None)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # Raised below and not from here: PyYAML's error quotes the file, which holds secrets.
        where = _position(error)
    else:
        return document
    raise CredentialsError(f"kubeconfig {path}: is not YAML{where}")


def _position(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"
