"""The benchmark that compares the load generator with wrk and with known delays."""
