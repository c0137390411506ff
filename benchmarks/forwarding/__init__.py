"""What forwarding costs: processor time of each peer per request, connection, datagram and gigabyte.

In: cases, peers and a number of rounds. Out: a report and raw values. Rounds are interleaved: each visits
every peer for every case, so that what else the machine does falls on all alike.
"""
