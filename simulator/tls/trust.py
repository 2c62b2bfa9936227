"""How a program of another language is told whom to trust: by its environment."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path


def environment_of(ca_file: Path, folder: Path, before: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that make a program trust `ca_file`, beside what it trusted before.

    `EMR_CA_FILE` names our authority alone; Node adds `NODE_EXTRA_CA_CERTS` to its own. OpenSSL (`SSL_CERT_FILE`; curl,
    Go, Ruby, httpx) and requests (`REQUESTS_CA_BUNDLE`) trust nothing but the file that is named, so these get one in
    `folder` that holds both.
    """
    made = {"EMR_CA_FILE": str(ca_file)}
    own = ssl.get_default_verify_paths().cafile
    for name, trusted in (("SSL_CERT_FILE", own), ("REQUESTS_CA_BUNDLE", own), ("NODE_EXTRA_CA_CERTS", None)):
        made[name] = str(_with(ca_file, before.get(name) or trusted, folder, name.lower()))
    if before.get("CURL_CA_BUNDLE"):  # where it is set, curl looks at nothing else
        made["CURL_CA_BUNDLE"] = str(_with(ca_file, before["CURL_CA_BUNDLE"], folder, "curl_ca_bundle"))
    return made


def _with(ca_file: Path, other: str | None, folder: Path, name: str) -> Path:
    """A file with the certificates of both, or `ca_file` when there is no other."""
    if not other or not Path(other).is_file():
        return ca_file
    both = folder / f"{name}.pem"
    both.write_bytes(ca_file.read_bytes() + b"\n" + Path(other).read_bytes())
    return both
