"""Long work in short steps, so that the loop never waits for all of it (design, 11). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from userproxy.errors import WatchError

__all__ = ["steps"]

T = TypeVar("T")


def steps(work: Iterable[T | None], *, step_s: float, now: Callable[[], float]) -> Iterator[tuple[T, ...]]:
    """Yield what ``work`` gives, None left out, in groups that each took about ``step_s`` to make.

    Groups may be empty: they too are a chance for the caller to yield to the loop. When ``work`` raises
    WatchError, what it gave before comes out first.
    """
    group: list[T] = []
    failure: WatchError | None = None
    end_s = now() + step_s
    todo = iter(work)
    while True:
        try:
            item = next(todo)
        except StopIteration:
            break
        except WatchError as error:
            failure = error
            break
        if item is not None:
            group.append(item)
        if now() >= end_s:
            yield tuple(group)
            group.clear()
            end_s = now() + step_s
    if group:
        yield tuple(group)
    if failure is not None:
        raise failure
