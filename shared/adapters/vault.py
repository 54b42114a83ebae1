"""Encryption of the little that is secret in the store: Fernet (AES-128-CBC with HMAC-SHA256).

https://cryptography.io/en/latest/fernet/
"""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.errors import PermanentError


class FernetVault:
    """Vault. The first key seals; all of them open, so that keys can be changed."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, text: str) -> str:
        """See Vault."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """See Vault."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise PermanentError(
                "what was sealed cannot be opened with the keys at hand"
            ) from error
