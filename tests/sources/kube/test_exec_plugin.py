"""When a plugin runs, what it is told, and who gets its answer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.sources.kube.pki import client_pair
from tests.sources.kube.plugins import V1, credential, runs, write_plugin
from userproxy.errors import CredentialsError
from userproxy.sources.kube.exec_plugin import PluginCredentials
from userproxy.sources.kube.exec_process import Limits
from userproxy.sources.kube.secret import Secret
from userproxy.sources.kube.target import Cluster, ExecPlugin, InteractiveMode

START = datetime(2030, 1, 1, tzinfo=UTC).timestamp()
PATH = {"PATH": "/usr/bin:/bin"}


class Clock:
    def __init__(self) -> None:
        self.now_s = START

    def __call__(self) -> float:
        return self.now_s


def _in(seconds: float) -> str:
    return datetime.fromtimestamp(START + seconds, UTC).isoformat()


def _credentials(
    command: Path | str,
    *,
    clock: Clock | None = None,
    environ: Mapping[str, str] = PATH,
    may_ask: bool = False,
    mode: InteractiveMode = InteractiveMode.IF_AVAILABLE,
    env: tuple[tuple[str, Secret], ...] = (),
    args: tuple[str, ...] = (),
    provide_cluster_info: bool = False,
    install_hint: str = "",
) -> PluginCredentials:
    return PluginCredentials(
        ExecPlugin(
            command=str(command),
            api_version=V1,
            args=args,
            env=env,
            interactive_mode=mode,
            provide_cluster_info=provide_cluster_info,
            install_hint=install_hint,
        ),
        Cluster("c", "https://k"),
        user_origin="user 'dev'",
        environ=environ,
        authorities=lambda: "PEM",
        now=clock or Clock(),
        may_ask=lambda: may_ask,
        limits=Limits(timeout_s=60, interactive_timeout_s=60),
    )


async def _token(credentials: PluginCredentials) -> str:
    token = (await credentials.current()).token
    assert token is not None
    return token.reveal()


async def test_an_answer_without_an_end_is_kept(tmp_path: Path) -> None:
    credentials = _credentials(write_plugin(tmp_path, prints=credential(token="abc")))
    assert credentials.credential is None
    assert [await _token(credentials) for _ in range(3)] == ["abc"] * 3
    assert runs(tmp_path) == 1
    assert credentials.credential is await credentials.current()


@pytest.mark.parametrize(
    ("life_s", "still_s", "again_s"),
    [
        pytest.param(3600, 3569, 3570, id="an hour: 30 s before its end"),
        pytest.param(150, 119, 120, id="150 s: 30 s before"),
        pytest.param(10, 7.9, 8.1, id="10 s: after four fifths"),
        pytest.param(3, 2.3, 2.5, id="3 s: after four fifths"),
    ],
)
async def test_an_answer_is_renewed_before_it_ends(
    tmp_path: Path, life_s: float, still_s: float, again_s: float
) -> None:
    clock = Clock()
    plugin = write_plugin(tmp_path, prints=credential(token="abc", expirationTimestamp=_in(life_s)))
    credentials = _credentials(plugin, clock=clock)
    await credentials.current()
    clock.now_s = START + still_s
    await credentials.current()
    assert runs(tmp_path) == 1
    clock.now_s = START + again_s
    await credentials.current()
    assert runs(tmp_path) == 2


async def test_a_certificate_that_ends_is_renewed_too(tmp_path: Path) -> None:
    clock = Clock()
    pair = client_pair(not_after=datetime.fromtimestamp(START + 3600, UTC))
    printed = credential(clientCertificateData=pair.chain, clientKeyData=pair.key)
    credentials = _credentials(write_plugin(tmp_path, prints=printed), clock=clock)
    await credentials.current()
    clock.now_s += 3600
    await credentials.current()
    assert runs(tmp_path) == 2


async def test_an_answer_that_is_over_when_it_comes_counts_once(tmp_path: Path) -> None:
    # The clocks differ: the server may well take it, and kubectl would ask again for each request.
    plugin = write_plugin(tmp_path, prints=credential(token="abc", expirationTimestamp=_in(-5)))
    credentials = _credentials(plugin)
    assert [await _token(credentials), await _token(credentials)] == ["abc", "abc"]
    assert runs(tmp_path) == 2


@pytest.mark.spec("R5")
async def test_R5_a_refusal_runs_the_plugin_once_more(tmp_path: Path) -> None:
    credentials = _credentials(write_plugin(tmp_path, prints=credential(token="abc")))
    await credentials.current()
    credentials.refused()
    credentials.refused()
    await credentials.current()
    await credentials.current()
    assert runs(tmp_path) == 2


def _waiting_plugin(folder: Path, then: str) -> Path:
    """A plugin that waits for the file "go"."""
    return write_plugin(folder, f"while [ ! -e '{folder}/go' ]; do sleep 0.01; done\n{then}")


async def _until_running(folder: Path, times: int = 1) -> None:
    while runs(folder) < times:
        await asyncio.sleep(0.005)


async def test_callers_at_the_same_time_share_one_run(tmp_path: Path) -> None:
    plugin = _waiting_plugin(tmp_path, f"printf '%s' '{credential(token='abc')}'")
    credentials = _credentials(plugin)
    callers = [asyncio.create_task(_token(credentials)) for _ in range(5)]
    await _until_running(tmp_path)
    # A refusal that comes while the plugin runs is about the answer before.
    credentials.refused()
    (tmp_path / "go").touch()
    assert await asyncio.gather(*callers) == ["abc"] * 5
    assert await _token(credentials) == "abc"
    assert runs(tmp_path) == 1


async def test_callers_at_the_same_time_share_a_failure(tmp_path: Path) -> None:
    credentials = _credentials(_waiting_plugin(tmp_path, "echo log in >&2; exit 1"))
    callers = [asyncio.create_task(_token(credentials)) for _ in range(5)]
    await _until_running(tmp_path)
    (tmp_path / "go").touch()
    for outcome in await asyncio.gather(*callers, return_exceptions=True):
        assert isinstance(outcome, CredentialsError)
        assert str(outcome).endswith("exit code 1: log in")
    assert runs(tmp_path) == 1
    with pytest.raises(CredentialsError):
        await credentials.current()
    assert runs(tmp_path) == 2


async def test_a_cancelled_caller_leaves_the_others_to_run_again(tmp_path: Path) -> None:
    credentials = _credentials(_waiting_plugin(tmp_path, f"printf '%s' '{credential(token='abc')}'"))
    first, second = (asyncio.create_task(_token(credentials)) for _ in range(2))
    await _until_running(tmp_path)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await _until_running(tmp_path, 2)
    (tmp_path / "go").touch()
    assert await second == "abc"
    assert runs(tmp_path) == 2


async def test_a_renewal_that_fails_keeps_an_answer_that_still_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    printed = credential(token="abc", expirationTimestamp=_in(3600))
    plugin = write_plugin(tmp_path, prints=printed)
    credentials = _credentials(plugin, clock=clock)
    await credentials.current()
    write_plugin(tmp_path, "exit 1")
    clock.now_s += 3599
    with caplog.at_level(logging.WARNING):
        assert await _token(credentials) == "abc"
    assert [record.getMessage().split()[0] for record in caplog.records] == ["credentials_kept"]
    clock.now_s += 1
    with pytest.raises(CredentialsError, match="exit code 1"):
        await credentials.current()
    write_plugin(tmp_path, prints=credential(token="new"))
    assert await _token(credentials) == "new"


async def test_a_refused_answer_is_not_kept_when_the_renewal_fails(tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path, prints=credential(token="abc"))
    credentials = _credentials(plugin)
    await credentials.current()
    write_plugin(tmp_path, "exit 1")
    credentials.refused()
    for _ in range(2):
        with pytest.raises(CredentialsError, match="exit code 1"):
            await credentials.current()


async def test_a_plugin_is_told_what_kubectl_tells_it(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = f'printf "%s\\n" "$1" "$2" "$A" "$B" "$KUBERNETES_EXEC_INFO" "$(pwd)" > {seen}'
    plugin = write_plugin(tmp_path, script, prints=credential(token="abc"))
    await _token(
        _credentials(
            plugin,
            environ={**PATH, "A": "ours", "B": "ours"},
            env=(("A", Secret("stated")), ("KUBERNETES_EXEC_INFO", Secret("ours"))),
            args=("get token", "$A"),
            provide_cluster_info=True,
        )
    )
    first, second, a, b, info, folder = seen.read_text().splitlines()
    assert (first, second, a, b) == ("get token", "$A", "stated", "ours")
    assert folder == str(Path.cwd())
    assert json.loads(info) == {
        "kind": "ExecCredential",
        "apiVersion": V1,
        "spec": {
            "interactive": False,
            "cluster": {"server": "https://k", "certificate-authority-data": "UEVN", "config": None},
        },
    }


@pytest.mark.parametrize(
    ("mode", "may_ask", "interactive"),
    [
        pytest.param(InteractiveMode.NEVER, True, False, id="Never at a terminal"),
        pytest.param(InteractiveMode.IF_AVAILABLE, True, True, id="IfAvailable at a terminal"),
        pytest.param(InteractiveMode.IF_AVAILABLE, False, False, id="IfAvailable without"),
        pytest.param(InteractiveMode.ALWAYS, True, True, id="Always at a terminal"),
    ],
)
async def test_interactive_mode(
    tmp_path: Path, mode: InteractiveMode, may_ask: bool, interactive: bool
) -> None:
    seen = tmp_path / "seen"
    plugin = write_plugin(
        tmp_path, f'printf "%s" "$KUBERNETES_EXEC_INFO" > {seen}', prints=credential(token="abc")
    )
    await _token(_credentials(plugin, mode=mode, may_ask=may_ask))
    assert json.loads(seen.read_text())["spec"]["interactive"] is interactive


async def test_a_plugin_that_must_ask_does_not_run_without_a_terminal(tmp_path: Path) -> None:
    credentials = _credentials(write_plugin(tmp_path), mode=InteractiveMode.ALWAYS)
    with pytest.raises(CredentialsError, match="must ask at a terminal, and standard input is none"):
        await credentials.current()
    assert runs(tmp_path) == 0


async def test_a_command_is_found_in_path(tmp_path: Path) -> None:
    write_plugin(tmp_path, prints=credential(token="abc"), name="plug-in-path")
    path = {"PATH": f"/nowhere:{tmp_path}:/usr/bin:/bin"}
    assert await _token(_credentials("plug-in-path", environ=path)) == "abc"


@pytest.mark.parametrize(
    ("name", "hint", "complaint"),
    [
        pytest.param(
            "no-such-plugin",
            "",
            r"exec plugin 'no-such-plugin' of user 'dev': is not installed$",
            id="no hint",
        ),
        pytest.param(
            "no-such-plugin",
            "Install it:\n\n  \x1b[1mbrew install plugin\x1b[0m\n",
            r"is not installed; Install it: brew install plugin$",
            id="a hint, on one line and without colours",
        ),
        pytest.param("./missing", "", "is not installed$", id="a path that is not there"),
        pytest.param("./plain", "", "plain' of user 'dev': is not executable$", id="a file that may not run"),
    ],
)
async def test_a_command_that_is_missing_is_named(
    tmp_path: Path, name: str, hint: str, complaint: str
) -> None:
    (tmp_path / "plain").write_text("")
    command = str(tmp_path / name) if name.startswith("./") else name
    with pytest.raises(CredentialsError, match=complaint):
        await _credentials(command, install_hint=hint).current()


async def test_what_a_plugin_was_given_is_masked_in_its_complaint(tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path, 'echo "bad: $PW, $1, ok" >&2; exit 1')
    credentials = _credentials(plugin, env=(("PW", Secret("open sesame")),), args=("--pass=swordfish",))
    with pytest.raises(CredentialsError, match=r"exit code 1: bad: \*\*\*, --pass=\*\*\*, ok$"):
        await credentials.current()


async def test_a_bad_answer_is_told_without_being_quoted(tmp_path: Path) -> None:
    credentials = _credentials(write_plugin(tmp_path, prints="s3cr3t"))
    with pytest.raises(CredentialsError, match=r"exec plugin .* of user 'dev': printed no JSON") as caught:
        await credentials.current()
    assert "s3cr3t" not in f"{caught.value} {credentials!r}"
