"""Randomness as a function of (seed, purpose, epoch, step): a resumed run restores no generator."""

import hashlib

import torch


def derived(*keys: int | str) -> int:
    """A 63-bit seed that depends on every key and on nothing else."""
    digest = hashlib.blake2b(repr(keys).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(device: torch.device | str, *keys: int | str) -> torch.Generator:
    """A generator on the device, seeded by the keys."""
    return torch.Generator(device).manual_seed(derived(*keys))
