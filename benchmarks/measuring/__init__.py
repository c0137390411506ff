"""What was taken: processor time, memory and descriptors from ``/proc``, spreads of several rounds.

In: process numbers, reports of load generators. Out: frozen values. Nothing here starts or stops anything.
"""
