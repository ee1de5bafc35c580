"""The shell command that does the same as a form: shown on every page that starts a job."""

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from smd.config import options
from smd.config.options import Field
from smd.config.schema import (
    AttackConfig,
    EmbeddingConfig,
    EstimateConfig,
    ImportConfig,
    ScoreConfig,
    TrainConfig,
    Value,
)
from smd.program import WORDS
from smd.registry import Param
from smd.units import show_level, show_levels


def words(config: Any, leave_out: Collection[str] = (), own: str = "Linf") -> list[str]:
    """The options that describe this config, but for those fields: what is seldom changed last.

    own: the norm that its run was trained in; Linf goes without saying where it is that. "": of
    several runs, which differ in it.
    """
    return [
        word
        for each in sorted(options.fields(type(config)), key=lambda each: each.option.seldom)
        if each.name not in leave_out
        for word in _words(each, config, own)
    ]


def _words(each: Field, config: Any, own: str) -> list[str]:
    value, option = getattr(config, each.name), each.option
    usual = each.usual(config) if own == each.default or not option.of_run else None
    if option.unless and getattr(config, option.unless):
        return []
    if not option.always and value == usual:
        return []
    return [each.flag] if each.shape == "bool" else [each.flag, _text(each, value, config)]


def _text(each: Field, value: Any, config: Any) -> str:
    """A field's value as its flag takes it."""
    option = each.option
    if option.knobs and option.table is not None:
        known = option.table[value].params if value in option.table else ()
        return _choice(value, config.params, known)
    if option.level:
        levels = value if isinstance(value, tuple) else (value,)
        return show_levels(levels, getattr(config, "norm", "Linf"))
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def train_words(config: TrainConfig) -> list[str]:
    """The options that describe this config to `train` and `probe`."""
    return words(config)


def train_command(config: TrainConfig) -> str:
    """The command that trains with this config, quoted for a shell."""
    return shlex.join([*WORDS, "train", *words(config)])


def import_command(config: ImportConfig) -> str:
    """The command that imports weights with this config, quoted for a shell."""
    return shlex.join([*WORDS, "import", config.file, *words(config, ("file",))])


def sweep_command(configs: Sequence[TrainConfig]) -> str:
    """The command that trains these configs, which differ in defense, seed and fold alone."""
    defense = options.field(TrainConfig, "defense")
    choices = [_text(defense, config.defense, config) for config in configs]
    # with the official recipe each defense has its own epochs and batch size
    own = ("epochs", "batch") if configs[0].recipe == "official" else ()
    seeds = dict.fromkeys(str(config.seed) for config in configs)
    each = ["--defenses", ",".join(dict.fromkeys(choices)), "--seeds", ",".join(seeds)]
    return shlex.join(
        [*WORDS, "sweep", *words(configs[0], ("defense", "seed", "fold", *own)), *each]
    )


def shared(norms: Iterable[str]) -> str:
    """The norm of several runs, as `words` has it: "" where they differ."""
    different = {*norms}
    return different.pop() if len(different) == 1 else ""


def attack_command(config: AttackConfig, *others: str, own: str = "Linf") -> str:
    """The command that attacks with this config, its run and any others the same way, quoted for a
    shell; own: as for `words`."""
    asked = _named(words(config, own=own), config.named)
    return shlex.join([*WORDS, "attack", config.run, *others, *asked])


def estimate_command(config: EstimateConfig, own: str = "Linf") -> str:
    """The command that estimates margins with this config, quoted for a shell; own: as for
    `words`."""
    asked = _named(words(config, own=own), config.named)
    return shlex.join([*WORDS, "estimate", config.run, *asked])


def _named(words: list[str], name: str) -> list[str]:
    """The words with a name in place of the ids that it stands for."""
    if not name or "--ids" not in words:
        return words
    at = words.index("--ids") + 1
    return [*words[:at], name, *words[at + 1 :]]


def score_command(config: ScoreConfig, *others: str, own: str = "Linf") -> str:
    """The command that finds worst scores with this config, of its run and any others, quoted for
    a shell; own: as for `words`."""
    return shlex.join([*WORDS, "score", config.run, *others, *words(config, own=own)])


def clinical_command(
    run: str, split: str, threshold: str | float | None = None, **asked: str
) -> str:
    """The command that prints a run's clinical numbers, quoted for a shell.

    asked: norm, attack and weights, "" where they are as usual.
    """
    told = {"split": split, **asked, "threshold": "" if threshold is None else f"{threshold}"}
    words = [word for name, value in told.items() if value for word in (f"--{name}", value)]
    return shlex.join([*WORDS, "clinical", run, *words])


def embedding_command(config: EmbeddingConfig) -> str:
    """The command that makes an embedding with this config, quoted for a shell."""
    return shlex.join([*WORDS, "embedding", config.run, *words(config)])


def locate_command(run: str, path: str = "") -> str:
    """The command that says where a run's images are now, quoted for a shell; PATH stands for one
    that is not known."""
    return (
        f"{shlex.join([*WORDS, 'locate', run, '--path'])} {shlex.quote(path) if path else 'PATH'}"
    )


def query_command(run: str, query: str) -> str:
    """The command that asks a run's store the same, quoted for a shell."""
    return shlex.join([*WORDS, "query", run, query])


def _choice(name: str, params: Mapping[str, Value], known: tuple[Param, ...]) -> str:
    levels = {p.name for p in known if p.kind == "level"}
    pairs = [f"{k}={show_level(float(v)) if k in levels else v}" for k, v in params.items()]
    return ":".join([name, *pairs])
