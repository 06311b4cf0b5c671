"""Whether a signature is of this Ed25519 key. Verifying holds no secret; what signs is a key in KMS.

In: public key, message, signature. Out: yes or no. Effects: none. As RFC 8032 has it, without the cofactor, with
values that are not reduced refused, as Go's crypto/ed25519 does.
https://www.rfc-editor.org/rfc/rfc8032#section-5.1.7
"""

import hashlib

_Point = tuple[int, int, int, int]
_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
_NEUTRAL: _Point = (0, 1, 1, 0)
SIGNATURE_BYTES = 64
PUBLIC_KEY_BYTES = 32


def is_signed_by(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is the key's, of the message."""
    key = _point_of(public_key)
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or len(signature) != SIGNATURE_BYTES or scalar >= _ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(digest, "little") % _ORDER
    x, y, z, t = key
    found = _sum_of_products(scalar, _BASE, challenge, (-x % _P, y, z, -t % _P))
    return _encoded(found) == signature[:32]


def _sum_of_products(first: int, point: _Point, second: int, other: _Point) -> _Point:
    both, found = _add(point, other), _NEUTRAL
    for bit in range(max(first.bit_length(), second.bit_length()) - 1, -1, -1):
        found = _add(found, found)
        match first >> bit & 1, second >> bit & 1:
            case 1, 1:
                found = _add(found, both)
            case 1, 0:
                found = _add(found, point)
            case 0, 1:
                found = _add(found, other)
    return found


def _add(one: _Point, two: _Point) -> _Point:
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = two
    a, b = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = 2 * t1 * t2 * _D % _P, 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _point_of(encoded: bytes) -> _Point | None:
    """The point of a public key; None for what is none."""
    if len(encoded) != PUBLIC_KEY_BYTES:
        return None
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x = _x_of(y, sign) if y < _P else None
    return None if x is None else (x, y, 1, x * y % _P)


def _x_of(y: int, sign: int) -> int | None:
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    return _P - x if x & 1 != sign else x


def _encoded(point: _Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(32, "little")


_BASE_Y = 4 * pow(5, -1, _P) % _P
_BASE_X = _x_of(_BASE_Y, 0) or 0
_BASE: _Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)
