"""Measures userproxy beside others on this machine: ``python -m benchmarks --help``.

In: the installed userproxy, and peers where they are installed. Out: a report on standard output, progress
on standard error, raw values as JSON. Backends and load generators are processes of their own (`actors`);
what proxies took is read from ``/proc`` (`measuring`). Whoever starts a process stops it, also when the
run is interrupted. userproxy never imports from here.
"""
