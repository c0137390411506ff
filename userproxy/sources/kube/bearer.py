"""The Authorization header of a user without a plugin: a token, a token file, or name and password."""

from __future__ import annotations

import base64
from collections.abc import Callable

from userproxy.errors import CredentialsError
from userproxy.sources.kube.file_value import FileValue, read_text
from userproxy.sources.kube.kubeconfig_fields import is_header_text
from userproxy.sources.kube.secret import Secret
from userproxy.sources.kube.target import User

__all__ = ["Authorization"]

_REREAD_S = 60.0


class Authorization:
    """What ``user`` states about itself.

    The token file is read again when it changes, each minute, and after a refusal. A file that is missing
    or empty leaves the token read last (or the ``token`` beside it) in use, until the server refuses
    that. ``clock`` counts seconds from anywhere.
    """

    def __init__(self, user: User, clock: Callable[[], float]) -> None:
        self._user = user
        self._clock = clock
        self._refused = False
        self._read_at = clock()
        self._file: FileValue[Secret] | None = None
        if user.token_file is not None:
            self._file = FileValue((user.token_file,), self._read)

    @property
    def is_absent(self) -> bool:
        """The user states nothing that becomes a header."""
        user = self._user
        return not (user.token or user.token_file or user.username)

    def header(self) -> Secret | None:
        """The header's value; None when the user has none.

        Raises CredentialsError when no token can be read.
        """
        user = self._user
        if self._file is not None:
            return Secret(f"Bearer {self._token(self._file).reveal()}")
        if user.token is not None:
            return Secret(f"Bearer {user.token.reveal()}")
        if user.username:
            pair = f"{user.username}:{user.password.reveal() if user.password else ''}"
            return Secret(f"Basic {base64.b64encode(pair.encode()).decode()}")
        return None

    def refused(self) -> None:
        """The server did not take it: `header` reads the file again, and settles for nothing older."""
        self._refused = True

    def _token(self, file: FileValue[Secret]) -> Secret:
        again = self._refused or self._clock() - self._read_at >= _REREAD_S
        try:
            token = file.get(again=again, keep=not self._refused)
        except CredentialsError:
            if self._user.token is None:
                raise
            return self._user.token
        if again:
            self._read_at, self._refused = self._clock(), False
        return token

    def _read(self) -> Secret:
        path = self._user.token_file
        assert path is not None
        origin = f"{self._user.origin}: tokenFile"
        token = read_text(path, origin).strip()
        if not token:
            raise CredentialsError(f"{origin}: {path}: is empty")
        if not is_header_text(token):
            raise CredentialsError(f"{origin}: {path}: holds a line break or another control character")
        return Secret(token)
