"""What the tools print about system calls and instructions."""

from __future__ import annotations

from benchmarks.profile.counts import ALL, OTHERS, perf_stat, perf_trace, strace

PERF_TRACE = """
 Summary of events:

 userproxy (5568), 57608 events, 100.0%

   syscall            calls  errors  total       min       avg       max       stddev
                                     (msec)    (msec)    (msec)    (msec)        (%)
   --------------- --------  ------ -------- --------- --------- ---------     ------
   read                5753      0    81.477     0.013     0.014     0.050      0.17%
   write               5750      3    70.590     0.011     0.012     0.049      0.23%

 userproxy (5569), 12 events, 0.0%

   read                  12      0     0.135     0.011     0.012     0.014      2.08%
"""
STRACE = """
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 27.37    0.024993           3      7395           read
 16.73    0.015277           2      7396      7396 ioctl
------ ----------- ----------- --------- --------- ----------------
100.00    0.091300           2     36977      7396 total
"""
PERF_STAT = """
# started on Tue Nov 24 12:14:13 2026

1000,,raw_syscalls:sys_enter,369075515,100.00,,
400,,syscalls:sys_enter_read,369075515,100.00,,
390,,syscalls:sys_enter_write,369075515,100.00,,
0,,syscalls:sys_enter_splice,369075515,100.00,,
"""


def test_perf_trace_adds_up_the_threads() -> None:
    assert perf_trace(PERF_TRACE.splitlines()) == {"read": 5765, "write": 5750}


def test_strace_with_and_without_errors() -> None:
    assert strace(STRACE.splitlines()) == {"read": 7395, "ioctl": 7396}


def test_perf_stat_says_how_many_have_no_name() -> None:
    assert perf_stat(PERF_STAT.splitlines()) == {"read": 400, "write": 390, OTHERS: 210}


def test_perf_stat_of_all_calls_alone() -> None:
    assert perf_stat(["68717,,raw_syscalls:sys_enter,96875233,100.00,,"]) == {ALL: 68717}


def test_perf_stat_without_privilege_marks_its_events() -> None:
    lines = ["400,,syscalls:sys_enter_readu,1,100.00,,", "390,,syscalls:sys_enter_write:u,1,100.00,,"]
    assert perf_stat(lines) == {"read": 400, "write": 390}


def test_what_the_processor_does_not_count_is_left_out() -> None:
    lines = ["<not supported>,,instructions:u,0,100.00,,", "5000,,instructions:k,96875233,100.00,,"]
    assert perf_stat(lines) == {"instructions:k": 5000}
