"""The local certificate authority of a server: made once and kept in a folder, or only in memory.

`DIR/tls/ca.pem` is what callers trust; `ca.key` signs, is of mode 0600 and leaves the folder never. `server.pem` holds
the server's own certificate and key (0600) and is made anew when its names change or it is about to end.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature

from simulator.refusal import UsageError
from simulator.tls import certificates
from simulator.tls.certificates import Identity

_SPARE = timedelta(days=30)
_ALWAYS = ("localhost", "127.0.0.1", "::1")


class Authority:
    """Signs the certificates of one server; `ca_pem` is what its callers need to trust."""

    def __init__(self, ca: Identity, folder: Path | None = None) -> None:
        self.ca = ca
        self.folder = folder

    @classmethod
    def in_memory(cls) -> Authority:
        """An authority that nobody keeps."""
        return cls(certificates.new_authority())

    @classmethod
    def kept_in(cls, data_dir: Path) -> Authority:
        """The authority of `data_dir`, made there if there is none.

        Raises:
            UsageError: the folder cannot be used, or what lies there is no authority or has ended.
        """
        folder = data_dir / "tls"
        try:
            if not (folder / "ca.key").exists():
                _make(folder)
            (folder / "ca.key").chmod(0o600)
            ca = Identity.load((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes())
        except OSError as flaw:
            raise UsageError(
                f"cannot keep certificates in {folder}: {flaw.strerror or flaw}", "`--data-dir DIR` names another"
            ) from None
        except ValueError as flaw:
            raise UsageError(f"no certificate authority in {folder}: {flaw}", f"remove {folder}") from None
        if ca.certificate.not_valid_after_utc <= certificates.now() + _SPARE:
            ended = ca.certificate.not_valid_after_utc.date()
            raise UsageError(f"the certificate authority in {folder} ends on {ended}", f"remove {folder}")
        return cls(ca, folder)

    @property
    def ca_pem(self) -> bytes:
        """The certificate to trust, as PEM."""
        return self.ca.pem

    @property
    def ca_file(self) -> Path | None:
        """Where `ca_pem` lies; None when it is only in memory."""
        return None if self.folder is None else self.folder / "ca.pem"

    def server(self, names: Iterable[str]) -> Identity:
        """The server's own certificate for this machine's names and `names`: the kept one while it is good."""
        wanted = tuple(dict.fromkeys([*_ALWAYS, *names]))
        kept = self._kept(frozenset(wanted))
        if kept is not None:
            return kept
        made = certificates.server(self.ca, wanted)
        if self.folder is not None:
            _write(self.folder / "server.pem", made.pem + made.key_pem, 0o600)
        return made

    def _kept(self, names: frozenset[str]) -> Identity | None:
        if self.folder is None:
            return None
        try:
            raw = (self.folder / "server.pem").read_bytes()
            found = Identity.load(raw, raw)
            found.certificate.verify_directly_issued_by(self.ca.certificate)
        except (OSError, ValueError, TypeError, InvalidSignature):
            return None
        is_good = found.certificate.not_valid_after_utc > certificates.now() + _SPARE
        return found if is_good and certificates.names_of(found.certificate) == names else None


def _make(folder: Path) -> None:
    """A new authority, whole or not at all: of two servers that start at once, both use the first one's."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    ca = certificates.new_authority()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".tls-", ignore_cleanup_errors=True) as scratch:
        new = Path(scratch) / "tls"
        new.mkdir(mode=0o755)
        _write(new / "ca.pem", ca.pem, 0o644)
        _write(new / "ca.key", ca.key_pem, 0o600)
        try:
            new.rename(folder)
        except OSError:
            if not (folder / "ca.key").exists():
                raise


def _write(path: Path, content: bytes, mode: int) -> None:
    """The file at once, whole and of this mode."""
    handle, scratch = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(scratch).chmod(mode)
        Path(scratch).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(scratch).unlink()
        raise


@contextlib.contextmanager
def ca_file_of(authority: Authority) -> Iterator[Path]:
    """A file with the certificate to trust, for as long as it is needed."""
    if authority.ca_file is not None:
        yield authority.ca_file
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ca.pem"
        path.write_bytes(authority.ca_pem)
        yield path


def default_data_dir() -> Path:
    """Where a user's data lies when nothing else is said: `$XDG_DATA_HOME/emr-sandbox`, or what stands for it."""
    home = os.environ.get("XDG_DATA_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(home) if home else Path.home() / ".local" / "share") / "emr-sandbox"
