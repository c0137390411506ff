"""Bytes of one file become its documents: YAML or JSON, one or many, within stated limits.

In: bytes or text that anybody may have written. Out: `Document`s, or DocumentError with line and column;
nothing in between. Slow work (about 5 MB/s): give it a thread. It lets other threads run between any two
values; what stops them is only Python's collector, which such many new values call: 0.1 s for 12 MB as
Python sets it, 10 ms as ``userproxy run`` does.
"""

from __future__ import annotations

from userproxy.errors import DocumentError
from userproxy.sources.document import MAX_BYTES, Document, DuplicateKey
from userproxy.sources.json_text import parse_json

__all__ = ["Document", "DuplicateKey", "read_documents"]


def read_documents(content: bytes | str) -> tuple[Document, ...]:
    """The documents of ``content``: JSON (one or a stream of them) if it begins so, else YAML.

    Raises DocumentError for what is neither, for text that is not UTF-8, and over the limits: 16 MiB,
    100 levels deep, 500,000 values that aliases repeat.
    """
    if len(content) > MAX_BYTES:
        raise DocumentError(f"is larger than {MAX_BYTES // 1024**2} MiB; it is not read")
    # A str of Python's own may hold halves of surrogate pairs, which are no text.
    text = _decoded(content.encode(errors="surrogatepass") if isinstance(content, str) else content)
    if not text.lstrip().startswith(("{", "[")):
        return _parse_yaml(text)
    try:
        return parse_json(text)
    except DocumentError as not_json:
        # YAML may begin so too. Of two complaints, the one that came farther understood more.
        try:
            return _parse_yaml(text)
        except DocumentError as not_yaml:
            raise max(not_json, not_yaml, key=lambda error: (error.line, error.column)) from None


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        lines_before = content[: error.start].decode("utf-8-sig").split("\n")
        raise DocumentError(
            f"byte 0x{content[error.start]:02x} is not UTF-8",
            line=len(lines_before),
            column=len(lines_before[-1]) + 1,
        ) from error


def _parse_yaml(text: str) -> tuple[Document, ...]:
    # Not at the top: who gives JSON or Python objects never loads PyYAML.
    from userproxy.sources.yaml_text import parse_yaml

    return parse_yaml(text)
