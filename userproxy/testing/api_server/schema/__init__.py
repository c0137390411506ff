"""The shape of the kinds that are served: which fields there are, and of which type.

In: nothing, and raw objects to be held against it. Out: one shape for each kind, from which both the
checks of a written object and the OpenAPI documents are made, so that the two never differ. Pure.
"""
