"""The arithmetic behind addresses: keccak-256, base58 with its checksum, bech32.

Sources: https://keccak.team/keccak_specs_summary.html, BIP-173 and BIP-350 for bech32.
"""

from __future__ import annotations

import hashlib

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
#: What the checksum of a bech32 text comes to: BIP-173, BIP-350.
BECH32_SUM, BECH32M_SUM = 1, 0x2BC830A3

_WORD = (1 << 64) - 1
_RATE = 136  # bytes that keccak-256 takes in at once


def _round_constants() -> tuple[int, ...]:
    """The 24 constants of Keccak, from its own shift register."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for bit in range(7):
            if register & 1:
                constant |= 1 << ((1 << bit) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


_CONSTANTS = _round_constants()


def _turn(word: int, by: int) -> int:
    return ((word << by) | (word >> (64 - by))) & _WORD if by else word


def _permute(lanes: list[int]) -> list[int]:
    """Keccak-f[1600] on 25 lanes of 64 bits; lane (x, y) stands at x + 5y."""
    for constant in _CONSTANTS:
        parity = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
                  for x in range(5)]  # fmt: skip
        mixed = [parity[(x + 4) % 5] ^ _turn(parity[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ mixed[place % 5] for place, lane in enumerate(lanes)]
        x, y, moving = 1, 0, lanes[1]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            place = x + 5 * y
            lanes[place], moving = _turn(moving, (step + 1) * (step + 2) // 2 % 64), lanes[place]
        lanes = [
            lanes[p] ^ (~lanes[p - p % 5 + (p + 1) % 5] & lanes[p - p % 5 + (p + 2) % 5])
            for p in range(25)
        ]
        lanes[0] ^= constant
    return lanes


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it (padding 0x01, not the later SHA-3)."""
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % _RATE))
    padded[-1] |= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for place in range(_RATE // 8):
            at = start + 8 * place
            lanes[place] ^= int.from_bytes(padded[at : at + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def base58(text: str, alphabet: str = BASE58) -> bytes | None:
    """The bytes behind base58, or None where a character does not belong there."""
    number = 0
    for letter in text:
        digit = alphabet.find(letter)
        if digit < 0:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def base58check(text: str, alphabet: str = BASE58) -> bytes | None:
    """Version and payload, or None where the checksum is wrong."""
    raw = base58(text, alphabet) or b""
    body, check = raw[:-4], raw[-4:]
    right = hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4]
    return body if body and check == right else None


def bech32(text: str) -> tuple[str, list[int], int] | None:
    """Prefix, data of 5 bits each and the checksum's constant, or None where it is no bech32."""
    prefix, _, data = text.lower().rpartition("1")
    if not prefix or text not in (text.lower(), text.upper()) or not set(data) <= set(BECH32):
        return None
    values = [BECH32.index(letter) for letter in data]
    codes = [ord(letter) for letter in prefix]
    check = 1
    for value in (*(code >> 5 for code in codes), 0, *(code & 31 for code in codes), *values):
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= term if top >> bit & 1 else 0
    return prefix, values[:-6], check


def to_bytes(values: list[int]) -> bytes | None:
    """5-bit values as bytes, or None where the padding is not zero or too long."""
    number = 0
    for value in values:
        number = number << 5 | value
    spare = len(values) * 5 % 8
    if spare > 4 or number & ((1 << spare) - 1):  # noqa: PLR2004
        return None
    return (number >> spare).to_bytes(len(values) * 5 // 8)
