"""The environment that makes a program of another language trust the local authority, beside what it trusted."""

from __future__ import annotations

import ssl
from pathlib import Path

from simulator.tls.authority import Authority
from simulator.tls.trust import environment_of


def authorities_in(path: str) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    return context.cert_store_stats()["x509_ca"]


def test_every_variable_names_a_file_with_our_authority(tmp_path: Path) -> None:
    ours = Authority.kept_in(tmp_path)
    assert ours.ca_file is not None
    made = environment_of(ours.ca_file, tmp_path, {})
    assert set(made) == {"EMR_CA_FILE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}
    assert made["EMR_CA_FILE"] == made["NODE_EXTRA_CA_CERTS"] == str(ours.ca_file)
    assert all(ours.ca_pem in Path(file).read_bytes() for file in made.values())


def test_what_was_trusted_before_still_is(tmp_path: Path) -> None:
    ours, other = Authority.kept_in(tmp_path), Authority.in_memory()
    assert ours.ca_file is not None
    theirs = tmp_path / "theirs.pem"
    theirs.write_bytes(other.ca_pem)
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE")
    made = environment_of(ours.ca_file, tmp_path, dict.fromkeys(names, str(theirs)))
    assert [authorities_in(made[name]) for name in names] == [2, 2, 2, 2]
    assert authorities_in(made["EMR_CA_FILE"]) == 1


def test_a_variable_that_leads_nowhere_counts_for_nothing(tmp_path: Path) -> None:
    ours = Authority.kept_in(tmp_path)
    assert ours.ca_file is not None
    made = environment_of(ours.ca_file, tmp_path, {"NODE_EXTRA_CA_CERTS": "/no/such/file"})
    assert made["NODE_EXTRA_CA_CERTS"] == str(ours.ca_file)
