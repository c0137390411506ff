"""Upgrades under full load: does a request, a connection or a datagram fail?

In: how many upgrades. On stage: one ``userproxy run --takeover`` after the other, a backend, three load
generators. Out: failures, what was cut, how long each upgrade took and how long UDP waited in it.
"""
