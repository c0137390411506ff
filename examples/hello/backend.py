"""Two HTTP backends for the manifests beside this file: 127.0.0.1:9101 and 127.0.0.1:9102.

python examples/hello/backend.py [PORT...]
"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORTS = (9101, 9102)


class Hello(BaseHTTPRequestHandler):
    """Says which backend it is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"hello from port {self.server.server_address[1]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal for the table."""


def main() -> None:
    ports = tuple(map(int, sys.argv[1:])) or PORTS
    servers = [ThreadingHTTPServer(("127.0.0.1", port), Hello) for port in ports]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"hello from ports {ports}", flush=True)
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
