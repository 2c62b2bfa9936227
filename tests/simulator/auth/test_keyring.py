"""The keyring: deterministic RSA keys without key material in the repository."""

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jws

from simulator.auth import keyring

BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
EVERY = [(slot, which) for slot in range(keyring.SLOTS) for which in (0, 1)]


def is_prime(n: int) -> bool:
    """Miller-Rabin for the twelve bases; a composite of 1024 random bits passes one of them with odds below 2**-80."""
    twos = ((n - 1) & -(n - 1)).bit_length() - 1
    odd = (n - 1) >> twos
    for base in BASES:
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        if not any((x := x * x % n) == n - 1 for _ in range(twos - 1)):
            return False
    return True


@pytest.mark.parametrize(("slot", "which"), EVERY)
def test_every_prime_of_the_table_is_prime(slot, which):
    assert is_prime(keyring.primes(slot)[which])


def test_the_primality_test_itself_refuses_composites():
    p, q = keyring.primes(0)
    assert not is_prime(p * q)
    assert not is_prime(3215031751)  # passes the bases 2, 3, 5, 7


def test_all_primes_differ_and_every_modulus_has_2048_bits():
    primes = [keyring.primes(slot)[which] for slot, which in EVERY]
    assert len(set(primes)) == 2 * keyring.SLOTS
    assert all((p * q).bit_length() == 2048 for p, q in map(keyring.primes, range(keyring.SLOTS)))


def test_offsets_are_the_distance_to_the_first_prime_above_the_start():
    start = keyring.start(1, "q")
    assert [n - start for n in range(start, keyring.primes(1)[1] + 1, 2) if is_prime(n)] == [16]


@pytest.mark.parametrize("slot", range(keyring.SLOTS))
def test_what_a_key_signs_its_public_half_verifies(slot):
    key = keyring.key(slot)
    signed = jws.serialize_compact({"alg": "RS384"}, b"hello", key.joserfc, algorithms=["RS384"])
    assert jws.deserialize_compact(signed, key.public, algorithms=["RS384"]).payload == b"hello"


def test_the_pem_is_the_same_key_and_passes_the_full_validation_of_the_library():
    key = keyring.key(2, "k")
    loaded = load_pem_private_key(key.pem.encode(), None)
    assert loaded.private_numbers().p == keyring.primes(2)[0]
    assert loaded.private_numbers() == key.joserfc.private_key.private_numbers()


def test_the_public_jwk_has_no_private_member():
    public = keyring.key(0, "k").public_jwk
    assert set(public) == {"kty", "n", "e", "kid"}
    assert keyring.jwks(keyring.key(0, "k"))["keys"] == [{**public, "use": "sig"}]


def test_a_key_without_name_is_named_by_its_thumbprint():
    assert keyring.key(0).kid == keyring.key(0).joserfc.thumbprint()


def test_a_slot_that_is_not_there_is_refused():
    with pytest.raises(IndexError, match="there are 0 to 15"):
        keyring.key(16)
