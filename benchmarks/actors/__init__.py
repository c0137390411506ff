"""Processes that make and take load: raw sockets in one epoll, so that they are seldom the limit.

``python -m benchmarks.actors.backend`` opens and closes endpoints as standard input says;
``python -m benchmarks.actors.load`` asks until standard input ends. Both speak one JSON object a line, own
their sockets, and check every byte. `remote` has the handles that a benchmark holds.
"""
