"""The tables of a run's store and their version; the only DDL of the project.

Tables are long (name, value), so that a new metric or attack needs no migration. Rows of a sample
carry its id, the position in its split. Noise levels and margins are in the unit of x, [0, 1].
"""

from duckdb import DuckDBPyConnection

from smd.core.kinds import NO_BIN
from smd.errors import UserError
from smd.store.sql import BIN, KIND

VERSION = 10  # raised when a store can no longer be read by the code before

DDL = """
CREATE TABLE meta (key VARCHAR, value VARCHAR);  -- value is JSON
CREATE TABLE epoch_metric (epoch SMALLINT, split VARCHAR, name VARCHAR, eps DOUBLE, value DOUBLE);
CREATE TABLE margin (epoch SMALLINT, idx INTEGER, margin FLOAT, clean_ok BOOLEAN, adv_ok BOOLEAN);
CREATE TABLE margin_hist (epoch SMALLINT, bin SMALLINT, n INTEGER);  -- bin k is [k, k + 1) / 255
CREATE TABLE margin_summary (
    epoch SMALLINT, q05 DOUBLE, q25 DOUBLE, q50 DOUBLE, q75 DOUBLE, q95 DOUBLE,
    max DOUBLE, mean DOUBLE);
-- source: row in the image cache
CREATE TABLE sample (split VARCHAR, idx INTEGER, label INTEGER, source INTEGER);
CREATE TABLE attack (
    id VARCHAR, name VARCHAR, eps DOUBLE, norm VARCHAR, steps INTEGER, seed INTEGER,
    split VARCHAR, n INTEGER, package VARCHAR, version VARCHAR, seconds DOUBLE, note VARCHAR,
    job VARCHAR, created DOUBLE, picked BOOLEAN);
-- the stage that fooled it; 0: it was misclassified when clean; NULL: it is robust
CREATE TABLE attack_result (
    attack_id VARCHAR, idx INTEGER, ok BOOLEAN, pred SMALLINT, distance FLOAT, stage SMALLINT);
"""

# An attack is made of stages, counted from 1, each on the samples that withstood those before.
# A flag is a reason why an attack may have missed something. An estimate is one way to measure the
# margins of a trained network; where it met no boundary (not crossed) the margin is a lower bound.
DDL_2 = """
CREATE TABLE attack_stage (
    attack_id VARCHAR, stage SMALLINT, name VARCHAR, attacked INTEGER, broken INTEGER,
    seconds DOUBLE);
CREATE TABLE attack_doubt (attack_id VARCHAR, name VARCHAR, detail VARCHAR);
CREATE TABLE estimate (
    id VARCHAR, method VARCHAR, eps DOUBLE, norm VARCHAR, seed INTEGER, split VARCHAR, n INTEGER,
    package VARCHAR, version VARCHAR, seconds DOUBLE, job VARCHAR, created DOUBLE);
CREATE TABLE estimate_result (
    estimate_id VARCHAR, idx INTEGER, margin FLOAT, clean_ok BOOLEAN, crossed BOOLEAN);
"""

# What a defense keeps of every sample beside a margin: a count or a weight with a name of its own.
DDL_3 = "CREATE TABLE sample_state (epoch SMALLINT, name VARCHAR, idx INTEGER, value FLOAT);"

# An embedding lays the penultimate features of a split's samples on a plane; some have their
# adversarial example beside them. A gauge is a reading of the machine while the job ran, at Unix
# seconds.
DDL_4 = """
CREATE TABLE embedding (
    id VARCHAR, split VARCHAR, n INTEGER, pairs INTEGER, eps DOUBLE, seed INTEGER,
    package VARCHAR, version VARCHAR, seconds DOUBLE, job VARCHAR, created DOUBLE);
CREATE TABLE embedding_point (
    embedding_id VARCHAR, idx INTEGER, adversarial BOOLEAN, x FLOAT, y FLOAT, pred SMALLINT,
    ok BOOLEAN);
CREATE TABLE gauge (moment DOUBLE, name VARCHAR, value DOUBLE);
"""

# crossed: the image's search met the boundary, see smd.core.kinds. The summary is over images that
# are classified correctly. Of what earlier versions wrote, only SMD's margins can tell: one that
# grew had met none; MMA's search went on from there, so some of its margins count as reached though
# a boundary was found.
DDL_5 = f"""
ALTER TABLE margin ADD COLUMN crossed BOOLEAN;
UPDATE margin SET crossed = clean_ok AND NOT adv_ok;
DROP TABLE margin_hist;
CREATE TABLE margin_hist (  -- bin k is [k, k + 1) / 255, {NO_BIN} the misclassified images
    epoch SMALLINT, kind VARCHAR, bin SMALLINT, n INTEGER);
INSERT INTO margin_hist
    SELECT epoch, {KIND} AS kind, {BIN} AS bin, count(*)
    FROM margin
    WHERE isfinite(margin)
    GROUP BY ALL
    ORDER BY ALL;
DELETE FROM margin_summary;
INSERT INTO margin_summary
    SELECT epoch,
        quantile_cont(m, 0.05), quantile_cont(m, 0.25), quantile_cont(m, 0.5),
        quantile_cont(m, 0.75), quantile_cont(m, 0.95), max(m), avg(m)
    FROM (
        SELECT epoch, CAST(margin AS DOUBLE) AS m
        FROM margin
        WHERE clean_ok AND isfinite(margin)
    )
    GROUP BY epoch
    ORDER BY epoch;
UPDATE epoch_metric AS e
    SET value = s.mean
    FROM margin_summary AS s
    WHERE e.name = 'margin_mean' AND s.epoch = e.epoch;
"""

# path: of the image's file in the folder or archive that it was imported from; NULL where images
# are no files.
DDL_6 = "ALTER TABLE sample ADD COLUMN path VARCHAR;"

# weights: which of a run's an estimate or an embedding is of, "last" or "ema" (averaged ones).
DDL_7 = """
ALTER TABLE estimate ADD COLUMN weights VARCHAR;
ALTER TABLE embedding ADD COLUMN weights VARCHAR;
UPDATE estimate SET weights = 'last';
UPDATE embedding SET weights = 'last';
"""

# patient: a keyed hash of what the table of labels calls the patient; NULL where nothing tells. A
# group is what else that table says of an image: its site, the patient's sex. A score is the
# log-odds of a class for an image, the worst that a search found within eps: the lowest of the
# image's own class, the highest of any other; eps = 0: of the clean image.
DDL_8 = """
ALTER TABLE sample ADD COLUMN patient VARCHAR;
CREATE TABLE sample_group (split VARCHAR, idx INTEGER, name VARCHAR, value VARCHAR);
CREATE TABLE score (
    id VARCHAR, eps DOUBLE, norm VARCHAR, steps INTEGER, seed INTEGER, split VARCHAR, n INTEGER,
    package VARCHAR, version VARCHAR, seconds DOUBLE, job VARCHAR, created DOUBLE,
    weights VARCHAR);
CREATE TABLE score_result (score_id VARCHAR, idx INTEGER, class SMALLINT, score FLOAT);
"""

# Up to version 8 the method min-norm was FAB; it has another search since, and FAB its own name.
DDL_9 = "UPDATE estimate SET method = 'fab' WHERE method = 'min-norm';"

# picked: its images were chosen by hand, so it says nothing of the split.
DDL_10 = """
ALTER TABLE estimate ADD COLUMN picked BOOLEAN;
UPDATE estimate SET picked = false;
"""

# each version's, after which a store has this one's tables
STEPS = (DDL, DDL_2, DDL_3, DDL_4, DDL_5, DDL_6, DDL_7, DDL_8, DDL_9, DDL_10)

# Version 1 knew attacks of one stage only.
FROM_1 = f"""
ALTER TABLE attack RENAME warnings TO note;
ALTER TABLE attack_result ADD COLUMN stage SMALLINT;
UPDATE attack_result
    SET stage = CASE WHEN eps = 0 THEN 0 ELSE 1 END
    FROM attack
    WHERE attack_id = id AND NOT ok;
UPDATE attack_result AS r
    SET stage = 0
    FROM attack AS a, attack AS c, attack_result AS w
    WHERE r.attack_id = a.id AND c.job = a.job AND c.eps = 0 AND w.attack_id = c.id
        AND w.idx = r.idx AND NOT w.ok;
{DDL_2}
INSERT INTO attack_stage
    SELECT id, 1, name, count(*) FILTER (stage IS NULL OR stage > 0),
        count(*) FILTER (stage = 1), seconds
    FROM attack
    JOIN attack_result ON attack_id = id
    WHERE eps > 0
    GROUP BY ALL;
"""
UPGRADES = {
    1: FROM_1,
    2: DDL_3,
    3: DDL_4,
    4: DDL_5,
    5: DDL_6,
    6: DDL_7,
    7: DDL_8,
    8: DDL_9,
    9: DDL_10,
}  # from that version to the next

EPOCH_TABLES = ("epoch_metric", "margin", "margin_hist", "margin_summary", "sample_state")


def create(con: DuckDBPyConnection) -> None:
    """Make the tables in an empty database."""
    con.execute("".join(STEPS))
    con.execute("INSERT INTO meta VALUES ('schema', ?)", [str(VERSION)])


def outdated(con: DuckDBPyConnection) -> bool:
    """Whether an older version made the tables; raises UserError if a newer one did."""
    return _version(con) < VERSION


def upgrade(con: DuckDBPyConnection) -> None:
    """Bring the tables of an older version up to this one; in a transaction of the caller."""
    for version in range(_version(con), VERSION):
        con.execute(UPGRADES[version])
    con.execute("UPDATE meta SET value = ? WHERE key = 'schema'", [str(VERSION)])


def _version(con: DuckDBPyConnection) -> int:
    query = "SELECT TRY_CAST(value AS INTEGER) FROM meta WHERE key = 'schema'"
    row = con.execute(query).fetchone()
    if row is None or row[0] is None or row[0] < 1:
        raise UserError("The store names no version: it was not written by SMD Studio.")
    if row[0] > VERSION:
        raise UserError(
            "The store was written by a newer version of SMD Studio: update to open it."
        )
    return int(row[0])
