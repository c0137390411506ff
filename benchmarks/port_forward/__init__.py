"""What pods cost through the API server, beside ``kubectl port-forward`` on the same server."""
