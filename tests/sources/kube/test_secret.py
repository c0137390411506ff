"""No way of showing a secret shows it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from userproxy.sources.kube.secret import Secret


@dataclass(frozen=True)
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param(lambda secret: f"{secret}", id="f-string"),
        pytest.param(lambda secret: f"{secret!r}", id="f-string with !r"),
        pytest.param(lambda secret: "%s %r" % (secret, secret), id="percent"),  # noqa: UP031 -- as logging does
        pytest.param(lambda secret: repr([secret]), id="in a list"),
        pytest.param(lambda secret: repr(Holder(secret)), id="in a dataclass"),
        pytest.param(lambda secret: repr(ValueError(secret)), id="in an exception"),
    ],
)
def test_a_secret_is_not_shown(show: object) -> None:
    assert callable(show)
    shown = show(Secret("hunter2"))
    assert "hunter2" not in shown
    assert "***" in shown


def test_a_secret_gives_its_text_and_compares_by_it() -> None:
    assert Secret("a").reveal() == "a"
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert not Secret("")
    assert Secret("a")
