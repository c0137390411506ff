"""What limits, counters and close reasons cost while nobody uses them: instructions, with and without.

In: the source of the data plane, and for each feature the lines that it consists of (`cuts`). Out: user-space
instructions a request and a connection, of a proxy that is whole and of one whose source was loaded without
those lines. callgrind counts them, so a busy machine changes nothing; within the noise of processor time one
per cent could not be told.
"""
