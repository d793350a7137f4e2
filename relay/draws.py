"""Random draws that depend on (seed, problem, sample, purpose) and on nothing else.

Never on the cell or on the order of work: cells are paired, and a resumed run is the same run.
"""

import hashlib
import random


def seed_of(seed: int, problem: str, sample: int, *purpose: object) -> int:
    """A seed of 63 bits for this purpose (what is drawn, the node, its visit, the pen's path)."""
    content = f"{seed}\x1f{problem}\x1f{sample}\x1f" + "\x1f".join([str(part) for part in purpose])
    return int.from_bytes(hashlib.blake2b(content.encode(), digest_size=8).digest(), "little") >> 1


def generator(seed: int, problem: str, sample: int, *purpose: object) -> random.Random:
    """A generator seeded for this purpose."""
    return random.Random(seed_of(seed, problem, sample, *purpose))
