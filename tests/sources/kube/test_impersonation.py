"""The headers of ``as``, ``as-groups``, ``as-uid`` and ``as-user-extra``."""

from __future__ import annotations

import pytest

from userproxy.sources.kube.impersonation import Impersonation


@pytest.mark.parametrize(
    ("who", "headers"),
    [
        pytest.param(Impersonation("jane"), [("Impersonate-User", "jane")], id="a user alone"),
        pytest.param(
            Impersonation("jane", groups=("dev", "on call"), uid="7"),
            [
                ("Impersonate-User", "jane"),
                ("Impersonate-Uid", "7"),
                ("Impersonate-Group", "dev"),
                ("Impersonate-Group", "on call"),
            ],
            id="one header for each group",
        ),
        pytest.param(
            Impersonation("jane", extra=(("reason", ("a", "b")), ("empty", ()))),
            [
                ("Impersonate-User", "jane"),
                ("Impersonate-Extra-reason", "a"),
                ("Impersonate-Extra-reason", "b"),
            ],
            id="one header for each value",
        ),
        pytest.param(
            Impersonation("jane", extra=(("acme.com/dépt %", ("x",)),)),
            [("Impersonate-User", "jane"), ("Impersonate-Extra-acme.com%2Fd%C3%A9pt%20%25", "x")],
            id="what no header name may hold is escaped",
        ),
    ],
)
def test_headers(who: Impersonation, headers: list[tuple[str, str]]) -> None:
    assert list(who.headers()) == headers
