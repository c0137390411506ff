"""What is compared: each peer forwards three addresses to three endpoints, each in its own way.

In: endpoints of a backend. Out: a running peer with the addresses that clients use. A peer that is not
installed says how to install it. Their configuration is in this folder: one thread, no logging, the same
backlog and no limit that a case could meet.
"""
