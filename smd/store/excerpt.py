"""A small copy of a run's store for another machine: all that a job on the run asks of it."""

from pathlib import Path

from smd.store import writer
from smd.store.connection import reading

# name -> which rows; what is not here no job asks for
TABLES = {
    "meta": "key <> 'schema'",
    "sample": "true",
    "sample_group": "true",
    "epoch_metric": "true",
    "margin": "epoch = (SELECT max(epoch) FROM margin)",
    "sample_state": "epoch = (SELECT max(epoch) FROM sample_state)",
    "attack": "true",
    "attack_result": "true",
    "attack_stage": "true",
    "attack_doubt": "true",
    "estimate": "true",
    "score": "true",
    "score_result": "true",
}


def copy(source: Path, target: Path) -> None:
    """Write the copy to `target`; of margins it has the last epoch alone.

    Raises UserError where a store is broken or cannot be written.
    """
    with reading(source) as con:
        tables = {
            name: con.sql(f"SELECT * FROM {name} WHERE {rows}").to_arrow_table()
            for name, rows in TABLES.items()
        }
    writer.fill(target, tables)
