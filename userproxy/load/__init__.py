"""The load generator behind ``userproxy load``.

In: a `Plan`: where to, how much, for how long. Out: a `Result`: counts, errors by kind and latency
histograms, which add up exactly over processes and machines. Arrivals, histograms, conditions, merging and
reports are pure; connections and flows own their sockets, `Generator` owns those. Nothing here imports
asyncio or aiohttp: it starts fast and costs little.
"""
