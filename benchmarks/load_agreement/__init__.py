"""Whether ``userproxy load`` says the truth, and what it costs.

Beside wrk, against the same servers: nginx as fast as it can, in turns, and, at the same time, a server that
answers after delays which are known, and which it measures itself. Throughput must agree with wrk's, p50 and
p99 with the server's.
"""
