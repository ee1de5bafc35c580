"""Commands on a run take the norm that it was trained in, unless they name one."""

import json

import pytest

from smd import __main__ as cli
from smd.cli import attack, estimate, score
from smd.config import commands
from smd.config.schema import AttackConfig, EstimateConfig, ScoreConfig
from smd.store import reader

LENGTHS = (0.25, 0.5, 1.0)
KINDS = {"attack": attack, "estimate": estimate, "score": score}


def asked(run, verb, *words):
    """The config that a command describes."""
    return KINDS[verb].config_from(cli.parser().parse_args([verb, run.id, *words]), run)


@pytest.mark.parametrize("verb", KINDS)
def test_the_norm_is_the_runs_own_unless_one_is_named(verb, in_l2):
    assert asked(in_l2, verb).norm == "L2"
    assert asked(in_l2, verb, "--norm", "Linf").norm == "Linf"


@pytest.mark.parametrize("verb", KINDS)
def test_of_a_run_in_linf_it_is_linf(verb, finished):
    assert asked(finished[0], verb).norm == "Linf"
    assert asked(finished[0], verb, "--norm", "L2").norm == "L2"


def test_a_method_that_must_be_told_how_far_to_look_looks_as_far_as_the_run_is_watched(in_l2):
    assert asked(in_l2, "estimate", "--method", "pgd").levels == LENGTHS
    assert asked(in_l2, "estimate", "--method", "pgd", "--eps", "2").levels == (2.0,)
    assert asked(in_l2, "estimate", "--method", "pgd:eps=0.5").levels == (0.5,)
    assert asked(in_l2, "estimate", "--method", "pgd", "--norm", "Linf").levels == (8 / 255,)
    assert asked(in_l2, "estimate").levels == ()


def test_an_attack_judges_it_at_lengths_and_clinical_reads_them(in_l2, smd_here):
    words = ("--attack", "ce-pgd:steps=1", "--n", 10, "--seeds", 0, "--device", "cpu")
    smd_here("attack", in_l2.id, *words)
    rows = reader.attack_runs(in_l2.store)
    rows = rows[(rows["steps"] == 1) & (rows["n"] == 10)]
    assert set(rows["norm"]) == {"L2"}
    assert sorted(rows["eps"]) == [0.0, *LENGTHS]
    told = smd_here("clinical", in_l2.id, "--attack", "ce-pgd", "--format", "json")
    levels = {row["noise level"] for row in json.loads(told.stdout)}
    assert {"0.25 L2", "0.5 L2", "1 L2"} <= levels
    assert "--norm" not in told.stderr  # what it advises needs none
    linf = smd_here("clinical", in_l2.id, "--norm", "Linf", "--eps", "8/255", check=False)
    assert "--split test --norm Linf` finds their scores" in linf.stderr


def test_an_estimates_table_tells_shares_beyond_lengths(in_l2, smd_here):
    words = ("--method", "gem:rounds=2", "--n", 6, "--device", "cpu", "--format", "json")
    (row,) = json.loads(smd_here("estimate", in_l2.id, *words).stdout)
    assert "median (L2)" in row
    assert {f"beyond {length:g} L2 (%)" for length in LENGTHS} <= row.keys()
    assert not [name for name in row if "255" in name]


def test_the_command_of_a_job_names_the_norm_where_run_and_job_are_not_both_in_linf():
    for command, config in (
        (commands.attack_command, AttackConfig),
        (commands.estimate_command, EstimateConfig),
        (commands.score_command, ScoreConfig),
    ):
        linf, l2 = config("r"), config("r", norm="L2")
        assert "--norm" not in command(linf)
        assert "--norm L2" in command(l2)
        assert "--norm L2" in command(l2, own="L2")
        assert "--norm Linf" in command(linf, own="L2")
        assert "--norm Linf" in command(linf, own=commands.shared(["L2", "Linf"]))
    assert commands.shared(["L2", "L2"]) == "L2"
