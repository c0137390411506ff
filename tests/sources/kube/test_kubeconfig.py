"""Kubeconfig files: merging, choosing a context, and what is said of bad ones."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sources.kube.kubeconfigs import named, write_kubeconfig
from userproxy.errors import CredentialsError
from userproxy.sources.kube.kubeconfig import EmptyKubeconfig, Kubeconfig, KubeconfigTarget, read_kubeconfig
from userproxy.sources.kube.secret import Secret

row = pytest.param


def _read(tmp_path: Path, text: str) -> Kubeconfig:
    path = tmp_path / "config"
    path.write_text(text)
    return read_kubeconfig([path])


def test_a_file_gives_its_current_context(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config", user={"token": "abc"}, namespace="web")
    target = read_kubeconfig([path]).target()
    assert target.origin == f"context 'here' of {path}"
    assert target.namespace == "web"
    assert (target.cluster.origin, target.cluster.server) == (
        f"cluster 'c' of {path}",
        "https://kube.example",
    )
    assert (target.user.origin, target.user.token) == (f"user 'dev' of {path}", Secret("abc"))


def test_the_namespace_is_default_unless_stated(tmp_path: Path) -> None:
    assert read_kubeconfig([write_kubeconfig(tmp_path / "config")]).target().namespace == "default"


FIRST = """
current-context: ""
contexts: [{name: shared, context: {cluster: one, namespace: n1}}]
clusters: [{name: one, cluster: {server: "https://one"}}]
"""
SECOND = """
current-context: shared
contexts: [{name: shared, context: {user: u, cluster: two}}, {name: own, context: {user: u, cluster: two}}]
clusters: [{name: two, cluster: {server: "https://two", certificate-authority: sub/ca}}, {name: one}]
users: [{name: u, user: {exec: {command: bin/plug, apiVersion: client.authentication.k8s.io/v1,
  interactiveMode: Never}}}]
"""


def test_of_two_files_the_first_keeps_a_name_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(FIRST)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b").write_text(SECOND)
    config = read_kubeconfig([tmp_path / "a", tmp_path / "missing", tmp_path / "sub" / "b"])
    assert config.current_context == "shared"
    shared, own = config.target(), config.target("own")
    assert (shared.cluster.server, shared.namespace) == ("https://one", "n1")
    # The second file's user for the same context is not added.
    assert shared.user.exec is None
    assert own.cluster.authorities is not None
    assert own.cluster.authorities.path == tmp_path / "sub" / "sub" / "ca"
    assert own.user.exec is not None
    assert own.user.exec.command == str(tmp_path / "sub" / "bin" / "plug")


_NAMES = st.sampled_from(["a", "b", "c"])
_FILES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "current-context": st.sampled_from(["", "a", "b"]),
            "contexts": st.dictionaries(_NAMES, st.fixed_dictionaries({"namespace": st.text("xyz")})),
            "clusters": st.dictionaries(_NAMES, st.fixed_dictionaries({"server": st.text("xyz")})),
            "users": st.dictionaries(_NAMES, st.fixed_dictionaries({"token": st.text("xyz")})),
        },
    ),
    max_size=4,
)


def _plainly_merged(files: list[dict[str, object]]) -> dict[str, object]:
    """First wins, said as plainly as can be: lay the files over one another, the last one first."""
    merged: dict[str, dict[str, object]] = {"contexts": {}, "clusters": {}, "users": {}}
    current = ""
    for file in reversed(files):
        current = str(file.get("current-context") or current)
        for kind, entries in merged.items():
            stated = file.get(kind, {})
            assert isinstance(stated, dict)
            entries.update(stated)
    return {"current-context": current, **merged}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=_FILES, missing=st.integers(0, 4))
def test_merging_agrees_with_a_plain_implementation(
    files: list[dict[str, object]], missing: int, tmp_path: Path
) -> None:
    kinds = {
        "contexts": ("context", "namespace"),
        "clusters": ("cluster", "server"),
        "users": ("user", "token"),
    }
    paths = []
    for number, file in enumerate(files):
        raw: dict[str, object] = dict(file)
        for kind, (key, _) in kinds.items():
            entries = file.get(kind)
            if isinstance(entries, dict):
                raw[kind] = named(key, entries)
        path = tmp_path / f"{number}.yaml"
        path.write_text(yaml.safe_dump(raw))
        paths.append(path)
    paths.insert(min(missing, len(paths)), tmp_path / "missing")
    if not files:
        with pytest.raises(CredentialsError, match="no such file"):
            read_kubeconfig(paths)
        return
    config = read_kubeconfig(paths)
    expected = _plainly_merged(files)
    assert config.current_context == expected["current-context"]
    for kind, (_, inner) in kinds.items():
        entries = getattr(config, kind)
        assert isinstance(entries, Mapping)
        read = {name: {inner: entry.fields.text(inner)} for name, entry in entries.items()}
        assert read == expected[kind]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        row("users: [", r"is not YAML \(line [12], column [19]\)", id="not closed"),
        row("users:\n- user: {token: *s3cr3t}", "is not YAML", id="an alias that is a secret"),
        row("users:\n\t- s3cr3t", r"is not YAML \(line 2, column 1\)", id="a tab"),
        row("token: !s3cr3t x", "is not YAML", id="a tag that is unknown"),
        row("a: \x01s3cr3t", "is not YAML", id="a control character"),
        row("[s3cr3t]", "must be a mapping", id="a list"),
        row("s3cr3t", "must be a mapping", id="a string"),
        row("kind: Secret", "must be kind Config of apiVersion v1", id="another kind"),
        row("apiVersion: v2", "must be kind Config of apiVersion v1", id="another version"),
        row("users: {a: s3cr3t}", "users: must be a list", id="a mapping of users"),
        row("users: [s3cr3t]", r"users\[0\]: must be a mapping", id="a user that is a string"),
        row("users: [{name: 7}]", r"users\[0\]: name: must be a string", id="a name that is a number"),
        row("users: [{name: a}, {name: a}]", r"users\[1\]: name: 'a' is there twice", id="twice"),
        row("users: [{name: a, user: s3cr3t}]", r"users\[0\]: user: must be a", id="no user"),
        row("current-context: 7", "current-context: must be a string", id="a number as context"),
    ],
)
def test_a_bad_file_is_named_without_being_quoted(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(CredentialsError, match=complaint) as caught:
        _read(tmp_path, text)
    assert str(caught.value).startswith(f"kubeconfig {tmp_path / 'config'}")
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "null", "{}", "kind: Config\napiVersion: v1\nusers: null"]
)
def test_a_file_that_states_nothing_is_empty(tmp_path: Path, text: str) -> None:
    with pytest.raises(EmptyKubeconfig, match="has no current-context, give --context; contexts: none"):
        _read(tmp_path, text).target()


def test_only_the_first_document_counts(tmp_path: Path) -> None:
    assert _read(tmp_path, "current-context: a\n---\ncurrent-context: b\n").current_context == "a"


def test_what_is_wrong_elsewhere_concerns_nobody(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config")
    config = json.loads(path.read_text())
    config["users"].append({"name": "bad", "user": {"token": 7}})
    config["clusters"].append({"name": "bad", "cluster": {"certificate-authority-data": "%"}})
    path.write_text(json.dumps(config))
    assert read_kubeconfig([path]).target().user.origin == f"user 'dev' of {path}"


@pytest.mark.parametrize(
    ("context", "complaint"),
    [
        row("", "has no current-context, give --context; contexts: ghost, nobody, own", id="none chosen"),
        row("x", "has no context 'x'; contexts: ghost, nobody, own", id="no such context"),
        row("own", "context 'own' of .*: cluster: cluster 'gone' is not in", id="no such cluster"),
        row("ghost", "context 'ghost' of .*: user: user 'gone' is not in", id="no such user"),
    ],
)
def test_a_context_that_leads_nowhere_is_named(tmp_path: Path, context: str, complaint: str) -> None:
    config = _read(
        tmp_path,
        "contexts: [{name: own, context: {cluster: gone}}, {name: ghost, context: {cluster: c, user: gone}},"
        " {name: nobody, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'https://k'}}]",
    )
    with pytest.raises(CredentialsError, match=complaint):
        config.target(context)


def test_a_context_without_a_user_is_anonymous(tmp_path: Path) -> None:
    config = _read(
        tmp_path,
        "contexts: [{name: a, context: {cluster: c}}, {name: b, context: {}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://k'}}]",
    )
    assert config.target("a").user.token is None
    with pytest.raises(CredentialsError, match=r"context 'b' of .*: names no cluster"):
        config.target("b")


def test_a_config_without_contexts_says_so(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="has no context 'x'; contexts: none"):
        _read(tmp_path, "").target("x")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=f"kubeconfig {tmp_path / 'gone'}: no such file"):
        read_kubeconfig([tmp_path / "gone"])
    with pytest.raises(CredentialsError, match=f"kubeconfig: {tmp_path}: Is a directory"):
        read_kubeconfig([tmp_path])
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(CredentialsError, match="Too many levels of symbolic links"):
        read_kubeconfig([loop])


def test_a_chosen_context_stays_chosen(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config")
    target = KubeconfigTarget([path])
    assert target().namespace == "default"
    config = json.loads(path.read_text())
    config["current-context"] = "other"
    config["contexts"].append({"name": "other", "context": {"cluster": "c", "namespace": "elsewhere"}})
    config["contexts"][0]["context"]["namespace"] = "moved"
    path.write_text(json.dumps(config))
    assert target().namespace == "moved"


def test_paths_are_those_of_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_kubeconfig(tmp_path / "config", user={"tokenFile": "token"})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    target = KubeconfigTarget([Path("config")])
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert target(again=True).user.token_file == tmp_path / "token"


def test_a_config_does_not_show_what_it_holds(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config", user={"token": "s3cr3t"})
    config = read_kubeconfig([path])
    assert "s3cr3t" not in f"{config!r} {config.target()!r}"
    assert os.fspath(path) in repr(config)
