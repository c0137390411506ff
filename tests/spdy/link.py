"""Two sessions joined by a link that cuts what it carries wherever a test wants."""

from __future__ import annotations

from userproxy.spdy import DataReceived, Event, Role, Session

__all__ = ["Link", "joined"]


class Link:
    """A client and a server; the bytes between them arrive in pieces of ``piece_bytes``."""

    def __init__(self, piece_bytes: int = 1 << 30) -> None:
        self.client = Session(Role.CLIENT)
        self.server = Session(Role.SERVER)
        self._piece_bytes = piece_bytes

    def to_server(self) -> list[Event]:
        """What the server sees of all that the client has queued."""
        return self._carry(self.client, self.server)

    def to_client(self) -> list[Event]:
        """What the client sees of all that the server has queued."""
        return self._carry(self.server, self.client)

    def opened(self, *, replied: bool = True) -> int:
        """A stream of the client that both know."""
        stream_id = self.client.open_stream({"streamtype": "data"})
        self.to_server()
        if replied:
            self.server.reply(stream_id)
            self.to_client()
        return stream_id

    def _carry(self, sender: Session, receiver: Session) -> list[Event]:
        sent = sender.data_to_send()
        pieces = (sent[at : at + self._piece_bytes] for at in range(0, len(sent), self._piece_bytes))
        return [event for piece in pieces for event in receiver.receive(piece)]


def joined(events: list[Event]) -> list[Event]:
    """The events with the pieces of each stream's data put together as far as nothing came between them."""
    out: list[Event] = []
    for event in events:
        last = out[-1] if out else None
        if (
            isinstance(event, DataReceived)
            and isinstance(last, DataReceived)
            and last.stream_id == event.stream_id
            and not last.fin
        ):
            whole = memoryview(bytes(last.data) + bytes(event.data))
            out[-1] = DataReceived(event.stream_id, whole, event.fin)
        else:
            out.append(event)
    return out
