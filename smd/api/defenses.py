"""`smd.SMD`, `smd.AT`, ...: a class for each defense of the registry, made when asked for."""

import inspect

from smd import registry
from smd.api.names import class_name
from smd.api.own_loop import OwnLoop

_kinds: dict[tuple[str, str], type[OwnLoop]] = {}


def own_loop(defense: registry.Defense) -> type[OwnLoop]:
    """The kind of OwnLoop that trains with a defense of the registry."""
    key = (defense.name, defense.target)
    if key not in _kinds:
        title = class_name(defense)
        fields = {"name": defense.name, "__doc__": _doc(defense), "__module__": "smd"}
        _kinds[key] = type(title, (OwnLoop,), {**fields, "__signature__": _signature(defense)})
    return _kinds[key]


def _doc(defense: registry.Defense) -> str:
    """The text of `help(smd.AT)`: what it is, its source and its knobs."""
    about = inspect.getdoc(registry.load(defense.target)) or ""
    lines = [f"{defense.title} for your own training loop ({defense.source}).", "", about, ""]
    for knob in defense.params:
        choices = f" (one of {', '.join(knob.choices)})" if knob.choices else ""
        lines.append(f"{knob.name}: {knob.help}{choices}.")
    margins = "keeps margins" if defense.margin else "keeps no margins"
    return "\n".join([*lines, f"It {margins}. For all else see smd.OwnLoop."])


def _signature(defense: registry.Defense) -> inspect.Signature:
    """OwnLoop's arguments with the defense's own knobs by name."""
    own = list(inspect.signature(OwnLoop.__init__).parameters.values())[1:-1]
    only = inspect.Parameter.KEYWORD_ONLY
    knobs = [
        inspect.Parameter(p.name, only, default=p.default, annotation=type(p.default))
        for p in defense.params
    ]
    return inspect.Signature([*own, *knobs])
