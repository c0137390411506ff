"""Every cut fits the source as it is, and a proxy without those lines still forwards."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.costs.cuts import CUTS, WHOLE, Cut, Edit, without
from benchmarks.costs.lockstep import CLIENTS, Lockstep
from benchmarks.processes import ROOT, Child, python


def test_lines_that_stand_once_are_replaced() -> None:
    cut = Cut("c", "", (Edit("m", "b\n"), Edit("m", "c\n", "pass\n"), Edit("other", "a\n")))
    assert without("a\nb\nc\n", "m", cut) == "a\npass\n"


@pytest.mark.parametrize("source", ["a\n", "b\nb\n"], ids=["not there", "twice"])
def test_lines_that_do_not_stand_once_are_an_error(source: str) -> None:
    with pytest.raises(ValueError, match=r"c: stands \d times in m: 'b\\n'"):
        without(source, "m", Cut("c", "", (Edit("m", "b\n"),)))


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_cut_fits_the_source(cut: Cut) -> None:
    for module in {edit.module for edit in cut.edits}:
        source = Path(ROOT, *module.split(".")).with_suffix(".py").read_text()
        left = without(source, module, cut)
        assert len(left) < len(source)
        compile(left, module, "exec")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("name", [WHOLE, *CUTS])
async def test_without_a_feature_every_byte_is_forwarded(name: str, loop: str) -> None:
    held: list[bool] = []
    with Lockstep() as load:
        command = python("benchmarks.costs.cut_proxy", name, loop, load.endpoint)
        async with Child("the proxy", command, talks=True) as proxy:
            address = await proxy.line()
            pairs = load.pairs(address, held.append)
            assert pairs.requests(3) == 3 * CLIENTS
            pairs.close()
            assert load.connections(address, held.append, 2) == 2 * CLIENTS
            assert await proxy.stop() == 0
    assert held[:2] == [True, False]
    assert held.count(True) == held.count(False)


def test_the_modules_of_this_process_are_whole() -> None:
    """Cutting is for a process of its own."""
    assert not [finder for finder in sys.meta_path if type(finder).__name__ == "CutFinder"]
