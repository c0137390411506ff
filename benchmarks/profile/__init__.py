"""Where a running userproxy spends its time under the bundled load: several tools, each used if it is there.

In: the name of a load. Out: user and kernel time from ``/proc``; with perf, strace or py-spy also system
calls, instructions, hottest functions and a flame graph. A tool that is missing, or that may not look, is
named with what would help; the rest goes on.
"""
