"""What a run's store holds, table by table, and queries that show what can be asked, in SQL."""

from smd.config.notes import AVERAGED, SOUND

TABLES = {
    "attack": "one attack at one noise level with one seed",
    "attack_doubt": "a reason why an attack may have missed something",
    "attack_result": (
        "an attack's verdict on one image: ok if it is robust; the stage that fooled it, 0 if wrong"
        " before"
    ),
    "attack_stage": "the stages of an attack: how many images each attacked and fooled",
    "embedding": "one embedding of images in a plane",
    "embedding_point": "where an image, or its adversarial example, lies in an embedding",
    "epoch_metric": "one number of one epoch: losses, accuracies, seconds",
    "estimate": "one estimate of the trained network's margins; smoothing: of the smoothed network",
    "estimate_result": (
        "an image's estimated margin; only how far the search came where no boundary was crossed"
    ),
    "gauge": "a reading of the machine, at Unix seconds: percent for cpu and gpu, else bytes",
    "margin": (
        "a training image's margin after an epoch that drew it, in [0, 1]; a distance only where"
        " clean_ok and crossed"
    ),
    "margin_hist": (
        "an epoch's histogram of margins by kind: found, reached, misclassified; bin k is [k, k +"
        " 1) / 255"
    ),
    "margin_summary": "an epoch's quantiles of the correctly classified images' margins",
    "meta": "what the run says about itself, in JSON",
    "sample": (
        "the images of a split: label, row in the image cache, path of the file if it was one, and"
        " patient as a hash"
    ),
    "sample_group": "what else is known of an image: its site, the patient's sex",
    "sample_state": (
        "what a defense keeps of an image beside its margin, after an epoch that drew it"
    ),
    "score": "one search for the worst scores within a noise level; 0: clean scores",
    "score_result": (
        "the log-odds of a class for an image: the lowest found of its own class, the highest of"
        " any other"
    ),
}

# an attack of its own on the last weights, not on images that were picked by hand
ALONE = (
    f"NOT a.picked AND NOT contains(coalesce(a.note, ''), '{AVERAGED}')\n"
    f"        AND NOT contains(coalesce(a.note, ''), '{SOUND}')"
)
EXAMPLES = {  # what a query finds, in words -> the query
    "Median margin of each class after the last epoch": """\
SELECT s.label,
    round(255 * median(m.margin), 2) AS "median, found or reached (1/255)",
    count(*) AS "correct images",
    count(*) FILTER (m.crossed) AS "boundary found"
FROM margin m
JOIN sample s ON s.split = 'train' AND s.idx = m.idx
WHERE m.epoch = (SELECT max(epoch) FROM margin) AND m.clean_ok
GROUP BY s.label
ORDER BY 2""",
    "Images whose margin shrank in the last five epochs": """\
WITH ends AS (SELECT max(epoch) AS last FROM margin)
SELECT now.idx,
    round(255 * before.margin, 2) AS "before (1/255)",
    round(255 * now.margin, 2) AS "now (1/255)"
FROM ends
JOIN margin now ON now.epoch = ends.last
JOIN margin before ON before.idx = now.idx AND before.epoch = greatest(ends.last - 5, 1)
WHERE now.margin < before.margin AND now.clean_ok AND before.clean_ok
ORDER BY now.margin - before.margin""",
    "What AutoAttack fooled that CE-PGD did not": f"""\
WITH pgd AS (
    SELECT a.split, a.eps, r.idx
    FROM attack a
    JOIN attack_result r ON r.attack_id = a.id
    WHERE a.name = 'ce-pgd' AND a.norm = 'Linf' AND {ALONE}
    GROUP BY ALL
    HAVING bool_and(r.ok)
)
SELECT DISTINCT a.split, r.idx,
    round(255 * a.eps, 2) AS "noise level ε (1/255)",
    s.name AS "fooled by"
FROM attack a
JOIN attack_result r ON r.attack_id = a.id AND NOT r.ok
JOIN attack_stage s ON s.attack_id = a.id AND s.stage = r.stage
JOIN pgd ON pgd.split = a.split AND pgd.idx = r.idx AND abs(pgd.eps - a.eps) < 1e-6
WHERE a.name = 'autoattack' AND a.norm = 'Linf' AND {ALONE}
ORDER BY ALL""",
    "Slowest epochs": """\
SELECT epoch, round(value, 1) AS seconds
FROM epoch_metric
WHERE name = 'seconds'
ORDER BY value DESC
LIMIT 10""",
}
