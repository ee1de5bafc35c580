"""Self-adaptive Margin Defense: adversarial training without a noise level to tune.

In your own code: `smd.SMD`, `smd.AT`, `smd.TRADES`, ... are defenses for your own training loop,
`smd.attack` and `smd.estimate_margins` judge any network, `smd.train` and `smd.load_run` make and
read runs. Each is imported when it is first used: `import smd` alone loads no torch. Pixels are in
[0, 1] everywhere; noise levels and margins are lengths in that unit, 8/255 for "8". What is wrong
with an argument is a UserError, one sentence that says what to do.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from smd.version import __version__ as __version__

if TYPE_CHECKING:
    from smd.api.attack import attack
    from smd.api.attack_result import AttackResult
    from smd.api.balanced import BalancedBatches
    from smd.api.estimate import estimate_margins
    from smd.api.ids import WithIds
    from smd.api.import_weights import import_weights
    from smd.api.own_loop import OwnLoop
    from smd.api.run import LoadedRun, load_run
    from smd.api.train import train
    from smd.errors import UserError

    SMD: type[OwnLoop]
    STD: type[OwnLoop]
    AT: type[OwnLoop]
    TRADES: type[OwnLoop]
    MART: type[OwnLoop]
    FAT: type[OwnLoop]
    GAIRAT: type[OwnLoop]
    MMA: type[OwnLoop]
    DAT: type[OwnLoop]
    CAT: type[OwnLoop]
    ATES: type[OwnLoop]
    IAAT: type[OwnLoop]
    CustomizedAT: type[OwnLoop]

__all__ = [
    "AT",
    "ATES",
    "CAT",
    "DAT",
    "FAT",
    "GAIRAT",
    "IAAT",
    "MART",
    "MMA",
    "SMD",
    "STD",
    "TRADES",
    "AttackResult",
    "BalancedBatches",
    "CustomizedAT",
    "LoadedRun",
    "OwnLoop",
    "UserError",
    "WithIds",
    "attack",
    "estimate_margins",
    "import_weights",
    "load_run",
    "train",
]

_HOMES = {  # name -> module; every other public name is a defense's
    "AttackResult": "smd.api.attack_result",
    "BalancedBatches": "smd.api.balanced",
    "LoadedRun": "smd.api.run",
    "OwnLoop": "smd.api.own_loop",
    "UserError": "smd.errors",
    "WithIds": "smd.api.ids",
    "attack": "smd.api.attack",
    "estimate_margins": "smd.api.estimate",
    "import_weights": "smd.api.import_weights",
    "load_run": "smd.api.run",
    "train": "smd.api.train",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name[:1].isupper():  # not a room's, such as smd.registry
        from smd.api.names import defense_of

        if defense := defense_of(name):
            from smd.api.defenses import own_loop

            return own_loop(defense)
    raise AttributeError(f"module 'smd' has no attribute '{name}'")


def __dir__() -> list[str]:
    from smd.api.names import defense_names

    return sorted({*globals(), *__all__, *defense_names()})
