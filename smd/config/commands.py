"""The shell command that does the same as a form: shown on every page that starts a job."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from smd.config.schema import AttackConfig, EmbedConfig, MarginsConfig, TrainConfig, Value
from smd.program import WORDS
from smd.registry import ATTACKS, DEFENSES, ESTIMATORS, Param
from smd.units import show_level, show_levels


def train_command(config: TrainConfig) -> str:
    """The command that trains with this config, quoted for a shell."""
    return shlex.join([*WORDS, "train", *train_words(config)])


def train_words(config: TrainConfig) -> list[str]:
    """The options that describe this config to `train` and `probe`."""
    known = DEFENSES[config.defense].params if config.defense in DEFENSES else ()
    words = ["--data", config.data, "--net", config.net]
    words += ["--defense", _choice(config.defense, config.params, known)]
    words += ["--recipe", config.recipe] if config.recipe != TrainConfig.recipe else []
    words += ["--epochs", str(config.epochs), "--seed", str(config.seed), "--device", config.device]
    words += ["--path", config.data_path] if config.data_path else []
    words += ["--image-size", str(config.image_size)] if config.image_size else []
    words += ["--skip-broken"] if config.skip_broken else []
    words += ["--channels", config.channels] if config.channels else []
    words += ["--batch", str(config.batch)] if config.batch != config.how.batch else []
    words += ["--precision", config.precision] if config.precision != TrainConfig.precision else []
    words += ["--n-train", str(config.n_train)] if config.n_train else []
    words += ["--n-test", str(config.n_test)] if config.n_test else []
    words += (
        ["--n-margins", str(config.n_margins)] if config.n_margins != TrainConfig.n_margins else []
    )
    return words


def sweep_command(configs: Sequence[TrainConfig]) -> str:
    """The command that trains these configs, which differ in defense and seed alone."""
    choices = [_choice(c.defense, c.params, DEFENSES[c.defense].params) for c in configs]
    words = train_words(replace(configs[0], defense="std", params={}, seed=0))
    # each defense has its own then
    own = ("--epochs", "--batch") if configs[0].recipe == "official" else ()
    for option in ("--defense", "--seed", *own):
        if option in words:
            place = words.index(option)
            del words[place : place + 2]
    words += ["--defenses", ",".join(dict.fromkeys(choices))]
    words += ["--seeds", ",".join(dict.fromkeys(str(c.seed) for c in configs))]
    return shlex.join([*WORDS, "sweep", *words])


def attack_command(config: AttackConfig, *others: str) -> str:
    """The command that attacks with this config, its run and any others the same way, quoted for a
    shell."""
    known = ATTACKS[config.attack].params if config.attack in ATTACKS else ()
    words = [config.run, *others, "--attack", _choice(config.attack, config.params, known)]
    words += ["--eps", show_levels(config.levels, config.norm)] if config.levels else []
    words += ["--norm", config.norm] if config.norm != AttackConfig.norm else []
    words += ["--split", config.split]
    words += ["--ids", ",".join(map(str, config.ids))] if config.ids else ["--n", str(config.n)]
    words += ["--seeds", ",".join(map(str, config.seeds)), "--device", config.device]
    words += ["--batch", str(config.batch)] if config.batch != AttackConfig.batch else []
    words += ["--keep", str(config.keep)] if config.keep != AttackConfig.keep else []
    return shlex.join([*WORDS, "attack", *words])


def margins_command(config: MarginsConfig) -> str:
    """The command that estimates margins with this config, quoted for a shell."""
    known = ESTIMATORS[config.method].params if config.method in ESTIMATORS else ()
    words = [config.run, "--method", _choice(config.method, config.params, known)]
    words += ["--eps", show_levels(config.levels, config.norm)] if config.levels else []
    words += ["--norm", config.norm] if config.norm != MarginsConfig.norm else []
    words += [
        "--split",
        config.split,
        "--n",
        str(config.n),
        "--seed",
        str(config.seed),
        "--device",
        config.device,
    ]
    words += ["--batch", str(config.batch)] if config.batch != MarginsConfig.batch else []
    return shlex.join([*WORDS, "margins", *words])


def embed_command(config: EmbedConfig) -> str:
    """The command that makes a map with this config, quoted for a shell."""
    words = [config.run, "--split", config.split, "--n", str(config.n)]
    words += ["--pairs", str(config.pairs)] if config.pairs != EmbedConfig.pairs else []
    words += ["--eps", show_level(config.level)] if config.level else []
    words += ["--seed", str(config.seed), "--device", config.device]
    words += ["--batch", str(config.batch)] if config.batch != EmbedConfig.batch else []
    return shlex.join([*WORDS, "embed", *words])


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
