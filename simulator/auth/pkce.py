"""Proof Key for Code Exchange: S256 and nothing else. Source: RFC 7636; SMART App Launch 2.2.0 refuses `plain`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from simulator.refusal import OAuthRefusal

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


def challenge_of(verifier: str) -> str:
    """BASE64URL(SHA256(verifier)) without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def asked_challenge(challenge: str | None, method: str | None, *, required: bool) -> str:
    """The challenge of an authorization request; empty when there is none and none is required.

    Raises:
        OAuthRefusal: invalid_request, with reason challenge_missing, challenge_method (RFC 7636 section 4.3: a missing
            method means `plain`) or challenge_malformed.
    """
    if not challenge:
        if required or method:
            raise OAuthRefusal("invalid_request", "challenge_missing", "no code_challenge")
        return ""
    if method != "S256":
        raise OAuthRefusal(
            "invalid_request", "challenge_method", f"code_challenge_method {method or 'plain'}: not S256"
        )
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthRefusal("invalid_request", "challenge_malformed", "code_challenge is no BASE64URL of a SHA-256")
    return challenge


def check(verifier: str | None, challenge: str) -> None:
    """Whether the verifier is the one behind the challenge.

    Raises:
        OAuthRefusal: invalid_grant, with reason verifier_missing, verifier_unasked (a verifier where no challenge was:
            somebody took the challenge away on the way), verifier_malformed or verifier_mismatch.
    """
    if not challenge:
        if verifier:
            raise OAuthRefusal("invalid_grant", "verifier_unasked", "a code_verifier, but no challenge was made")
        return
    if not verifier:
        raise OAuthRefusal("invalid_grant", "verifier_missing", "no code_verifier")
    if not _VERIFIER.fullmatch(verifier):
        raise OAuthRefusal("invalid_grant", "verifier_malformed", "code_verifier is not 43 to 128 unreserved letters")
    if not hmac.compare_digest(challenge_of(verifier), challenge):
        raise OAuthRefusal("invalid_grant", "verifier_mismatch", "code_verifier does not fit the challenge")
