"""What may be shown of a line that a plugin wrote on standard error. Pure.

kubectl lets a plugin write to the terminal. Here the line becomes part of an error that ends up in logs,
so whatever could be a credential is masked: the secrets that we know, what follows a telling name
(``token=``, ``password:``, ``Bearer``), a password in a URL, and every long run of opaque characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from userproxy.sources.kube.secret import Secret

__all__ = ["plain_line", "shown_line"]

_MAX_CHARACTERS = 200
_MASK = "***"
_NAMED = re.compile(
    r"""(?xi)
    ( [\w-]* (?: token | passw(?:or)?d | passphrase | secret | credentials? | api[-_ ]?key | authorization )
      [\w-]* ["']? \s* [=:] \s* ["']? (?: (?:bearer|basic) \s+ )?
    | \b (?:bearer|basic) \s+ (?= \S{8} ) )
    [^\s"',;]+
    """
)
_IN_URL = re.compile(r"(?<=://)[^/\s@]+(?=@)")
# 20 or more without a break, in the alphabets of base64; words, names and paths are let through.
_RUN = re.compile(r"[A-Za-z0-9_+/=-]{20,}")
_WORD = re.compile(r"(?:[A-Z]?[a-z]{2,}|[A-Z]{2,})+[0-9]{0,3}|[0-9a-f]{1,12}|[A-Za-z0-9]{0,3}")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def shown_line(text: str, secrets: Iterable[Secret] = ()) -> str:
    """The first line of ``text`` that is not blank, masked, without controls, at most 200 characters."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    for secret in secrets:
        if secret:
            line = line.replace(secret.reveal(), _MASK)
    line = _IN_URL.sub(_MASK, _NAMED.sub(rf"\1{_MASK}", plain_line(line)))
    line = _RUN.sub(lambda run: run[0] if _is_words(run[0]) else _MASK, line)
    return line if len(line) <= _MAX_CHARACTERS else f"{line[:_MAX_CHARACTERS]}..."


def plain_line(text: str) -> str:
    """``text`` on one line, without what would move the cursor or colour the terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in _ANSI.sub("", text)).split())


def _is_words(run: str) -> bool:
    """Whether ``run`` is words and short numbers joined together (a cluster's name, a path, a UUID)."""
    return all(_WORD.fullmatch(piece) for piece in re.split(r"[_+/=-]+", run))
