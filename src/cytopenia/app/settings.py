"""What the app is started with: where studies lie, who may connect, and how much it takes in."""

from __future__ import annotations

import secrets
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from cytopenia.errors import ProtocolError

__all__ = ["AppSettings", "Limits", "is_loopback", "require_safe_host"]

_MEGABYTE = 1024 * 1024
_SHORTEST_PASSWORD = 12


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many bytes a request may bring, a file of a study or anything else; how long it may be silent."""

    upload: int = 300 * _MEGABYTE
    form: int = 2 * _MEGABYTE
    silence: float = 60.0


@dataclass(frozen=True, kw_only=True)
class AppSettings:
    """What one start of the app is made of.

    Attributes
    ----------
    folder : path
        Its subfolders are the studies; a folder that is a study itself is the only one.
    host, port
        Where the app listens.
    token : str
        Opens the app for who has the link; drawn anew at every start.
    password : str, optional
        Asked for instead of the token where the app listens to other machines.
    certificate, key : path, optional
        Files of TLS.
    limits : Limits
    language : str
        A file of `app/texts`.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8765
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    password: str | None = field(default=None, repr=False)
    certificate: Path | None = None
    key: Path | None = None
    limits: Limits = field(default_factory=Limits)
    language: str = "en"

    @property
    def address(self) -> str:
        """The address of the first page, without the token."""
        scheme = "http" if self.certificate is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def link(self) -> str:
        """The address that opens the app: with the token, or to the page that asks for the password."""
        return f"{self.address}/enter" + ("" if self.password else f"?token={self.token}")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can connect to an address.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def require_safe_host(settings: AppSettings) -> None:
    """Refuse to listen to other machines without a password and encryption.

    Raises
    ------
    ProtocolError
        Names everything that is absent, and what listening to others means.
    """
    problems: list[str] = []
    for name, path in (("--certificate", settings.certificate), ("--key", settings.key)):
        if path is not None and not path.is_file():
            problems.append(f"{name}: {path.name}: no such file. Check the path.")
    if (settings.certificate is None) != (settings.key is None):
        problems.append("--certificate and --key: one without the other. Give both.")
    elif settings.certificate is not None and not problems and not _can_encrypt(settings):
        problems.append(
            "--certificate and --key: cannot be used for encryption. Give a certificate and its own key in "
            "PEM, the key without a password."
        )
    if not is_loopback(settings.host):
        if settings.password is None:
            problems.append("no password: set CYTOPENIA_APP_PASSWORD in the environment.")
        if settings.certificate is None:
            problems.append("no encryption: give --certificate FILE and --key FILE.")
    if settings.password is not None and len(settings.password) < _SHORTEST_PASSWORD:
        problems.append(
            f"the password is short: {len(settings.password)} signs; allowed: {_SHORTEST_PASSWORD} or more."
        )
    if problems:
        title = f"--host {settings.host}: whoever reaches this machine with the password sees every patient"
        raise ProtocolError("\n".join([title, *(f"  - {problem}" for problem in problems)]))


def _can_encrypt(settings: AppSettings) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password in hand the terminal would be asked for one.
        context.load_cert_chain(settings.certificate or "", settings.key, password="")
    except (OSError, ValueError):
        return False
    return True
