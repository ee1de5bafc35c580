"""The defenses' names in Python: those of the classes that the registry names. Needs no torch."""

from smd import registry
from smd.registry import Defense


def class_name(defense: Defense) -> str:
    """What the defense is called in Python, as in `smd.TRADES`."""
    return defense.target.partition(":")[2]


def defense_of(name: str) -> Defense | None:
    """The registry's defense that is called so in Python, None if there is none."""
    return next((d for d in registry.DEFENSES.values() if class_name(d) == name), None)


def defense_names() -> list[str]:
    """The names of all defenses in Python."""
    return [class_name(defense) for defense in registry.DEFENSES.values()]
