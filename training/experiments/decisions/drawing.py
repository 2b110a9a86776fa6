"""Arms drawn for the members of a round, the same again for the same seed."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import accumulate


def draw_arms(
    members: Sequence[str], groups: Sequence[str], shares: Mapping[str, Sequence[float]], seed: str
) -> list[int]:
    """The number of the arm of each member.

    Within a group members stand in the order of SHA-256 of seed and id and are dealt out
    systematically from a random start: everybody gets each arm with exactly its share as the
    chance, and no arm is off its share by as much as one member.

    Parameters
    ----------
    members : ids, each once
    groups : of each member
    shares : of each group, per arm, summing to 1
    seed : kept, so that the draw can be repeated
    """
    order = sorted(
        range(len(members)), key=lambda index: (groups[index], _digest(seed, members[index]))
    )
    arms = [0] * len(members)
    for group in sorted(set(groups)):
        indices = [index for index in order if groups[index] == group]
        start = int.from_bytes(_digest(seed, f"start of {group}")[:8]) / 2**64
        limits = list(accumulate(shares[group]))
        for number, index in enumerate(indices):
            position = (number + start) / len(indices) % 1.0
            beyond = sum(position >= limit for limit in limits)
            arms[index] = min(beyond, len(limits) - 1)
    return arms


def _digest(seed: str, text: str) -> bytes:
    return sha256(f"{seed}\0{text}".encode()).digest()
