"""Stacks as perf and py-spy print them, and what ran most often."""

from __future__ import annotations

from benchmarks.profile.stacks import from_perf_script, from_py_spy, hottest

PERF_SCRIPT = """
\tffffffff81a82921 tcp_ack+0x51 ([kernel.kallsyms])
\tffffffff821ed511 do_syscall_64 ([kernel.kallsyms])
\t           f89f0 __GI___libc_write+0x10 (/usr/lib/x86_64-linux-gnu/libc.so.6)
\t    7f4894c57000 py::Engine._wake:/srv/venv/lib/userproxy/dataplane/engine.py (/tmp/perf-12.map)
\t    7f4894c58000 [unknown] ([unknown])

\tffffffff81a82921 tcp_ack+0x99 ([kernel.kallsyms])
\tffffffff821ed511 do_syscall_64 ([kernel.kallsyms])
\t           f89f0 __GI___libc_write+0x10 (/usr/lib/x86_64-linux-gnu/libc.so.6)
\t    7f4894c57000 py::Engine._wake:/srv/venv/lib/userproxy/dataplane/engine.py (/tmp/perf-12.map)
\t    7f4894c58000 [unknown] ([unknown])

\t          1582d1 [unknown] (/usr/lib/libpython3.12.so.1.0)
"""


def test_samples_of_perf_are_stacks_from_the_outermost_on() -> None:
    assert from_perf_script(PERF_SCRIPT.splitlines()) == {
        (
            "[[unknown]]",
            "Engine._wake (userproxy/dataplane/engine.py)",
            "__GI___libc_write",
            "do_syscall_64 [kernel]",
            "tcp_ack [kernel]",
        ): 2,
        ("[libpython3.12.so.1.0]",): 1,
    }


def test_lines_of_one_function_are_one_frame_of_py_spy() -> None:
    found = from_py_spy(
        [
            "run (asyncio/runners.py:118);_wake (/srv/app/userproxy/dataplane/engine.py:140) 40",
            "run (asyncio/runners.py:118);_wake (/srv/app/userproxy/dataplane/engine.py:151) 2",
            "run (asyncio/runners.py:118) 1",
            "",
        ]
    )
    outer = "run (asyncio/runners.py)"
    assert found == {(outer, "_wake (userproxy/dataplane/engine.py)"): 42, (outer,): 1}


def test_the_hottest_is_what_ran_itself() -> None:
    stacks = {("main", "read"): 6, ("main", "write"): 3, ("main",): 1}
    assert hottest(stacks, 2) == [("read", 0.6), ("write", 0.3)]
