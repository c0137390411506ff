"""What the error stream says, in the words of kubelets and runtimes."""

from __future__ import annotations

import pytest

from userproxy.portforward.error_text import ErrorText


@pytest.mark.parametrize(
    "text",
    [
        "error forwarding port 8080 to pod ab, uid : failed to execute portforward in network namespace"
        ' "/var/run/netns/cni-1": failed to connect to localhost:8080 inside namespace "ab", IPv4: dial tcp4'
        " 127.0.0.1:8080: connect: connection refused",
        "error forwarding port 80 to pod ab, uid : exit status 1: socat[7] E connect(5): Connection refused",
        'error forwarding port 80 to pod ab, uid : failed to find sandbox "ab" in store: not found',
        'error forwarding port 80 to pod ab, uid : sandbox container "ab" is not running',
        'error forwarding port 80 to pod ab, uid : network namespace for sandbox "ab" is closed',
        'pod not found ("web-0_default")',
        '{"closeConnection":false,"message":"dial tcp4 127.0.0.1:80: connect: connection refused"}',
    ],
)
def test_nothing_was_delivered(text: str) -> None:
    assert ErrorText.of(text.encode()).nothing_delivered


@pytest.mark.parametrize(
    "text",
    [
        "error forwarding port 80 to pod ab, uid : read: connection reset by peer",
        "error forwarding port 80 to pod ab, uid : write: broken pipe",
        "error forwarding port 80 to pod ab, uid : context deadline exceeded",
        "",
        "{",
        '{"message": 7}',
    ],
)
def test_any_other_error_says_nothing_about_that(text: str) -> None:
    assert not ErrorText.of(text.encode()).nothing_delivered


@pytest.mark.parametrize(("raw", "closes"), [("true", True), ("false", False), ("1", False), ('"x"', False)])
def test_JSON_may_ask_for_the_end_of_the_whole_connection(raw: str, closes: bool) -> None:
    text = ErrorText.of(f'{{"closeConnection":{raw},"message":"lost"}}'.encode())
    assert text == ErrorText("lost", closes)


def test_it_is_one_printable_line_of_a_sane_length() -> None:
    text = ErrorText.of(b"a\n\tb\x00\xff " + b"c" * 1000)
    assert text.message.startswith("a b?")
    assert text.message.isprintable()
    assert len(text.message) == 300
