"""The Authorization header: what wins, and how a token file is followed."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from userproxy.errors import CredentialsError
from userproxy.sources.kube.bearer import Authorization
from userproxy.sources.kube.secret import Secret
from userproxy.sources.kube.target import User

row = pytest.param


class Clock:
    def __init__(self) -> None:
        self.now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


def _header(authorization: Authorization) -> str | None:
    header = authorization.header()
    return None if header is None else header.reveal()


def _basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


@pytest.mark.parametrize(
    ("user", "header"),
    [
        row(User("u"), None, id="nothing"),
        row(User("u", token=Secret("abc")), "Bearer abc", id="a token"),
        row(User("u", username="me", password=Secret("p:w")), _basic("me:p:w"), id="name and password"),
        row(User("u", username="mé"), _basic("mé:"), id="a name alone"),
        row(User("u", password=Secret("pw")), None, id="a password alone is nothing"),
    ],
)
def test_what_a_user_states(user: User, header: str | None) -> None:
    authorization = Authorization(user, Clock())
    assert _header(authorization) == header
    assert authorization.is_absent is (header is None)


def _file(tmp_path: Path, text: str = "  first\n\n") -> Path:
    path = tmp_path / "token"
    path.write_text(text)
    return path


def test_a_token_file_is_trimmed_and_followed(tmp_path: Path) -> None:
    path = _file(tmp_path)
    authorization = Authorization(User("u", token_file=path), Clock())
    assert not authorization.is_absent
    assert _header(authorization) == "Bearer first"
    path.write_text("second")
    assert _header(authorization) == "Bearer second"


def _same_stamp(path: Path, text: str) -> None:
    """Write ``text``, of the same length as before, so that nothing in ``stat`` tells."""
    times = path.stat()
    path.write_text(text)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_token_file_that_looks_unchanged_is_read_each_minute(tmp_path: Path) -> None:
    path, clock = _file(tmp_path, "first"), Clock()
    authorization = Authorization(User("u", token_file=path), clock)
    assert _header(authorization) == "Bearer first"
    _same_stamp(path, "other")
    clock.now_s += 59.9
    assert _header(authorization) == "Bearer first"
    clock.now_s += 0.1
    assert _header(authorization) == "Bearer other"
    _same_stamp(path, "third")
    clock.now_s += 59.9
    assert _header(authorization) == "Bearer other"


@pytest.mark.spec("R5")
def test_R5_a_token_file_is_read_again_after_a_refusal(tmp_path: Path) -> None:
    path = _file(tmp_path, "first")
    authorization = Authorization(User("u", token_file=path), Clock())
    assert _header(authorization) == "Bearer first"
    _same_stamp(path, "other")
    authorization.refused()
    assert _header(authorization) == "Bearer other"
    _same_stamp(path, "third")
    assert _header(authorization) == "Bearer other"


def test_an_empty_file_keeps_the_last_token_until_it_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, "first")
    authorization = Authorization(User("user 'u'", token_file=path), Clock())
    _header(authorization)
    path.write_text("\n")
    assert _header(authorization) == "Bearer first"
    authorization.refused()
    for _ in range(2):
        with pytest.raises(CredentialsError, match=f"user 'u': tokenFile: {path}: is empty"):
            _header(authorization)
    path.write_text("second")
    assert _header(authorization) == "Bearer second"


def test_a_token_beside_a_file_stands_in_until_the_file_is_there(tmp_path: Path) -> None:
    path = tmp_path / "token"
    authorization = Authorization(User("u", token=Secret("inline"), token_file=path), Clock())
    assert _header(authorization) == "Bearer inline"
    path.write_text("fromfile")
    assert _header(authorization) == "Bearer fromfile"
    path.unlink()
    assert _header(authorization) == "Bearer fromfile"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        row(None, "No such file", id="missing"),
        row("", "is empty", id="empty"),
        row("s3cr3t\ns3cr3t", "holds a line break", id="two lines"),
    ],
)
def test_a_file_without_a_token_is_an_error(tmp_path: Path, text: str | None, complaint: str) -> None:
    path = tmp_path / "token"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CredentialsError, match=complaint) as caught:
        _header(Authorization(User("u", token_file=path), Clock()))
    assert "s3cr3t" not in str(caught.value)
