"""A door that a careful caller does not walk through: the certificate, the protocol or the handshake is bad."""

from __future__ import annotations

from simulator.faults.fault import Arg, Fault

SHOWN = (
    "self_signed", "expired", "not_yet_valid", "wrong_host", "untrusted_ca", "tls11", "mutual", "plain",
    "with_plain", "handshake_failure", "reset",
)  # fmt: skip

FAULT = Fault(
    name="bad_tls",
    says="shows new connections to a vendor's own door a bad certificate, TLS 1.1 only, plain HTTP (`with_plain`: to "
    "whoever comes without TLS, beside a good certificate), or breaks the handshake; needs a server with `--tls` and a "
    "door (POST …/vendors/{v}/door)",
    args={"shows": Arg(str, "expired", "what is shown", one_of=SHOWN)},
    meets=lambda act: str(act.args["shows"]),
)
