"""XXH3-64 with seed 0, for the reader beside it: xxHash's function in Python.

The names of the parts are ours; the constants and the steps are xxHash 0.8's.
Tens of megabytes a second, which is enough for a specification.
"""

import struct

SECRET = bytes.fromhex("""
    b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f
    cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c
    3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8
    a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364
    eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e
    2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e""")
PRIME32 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
PRIME64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
           0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
PRIME_MIX = 0x165667919E3779F9, 0x9FB21C651E98DF25
M32, M64 = (1 << 32) - 1, (1 << 64) - 1


def word(data, offset, size=8):
    return int.from_bytes(data[offset:offset + size], "little")


def secret(offset):
    return word(SECRET, offset)


def scatter(x, right, factor):
    return ((x ^ x >> right) * factor) & M64


def avalanche(x):
    x = scatter(x & M64, 37, PRIME_MIX[0])
    return x ^ x >> 32


def avalanche_short(x):
    x = scatter(scatter(x, 33, PRIME64[1]), 29, PRIME64[2])
    return x ^ x >> 32


def fold(a, b):
    product = a * b
    return product & M64 ^ product >> 64


def mix16(data, offset, key):
    return fold(word(data, offset) ^ secret(key),
                word(data, offset + 8) ^ secret(key + 8))


def xxh3_to_16(data):
    size = len(data)
    if size == 0:
        return avalanche_short(secret(56) ^ secret(64))
    if size <= 3:
        x = data[size - 1] | size << 8 | data[0] << 16 | data[size // 2] << 24
        return avalanche_short(x ^ word(SECRET, 0, 4) ^ word(SECRET, 4, 4))
    if size <= 8:
        x = word(data, size - 4, 4) | word(data, 0, 4) << 32
        x ^= secret(8) ^ secret(16)
        x ^= (x << 49 | x >> 15) & M64 ^ (x << 24 | x >> 40) & M64
        x = x * PRIME_MIX[1] & M64
        x = (x ^ (x >> 35) + size) * PRIME_MIX[1] & M64
        return x ^ x >> 28
    low = word(data, 0) ^ secret(24) ^ secret(32)
    high = word(data, size - 8) ^ secret(40) ^ secret(48)
    swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
    return avalanche(size + swapped + high + fold(low, high))


def xxh3_to_240(data):
    size = len(data)
    total = size * PRIME64[0]
    if size <= 128:
        for i in range((size + 31) // 32):
            total += mix16(data, 16 * i, 32 * i)
            total += mix16(data, size - 16 * (i + 1), 32 * i + 16)
        return avalanche(total)
    total = avalanche(total + sum(mix16(data, 16 * i, 16 * i)
                                  for i in range(8)))
    total += sum(mix16(data, 16 * i, 16 * (i - 8) + 3)
                 for i in range(8, size // 16))
    return avalanche(total + mix16(data, size - 16, 136 - 17))


STRIPE = 64  # bytes: eight lanes of a word each
BLOCK = (len(SECRET) - STRIPE) // 8 * STRIPE  # the secret moves on by 8


def accumulate(lanes, data, key):
    """Adds whole stripes, the first one with the secret from `key` on."""
    words = struct.unpack(f"<{len(data) // 8}Q", data)
    count = len(data) // STRIPE
    keys = struct.unpack_from(f"<{count + 7}Q", SECRET, key)
    for lane in range(8):
        mine = words[lane::8]
        lanes[lane ^ 1] += sum(mine)
        mixed = [a ^ b for a, b in zip(mine, keys[lane:])]
        lanes[lane] += sum([(x & M32) * (x >> 32) for x in mixed])


def xxh3(data):
    size = len(data)
    if size <= 16:
        return xxh3_to_16(data)
    if size <= 240:
        return xxh3_to_240(data)
    lanes = [PRIME32[2], *PRIME64[:4], PRIME32[1], PRIME64[4], PRIME32[0]]
    blocks = (size - 1) // BLOCK * BLOCK
    for start in range(0, blocks, BLOCK):
        accumulate(lanes, data[start:start + BLOCK], 0)
        lanes = [((x & M64) ^ (x & M64) >> 47 ^ secret(128 + 8 * i))
                 * PRIME32[0] & M64 for i, x in enumerate(lanes)]
    whole = (size - 1) // STRIPE * STRIPE
    accumulate(lanes, data[blocks:whole], 0)
    accumulate(lanes, data[size - STRIPE:], len(SECRET) - STRIPE - 7)
    keyed = [x & M64 ^ secret(11 + 8 * i) for i, x in enumerate(lanes)]
    return avalanche(size * PRIME64[0] + sum(map(fold, keyed[::2],
                                                 keyed[1::2])))
