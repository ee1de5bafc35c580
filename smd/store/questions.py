"""Questions to a run's store that show what can be asked, each in SQL."""

EXAMPLES = {  # what is asked, in words -> the query
    "Median margin of each class": """\
SELECT s.label, round(255 * median(m.margin), 2) AS "median (1/255)", count(*) AS images
FROM margin m JOIN sample s ON s.split = 'train' AND s.idx = m.idx
WHERE m.epoch = (SELECT max(epoch) FROM margin)
GROUP BY s.label ORDER BY 2""",
    "Margins that shrank in the last epochs": """\
WITH ends AS (SELECT max(epoch) AS last FROM margin)
SELECT now.idx, round(255 * before.margin, 2) AS before, round(255 * now.margin, 2) AS now
FROM ends JOIN margin now ON now.epoch = ends.last
JOIN margin before ON before.idx = now.idx AND before.epoch = greatest(ends.last - 5, 1)
WHERE now.margin < before.margin ORDER BY now.margin - before.margin""",
    "What AutoAttack broke and CE-PGD did not": """\
SELECT aa.idx, a.eps * 255 AS "noise (1/255)", s.name AS "broken by"
FROM attack a JOIN attack_result aa ON aa.attack_id = a.id AND NOT aa.ok
JOIN attack_stage s ON s.attack_id = a.id AND s.stage = aa.stage
JOIN attack p ON p.name = 'ce-pgd' AND abs(p.eps - a.eps) < 1e-6 AND p.split = a.split
JOIN attack_result pr ON pr.attack_id = p.id AND pr.idx = aa.idx AND pr.ok
WHERE a.name = 'autoattack' ORDER BY aa.idx""",
    "Slowest epochs": """\
SELECT epoch, round(value, 1) AS seconds FROM epoch_metric
WHERE name = 'seconds' ORDER BY value DESC LIMIT 10""",
}
