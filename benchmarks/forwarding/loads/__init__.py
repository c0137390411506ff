"""Where load comes from: wrk and iperf3 where they are installed, and the bundled generators elsewhere.

In: an address, and the processes whose time counts. Out: a `Reading`: one window and what failed in it.
"""
