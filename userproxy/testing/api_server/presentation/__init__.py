"""What clients are shown beside the objects themselves: tables, discovery and OpenAPI.

In: kinds, stored objects, the Accept header. Out: raw answers. All of it is pure; nothing is kept.
"""
