"""Splitting the targets between several exporters, by a hash that every one of them computes alike."""

import hashlib
import re
from dataclasses import dataclass

from aws_vpn_exporter.target import Target


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index`, counted from 0, of `count`."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The shard that `i/n` names. Raises ValueError."""
        match = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
        if not match or int(match[1]) >= int(match[2]):
            raise ValueError(f"{text!r} is no shard; write i/n with i from 0 to n-1, such as 0/3")
        return cls(int(match[1]), int(match[2]))

    def has(self, target: Target) -> bool:
        """Whether the target is this shard's: the one whose hash with it is the highest of all shards'.

        So each target has one owner, and one more shard takes over only what is its own from then on.
        """
        return self.count == 1 or self.index == max(range(self.count), key=lambda index: _weight(target, index))


EVERYTHING = Shard(0, 1)


def _weight(target: Target, index: int) -> bytes:
    return hashlib.blake2b(f"{target}#{index}".encode(), digest_size=8).digest()
