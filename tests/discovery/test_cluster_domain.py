"""Cluster domains: good ones in one form, others refused."""

from __future__ import annotations

import pytest

from userproxy.discovery.cluster_domain import cluster_domain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cluster.local", "cluster.local"),
        ("Cluster.Local.", "cluster.local"),
        ("k8s", "k8s"),
        ("a" * 57, "a" * 57),
    ],
)
def test_good_ones(text: str, expected: str) -> None:
    assert cluster_domain(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has to be DNS labels"),
        (".", "has to be DNS labels"),
        (".cluster.local", "has to be DNS labels"),
        ("cluster..local", "has to be DNS labels"),
        ("cluster local", "has to be DNS labels"),
        ("cluster_local", "has to be DNS labels"),
        ("cluster.local\n", "has to be DNS labels"),
        ("a" * 58, "at most 57 characters"),
    ],
)
def test_bad_ones(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cluster_domain(text)
