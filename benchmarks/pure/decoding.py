"""From JSON text to values: orjson alone, and with our own decoding behind it."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from benchmarks.errors import BenchmarkError
from benchmarks.pure.case import Case
from benchmarks.pure.objects import service_bytes, slice_bytes
from userproxy.model.decode import decode
from userproxy.model.events import Upsert

__all__ = ["decoding"]

SLICE_SIZES = (10, 100, 1_000)


def decoding() -> list[Case]:
    """Raises BenchmarkError when an object is not read as good: what is refused would look fast."""
    texts = [("Service", 1, service_bytes("web"))]
    texts += [("EndpointSlice", size, slice_bytes("web", size)) for size in SLICE_SIZES]
    cases = []
    for name, size, text in texts:
        event = decode(orjson.loads(text))
        if not isinstance(event, Upsert) or event.problems:
            raise BenchmarkError(f"the {name} of {size} endpoints is not read as good: {event}")
        cases.append(Case("decode", f"{name}, parsed only", size, _parsing(text), len(text)))
        cases.append(Case("decode", f"{name}, decoded", size, _reading(text), len(text)))
    return cases


def _parsing(text: bytes) -> Callable[[int], None]:
    def repeat(count: int) -> None:
        for _ in range(count):
            orjson.loads(text)

    return repeat


def _reading(text: bytes) -> Callable[[int], None]:
    def repeat(count: int) -> None:
        for _ in range(count):
            decode(orjson.loads(text))

    return repeat
