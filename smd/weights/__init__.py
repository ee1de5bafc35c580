"""Weights and whole networks from anybody's files: checked, bounded, and nothing of them is run."""

from smd.weights.contents import Weights, read
from smd.weights.limits import LARGEST
from smd.weights.loading import load_into
from smd.weights.networks import is_whole, whole

__all__ = ["LARGEST", "Weights", "is_whole", "load_into", "read", "whole"]
