"""The attack job: evaluate a trained network level by level, and store every sample's verdict."""

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from smd import attacks, registry
from smd.attacks import carried as carried_over
from smd.config.notes import AVERAGED, SOUND
from smd.config.schema import AttackConfig
from smd.core.lp import Norm
from smd.data.batches import spread
from smd.errors import UserError
from smd.evaluation import examples as adv
from smd.evaluation import state as evaluation_state
from smd.evaluation.evaluate import Target, Task, Verdict, evaluate_level
from smd.evaluation.prior_verdicts import Nearest, merged
from smd.evaluation.state import EvaluationState
from smd.jobs.session import Cancelled
from smd.nets.modes import frozen
from smd.store import reader
from smd.store.records import AttackRecord, StageRecord, Verdicts
from smd.tasks.attack_plan import share_of_all, told, undone, work_items
from smd.tasks.batch_size import batch_size, smaller
from smd.tasks.opening import Opened, opening
from smd.tasks.sound import carried
from smd.terminal.progress import Eta
from smd.units import level_title, show_bytes


def attack_run(folder: Path, log: Path | None = None) -> None:
    """Do a queued attack in this process; errors and log: see opening."""
    with opening(AttackConfig, folder, log) as work:
        evaluate(work)
        work.recorder.flush()
        (folder / "judging.npz").unlink(missing_ok=True)


def chosen(config: AttackConfig, n: int) -> Tensor:
    """The sample ids to attack: those named, or some spread evenly over the split, or all.

    Raises UserError if the split has fewer.
    """
    if config.ids and max(config.ids) >= n:
        raise UserError(
            f"There is no sample {max(config.ids)}: the {config.split} split has {n} images."
        )
    if config.n > n:
        raise UserError(f"{config.n} images are too many: the {config.split} split has {n}.")
    return torch.tensor(config.ids) if config.ids else spread(n, config.n or n)


Work = Opened[AttackConfig]
Overall = Callable[[float], float]  # the share of all work, by that of a level and seed


def evaluate(work: Work) -> None:
    """Judge clean images, then every level with the first seed, then with the next; what is stored
    is kept."""
    config, rows = work.config, work.rows
    ids = chosen(config, len(rows)).to(rows.labels.device)
    with torch.no_grad():
        classes = work.model(rows.take(ids[:1]).x).shape[1]
    plan = attacks.build(config.attack, config.params).plan(classes)
    size = batch_size(work.folder, config, work.model, rows, ids, work.processes)
    _announce(work, len(ids), size, classes, plan.note)
    levels = config.levels or work.run.config.levels_in(config.norm)
    if config.sound:  # a smaller level tells of the larger ones
        plan, levels = carried_over.carrying(plan), tuple(sorted(levels))
    items = work_items(work.job, plan, levels, config.seeds, config.norm)
    todo = undone(reader.attack_runs(work.run.store), work.job, items)
    eta = Eta(
        sum(item.cost for item in items if item not in todo) / sum(item.cost for item in items)
    )
    nearest, labels = Nearest(), rows.labels[ids]
    for number, item in enumerate(items):
        if item not in todo:
            continue
        keep = config.keep if item.eps and item.seed == config.seeds[0] else 0
        known = merged(nearest.at(item.eps, labels), told(work.run.store, plan, items, number, ids))
        if config.sound and item.eps:
            known = carried(work.run, config, plan, item.eps, ids, labels, known)
        norm = cast(Norm, config.norm)
        task = Task(ids, plan, item.eps, item.seed, size, norm, keep, bool(config.ids), known)
        size = _evaluate_task(
            work, item.name, task, partial(share_of_all, items, number), eta, nearest
        )


def _announce(work: Work, n: int, size: int, classes: int, note: str) -> None:
    """Say beforehand what will be attacked, what that means, and how much disk it may take."""
    config, level = work.config, math.prod(work.rows.shape)
    space = adv.space(min(config.keep, n), level, classes)
    kept = f"{min(config.keep, n):,} adversarial images take {show_bytes(space)} a level"
    if space > adv.LIMIT:
        raise UserError(
            f"{kept}, and {show_bytes(adv.LIMIT)} is the most: keep fewer, with --keep."
        )
    if space > (free := shutil.disk_usage(work.run.folder).free):
        raise UserError(
            f"The disk has {show_bytes(free)} left, and {kept}: free some space and resume, or keep"
            " fewer, with --keep."
        )
    if note:
        work.progress.line(note)
    kept = (
        f"keeping up to {min(config.keep, n)} adversarial images a level, {show_bytes(space)} at"
        " most"
        if config.keep
        else ""
    )
    title = registry.ATTACKS[config.attack].title
    work.progress.line(
        f"{title} on {n} {config.split} images, {size} a batch{', ' * bool(kept)}{kept}."
    )


def _evaluate_task(
    work: Work, name: str, task: Task, overall: Overall, eta: Eta, nearest: Nearest
) -> int:
    """One level and seed, from where an earlier try has come to; returns the batch size to go on
    with. nearest: what all levels and seeds have told, and this one adds to."""
    half_done = work.folder / "judging.npz"
    what = _title(work, task)

    def after_batch(state: EvaluationState, part: float) -> None:
        share = overall(part)
        left = eta.left(share)
        stage = task.plan.stages[state.doing - 1].name if state.doing else "clean"
        work.session.report(
            stage=f"attacking {what}: {stage}", batch=round(1000 * share), batches=1000, eta=left
        )
        work.progress.show(share, f"{what}: {stage}", left)
        if task.eps:
            evaluation_state.save(half_done, state, _about(name, task))
        if work.session.stopping:
            raise Cancelled("It was cancelled.")

    begun = evaluation_state.load(half_done, _about(name, task))
    state = replace(begun or EvaluationState.begin(len(task.ids)), nearest=nearest)
    on = Target(work.model, work.rows, after_batch, work.deal)
    while (verdict := _fitting(on, task, state)) is None:
        task = replace(task, size=smaller(work.folder, work.config, task.size))
        work.progress.line(f"The GPU's memory is short: going on with {task.size} images a batch.")
        evaluation_state.save(half_done, state, _about(name, task))
    _keep(work, name, task, state)
    work.recorder.attack(_record(work, name, task, verdict), _verdicts(task, state, verdict))
    if work.recorder.complete:
        half_done.unlink(missing_ok=True)
    _tell(work, task, what, verdict)
    return task.size


def _tell(work: Work, task: Task, what: str, verdict: Verdict) -> None:
    attack = registry.ATTACKS[work.config.attack].title if task.eps else "Clean"
    accuracy, seconds = 100 * verdict.ok.mean(), verdict.seconds
    work.progress.line(f"{attack}, {what}: {accuracy:.2f} % in {seconds:.1f} s")


def _title(work: Work, task: Task) -> str:
    """The images, the level and the seed, as "test at 8/255, seed 0"."""
    seed = f", seed {task.seed}" if task.eps else ""
    averaged = ", averaged weights" * (work.config.weights == "ema")
    return f"{work.config.split} at {level_title(task.eps, task.norm)}{seed}{averaged}"


def _about(name: str, task: Task) -> str:
    return f"{name} of {len(task.ids)}, {task.size} a batch"


def _fitting(target: Target, task: Task, state: EvaluationState) -> Verdict | None:
    """The verdict; None if memory was short, with `state` as it was after the last batch.

    With half the batch size the batches that follow have higher numbers than those before, so none
    draws twice.
    """
    try:
        return evaluate_level(target, task, state)
    except torch.OutOfMemoryError:
        pass  # its traceback holds the tensors
    torch.cuda.empty_cache()
    return None


def _record(work: Work, name: str, task: Task, verdict: Verdict) -> AttackRecord:
    config = work.config
    return AttackRecord(
        id=name,
        name=config.attack,
        eps=task.eps,
        norm=config.norm,
        steps=attack_steps(config),
        seed=task.seed,
        split=config.split,
        n=len(verdict.ok),
        package=task.plan.package,
        version=task.plan.version,
        seconds=verdict.seconds,
        note=_note(config, task),
        job=work.job,
        created=time.time(),
        picked=bool(config.ids),
    )


def _note(config: AttackConfig, task: Task) -> str:
    """What a reader of the table must know: few classes, and settings that are no column of their
    own."""
    settings = [f"{name}={value}" for name, value in config.params.items() if name != "steps"]
    settings += [SOUND] * config.sound
    settings += [AVERAGED] * (config.weights == "ema")
    return " ".join([*([task.plan.note] if task.plan.note else []), *settings])


def _verdicts(task: Task, state: EvaluationState, verdict: Verdict) -> Verdicts:
    names = [stage.name for stage in task.plan.stages] if task.eps else []
    parts = [
        StageRecord(name, state.attacked[k - 1], state.broken(k), state.seconds[k])
        for k, name in enumerate(names, start=1)
    ]
    ids = task.ids.cpu().numpy()
    flags = dict.fromkeys(sorted(state.flags), "")
    return Verdicts(ids, verdict.ok, verdict.pred, verdict.distance, verdict.stage, parts, flags)


def attack_steps(config: AttackConfig) -> int:
    """How many steps the attack takes: as asked, or its own default; 0 if it does not count in
    steps."""
    defaults = {p.name: p.default for p in registry.ATTACKS[config.attack].params}
    return int(config.params.get("steps", defaults.get("steps", 0)))


def _keep(work: Work, name: str, task: Task, state: EvaluationState) -> None:
    """Store the adversarial images that were kept beside the run."""
    if unsure := _unsure(task, state):
        those = "1 adversarial image is" if unsure == 1 else f"{unsure} adversarial images are"
        work.progress.line(
            f"{those} not kept: so near to the decision boundary rounding decides the class."
        )
    if not state.kept:
        return
    positions = sorted(state.kept)
    ids = task.ids[positions]
    batch = work.rows.take(ids)
    with frozen(work.model), torch.no_grad():
        clean = work.model(batch.x).softmax(1)
    arrays = evaluation_state.stacked([state.kept[position] for position in positions])
    noise, whole = adv.packed(arrays["image"], work.rows.pixels_of(ids))
    examples = adv.Examples(
        split=work.config.split,
        idx=ids.cpu().numpy().astype(np.int32),
        eps=np.full(len(ids), task.eps, np.float32),
        noise=noise,
        p_clean=clean.cpu().numpy(),
        p_adv=arrays["p"],
        label=batch.y.cpu().numpy(),
        attack=work.config.attack,
        whole=whole,
        norm=work.config.norm,
    )
    adv.write(work.run.adv / f"{adv.name_of(name)}.npz", examples)


def _unsure(task: Task, state: EvaluationState) -> int:
    """How many images are not kept because rounding decides what they are, though there is room for
    them. What was taken over (--sound) was not tried, so there is no image."""
    tried = torch.ones_like(state.stage, dtype=torch.bool)
    for number, known in task.known.items():
        if task.plan.stages[number - 1].name == carried_over.NAME:
            tried &= ~known.fallen
    which = state.stage != evaluation_state.CLEAN if task.picked else state.stage > 0
    fooled = int((which & tried).sum())
    return max(0, min(task.keep, fooled) - len(state.kept))
