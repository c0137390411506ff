"""How soon a proxy that is started serves: from the start of its process to the first byte it forwards.

In: how many rounds. On stage: ``userproxy run -f FILE`` with 10 Services, as a user starts it, and an
endpoint in this process. Out: times on each event loop, beside the start of Python itself.
"""
