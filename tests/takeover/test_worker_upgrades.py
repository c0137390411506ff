"""`userproxy run --takeover --workers 2` as processes: whoever is killed, whoever does not fit."""

from __future__ import annotations

import signal

import pytest

from tests.takeover.load import load
from tests.takeover.test_upgrades import KILLED, OLD_IS_KILLED, Upgradable, upgradable

__all__ = ["upgradable"]

TWO = ("--workers", "2")


@pytest.mark.parametrize(
    ("module", "name", "function", "when"),
    [
        pytest.param("proxy", "Proxy", "synced", "True", id="greeted"),
        pytest.param("workers.fleet", "Fleet", "inherit", "True", id="has the listening sockets"),
        pytest.param("workers.fleet", "Fleet", "heir", "True", id="has bound its table"),
        pytest.param("workers.handover", "FleetHeir", "completed", "True", id="its workers have the flows"),
        pytest.param(
            "succession.channel", "Channel", "send", "arguments[1] == {'ask': 'serving'}", id="has everything"
        ),
    ],
)
async def test_a_new_parent_that_is_killed_leaves_the_old_one_as_it_was(
    upgradable: Upgradable, module: str, name: str, function: str, when: str
) -> None:
    script = KILLED.format(module=module, name=name, function=function, when=when)
    await upgradable.survives(script, *TWO)


async def test_the_old_parent_is_killed_with_its_flows_half_way_over(upgradable: Upgradable) -> None:
    """Nobody serves then: the new workers begin with what they have, and the addresses never close.

    That is all when the old workers were quicker to answer than to see that their parent is gone.
    """
    async with upgradable.process("old", "", *TWO) as old:
        tcp, udp = await upgradable.addresses(old)
        async with load(tcp, udp) as report:
            await report.wait(2)
        script = KILLED.format(
            module="workers.handover", name="FleetHeir", function="completed", when=OLD_IS_KILLED
        ).replace("OLD", str(old.process.pid))
        async with upgradable.process("new", script, *TWO) as new:
            named = f"process {old.process.pid}"
            assert await new.line("taking over") == f"taking over from {named}"
            assert await new.line(named) in (
                f"{named} has ended before it was taken over from",
                f"took over from {named}",
            )
            assert await upgradable.addresses(new) == (tcp, udp)
            async with load(tcp, udp) as report:
                await report.wait(2)
        assert await old.process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(("old_workers", "new_workers"), [("2", "1"), ("1", "2"), ("2", "3")])
async def test_another_number_of_workers_is_refused_in_one_line(
    upgradable: Upgradable, old_workers: str, new_workers: str
) -> None:
    async with upgradable.process("old", "", "--workers", old_workers) as old:
        tcp, udp = await upgradable.addresses(old)
        async with load(tcp, udp) as report:
            async with upgradable.process("new", "", "--workers", new_workers) as new:
                assert await new.process.wait() == 1
                errors = [line for line in new.errors.read_text().splitlines() if "takeover" in line]
                assert errors == [
                    f"userproxy: --takeover {upgradable.socket}: process {old.process.pid} runs with"
                    f" --workers {old_workers}, this one with --workers {new_workers}: must be equal"
                ]
            await report.wait(10)
