"""Credentials from an exec plugin: when it runs, what it is told, how long its answer counts.

One run at a time, whoever asks: callers that wait during a run share its outcome. It runs before the
first request, before its answer expires, and once after each refusal by the server (rule R5).
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from userproxy.errors import CredentialsError
from userproxy.log import log_event
from userproxy.sources.kube.exec_credential import ExecCredential, exec_info, parse_credential
from userproxy.sources.kube.exec_process import DEFAULT_LIMITS, Limits, run_plugin
from userproxy.sources.kube.redaction import plain_line
from userproxy.sources.kube.secret import Secret
from userproxy.sources.kube.target import Cluster, ExecPlugin, InteractiveMode
from userproxy.sources.kube.terminal import may_ask

__all__ = ["PluginCredentials"]

_LOGGER = logging.getLogger(__name__)

# Renewed this long before it expires, but never earlier than after four fifths of its life.
_EARLY_S = 30.0
_EARLY_PART = 0.2


class PluginCredentials:
    """The newest answer of one plugin.

    ``authorities`` gives the cluster's certificate authorities as PEM, for a plugin that wants to know
    its cluster. ``now`` is the wall clock in seconds since the epoch, ``may_ask`` says whether a person
    can be asked at the terminal.
    """

    def __init__(
        self,
        plugin: ExecPlugin,
        cluster: Cluster,
        *,
        user_origin: str,
        environ: Mapping[str, str],
        authorities: Callable[[], str | None],
        now: Callable[[], float],
        may_ask: Callable[[], bool] = may_ask,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._plugin = plugin
        self._cluster = cluster
        self._origin = f"exec plugin {plain_line(plugin.command)!r} of {user_origin}"
        self._environ = environ
        self._authorities = authorities
        self._now = now
        self._may_ask = may_ask
        self._limits = limits
        self._lock = asyncio.Lock()
        self._runs = 0
        self._credential: ExecCredential | None = None
        self._failure = ""
        self._renew_at = 0.0
        self._refused = False

    @property
    def credential(self) -> ExecCredential | None:
        """The newest answer; None before the first."""
        return self._credential

    def refused(self) -> None:
        """The server did not take the newest answer: `current` runs the plugin once more."""
        self._refused = True

    async def current(self) -> ExecCredential:
        """An answer that has not expired, from a new run where needed.

        Raises CredentialsError when there is none to be had. A run that fails while the last answer still
        counts is told in the log, and that answer returned. A caller that is cancelled takes its run
        with it; those that waited for it start another.
        """
        credential = self._credential
        if credential is not None and not self._refused and self._now() < self._renew_at:
            return credential
        runs = self._runs
        async with self._lock:
            if self._runs == runs:
                await self._renew()
        credential = self._credential
        if credential is None or (self._failure and (self._refused or self._has_expired(credential))):
            raise CredentialsError(self._failure)
        if self._failure:
            log_event(_LOGGER, logging.WARNING, "credentials_kept", message=self._failure)
        return credential

    def _has_expired(self, credential: ExecCredential) -> bool:
        return credential.expires_at is not None and credential.expires_at <= self._now()

    async def _renew(self) -> None:
        """Run the plugin once and keep its answer, or why there is none."""
        try:
            credential = await self._run()
        except CredentialsError as error:
            self._failure = str(error)
        else:
            self._failure = ""
            self._credential = credential
            self._renew_at = _renewal(credential.expires_at, self._now())
            # Also a refusal that came during the run: it was about the answer before.
            self._refused = False
        self._runs += 1

    async def _run(self) -> ExecCredential:
        plugin = self._plugin
        interactive = self._is_interactive()
        info = exec_info(
            plugin.api_version,
            interactive=interactive,
            cluster=self._cluster if plugin.provide_cluster_info else None,
            authorities=self._authorities() if plugin.provide_cluster_info else None,
        )
        stated = {name: value.reveal() for name, value in plugin.env}
        printed = await run_plugin(
            (self._command(), *plugin.args),
            origin=self._origin,
            environ={**self._environ, **stated, "KUBERNETES_EXEC_INFO": info},
            interactive=interactive,
            secrets=self._known_secrets(),
            limits=self._limits,
        )
        return parse_credential(printed, api_version=plugin.api_version, origin=self._origin)

    def _is_interactive(self) -> bool:
        mode = self._plugin.interactive_mode
        if mode is InteractiveMode.NEVER:
            return False
        allowed = self._may_ask()
        if mode is InteractiveMode.ALWAYS and not allowed:
            raise CredentialsError(f"{self._origin}: must ask at a terminal, and standard input is none")
        return allowed

    def _command(self) -> str:
        """The path of the command, found in our PATH as kubectl finds it in its own."""
        command = self._plugin.command
        found = shutil.which(command, path=self._environ.get("PATH", os.defpath))
        if found is not None:
            return found
        what = "is not executable" if "/" in command and Path(command).exists() else "is not installed"
        hint = plain_line(self._plugin.install_hint)
        raise CredentialsError(f"{self._origin}: {what}{f'; {hint}' if hint else ''}")

    def _known_secrets(self) -> tuple[Secret, ...]:
        """What must not come back on standard error. Short values would mask half of every word."""
        stated = [value for _, value in self._plugin.env]
        stated += [Secret(arg.rpartition("=")[2]) for arg in self._plugin.args]
        if self._credential is not None and self._credential.token is not None:
            stated.append(self._credential.token)
        return tuple(value for value in stated if len(value.reveal()) >= 6)


def _renewal(expires_at: float | None, now: float) -> float:
    """When to run again: a little before the end; never, as far as we know, when there is none."""
    if expires_at is None:
        return float("inf")
    return expires_at - min(_EARLY_S, max(0.0, expires_at - now) * _EARLY_PART)
