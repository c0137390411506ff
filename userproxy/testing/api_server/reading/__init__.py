"""How what is held is read: pages of lists, watches, and the options of both.

In: the store and the query of a request. Out: list objects and watch events, still raw. Nothing here
knows HTTP, a clock or a loop; a watch is a cursor that is asked for what is new.
"""
