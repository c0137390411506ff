"""Finds the running proxies of this user, and asks one. No loop, and no aiohttp: commands start fast."""

from __future__ import annotations

import http.client
import os
import shlex
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import orjson

from userproxy.admin.folder import SocketFolder, folder_path
from userproxy.admin.served_form import served_from
from userproxy.discovery import Served
from userproxy.errors import AdminError, ConfigError

__all__ = ["RunningProxy", "find_proxy"]

ANSWER_LIMIT_S = 10.0
_COMMAND_SHOWN = 100
"""Characters of a command line in a list."""


class RunningProxy:
    """One process that serves, and answers."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid = pid
        self._folder = folder

    def ask(self, path: str, **query: str) -> object:
        """The JSON at ``path``. Raises AdminError when there is no answer, or one that says what is wrong."""
        target = f"{path}?{urlencode(query)}" if query else path
        connection = _Connection(self._folder, self.pid)
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            body = response.read()
        except TimeoutError as error:
            raise AdminError(f"process {self.pid} does not answer") from error
        except (OSError, http.client.HTTPException) as error:
            raise AdminError(f"process {self.pid}: {error or type(error).__name__}") from error
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise AdminError(f"process {self.pid}: {_said(body) or response.reason}")
        try:
            answer: object = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise AdminError(f"process {self.pid}: no JSON: {error}") from error
        return answer

    def served(self) -> Served:
        """What it serves now, by name. Raises AdminError."""
        return served_from(self.ask("/v1/served"))


def find_proxy(pid: int | None = None, environ: Mapping[str, str] | None = None) -> RunningProxy:
    """The proxy of this user that runs, or ``pid`` of several. ``environ`` None: the process's own.

    Raises AdminError when there is none, ConfigError when there are several and none is chosen.
    """
    path = folder_path(os.environ if environ is None else environ)
    try:
        with SocketFolder(path) as folder:
            found = folder.processes()
    except FileNotFoundError:
        found = ()
    if pid is not None:
        if pid not in found:
            raise AdminError(f"no userproxy runs as process {pid}")
        return RunningProxy(pid, path)
    if not found:
        raise AdminError("no userproxy runs as this user; start one with: userproxy run")
    if len(found) > 1:
        listed = "".join(f"\n{one}  {_command_line(one)}".rstrip() for one in found)
        raise ConfigError(f"several run, choose one with --pid:{listed}")
    return RunningProxy(found[0], path)


class _Connection(http.client.HTTPConnection):
    """HTTP over the socket of a process."""

    def __init__(self, folder: Path, pid: int) -> None:
        super().__init__("localhost", timeout=ANSWER_LIMIT_S)
        self._folder = folder
        self._pid = pid
        self.sock: socket.socket

    def connect(self) -> None:
        with SocketFolder(self._folder) as folder:
            self.sock = folder.connect(self._pid, ANSWER_LIMIT_S)


def _said(body: bytes) -> str:
    """What is wrong, as the server words it."""
    try:
        return str(orjson.loads(body)["error"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""


def _command_line(pid: int) -> str:
    """How the process was started, for people, without its interpreter and folders; "" where that is not told
    (proc(5))."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return ""
    texts = [word.decode(errors="replace") for word in words]
    program = next((number for number, text in enumerate(texts) if Path(text).name == "userproxy"), None)
    if program is not None:
        texts = ["userproxy", *texts[program + 1 :]]
    line = shlex.join(texts)
    shown = "".join(letter if letter.isprintable() else "?" for letter in line)
    return shown if len(shown) <= _COMMAND_SHOWN else f"{shown[: _COMMAND_SHOWN - 3]}..."
