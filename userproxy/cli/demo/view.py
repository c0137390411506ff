"""How the demo looks: live with rich on a terminal, plain lines elsewhere, and the summary."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from userproxy.cli.demo.story import ServiceStory, Story

__all__ = ["live", "plain", "summary"]

_BAR_CELLS = 24


@contextlib.contextmanager
def live(story: Story) -> Iterator[Callable[[], None]]:
    """Redraws in place; yields what refreshes it."""
    from rich.console import Group
    from rich.live import Live
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    def picture() -> Panel:
        numbers = Table(box=None, expand=True, header_style="dim")
        for heading in ("Service", "address", "per second", "p50", "p99", "answered", "failed"):
            numbers.add_column(heading, justify="left" if heading in ("Service", "address") else "right")
        for service in story.services:
            failed = Text(f"{service.failed}", style="bold red" if service.failed else "bold green")
            numbers.add_row(
                Text(service.name, style="bold"),
                Text(service.address, style="cyan"),
                f"{service.rate:,.0f}",
                _ms(service.recent_latency_ms(50)),
                _ms(service.recent_latency_ms(99)),
                f"{service.ok:,}",
                failed,
            )
        who = Table(box=None, show_header=False)
        for service in story.services:
            for name, share in service.shares().items():
                bar = "█" * round(share * _BAR_CELLS)
                who.add_row(Text(name, style="bold"), Text(bar, style="green"), f"{share:4.0%}")
        events = Text("\n".join(story.events) or "first swap in a moment", style="dim")
        return Panel(
            Group(numbers, Text(), Text("who answers now", style="dim"), who, Text(), events),
            title=f"userproxy demo   {story.swaps} swaps under load",
            subtitle="Ctrl-C ends it",
            border_style="blue",
        )

    with Live(picture(), auto_refresh=False) as screen:
        yield lambda: screen.update(picture(), refresh=True)


@contextlib.contextmanager
def plain(story: Story, say: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """A line for each swap, and for all Services; ``say`` takes them."""
    addresses = ", ".join(f"{service.name} at {service.address}" for service in story.services)
    say(f"userproxy demo: {addresses}")
    told = 0

    def refresh() -> None:
        nonlocal told
        fresh = story.swaps - told
        for event in list(story.events)[-fresh:] if fresh else ():
            say(event)
        told = story.swaps
        say("   ".join(_line(service) for service in story.services))

    yield refresh


def summary(story: Story) -> str:
    """What it came to."""
    lines = [
        f"{service.name}: {service.ok:,} {service.unit} answered by {len(service.everyone)} backends, "
        f"{service.failed} failed, p50 {_ms(service.latencies.percentile_ms(50))}, "
        f"p99 {_ms(service.latencies.percentile_ms(99))}"
        + (f" (last error: {service.error})" if service.error else "")
        for service in story.services
    ]
    verdict = story.broken or ("all good" if story.good else "something failed")
    return "\n".join([*lines, f"{story.swaps} endpoints replaced under load: {verdict}"])


def _line(service: ServiceStory) -> str:
    who = " ".join(f"{name} {share:.0%}" for name, share in service.shares().items())
    return (
        f"{service.name} {service.rate:,.0f}/s p50 {_ms(service.recent_latency_ms(50))} "
        f"p99 {_ms(service.recent_latency_ms(99))} failed {service.failed} [{who}]"
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"
