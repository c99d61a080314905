-- The policy grades in SQL: gaps and islands for the runs, windows for the lines between neighbors.
-- Read from the files of FOLDER; one row per patient and outcome, NULL where nothing can be judged.
CREATE OR REPLACE TEMP TABLE patient AS
WITH happened AS (
  SELECT patient_id,
    min(day) FILTER (kind = 'death') AS death,
    max(day) FILTER (kind IN ('death', 'last_contact')) AS last_seen,
    min(day) FILTER (kind IN ('progression', 'next_therapy')) AS changed
  FROM read_parquet('FOLDER/events.parquet') GROUP BY patient_id
)
SELECT p.patient_id, death, least(30, last_seen) AS last_early, least(100, last_seen, changed) AS last_late
FROM read_parquet('FOLDER/patients.parquet') p LEFT JOIN happened USING (patient_id);

CREATE OR REPLACE TEMP TABLE lab AS
WITH printed AS (
  SELECT patient_id, analyte, day, ltrim(value, '<')::DOUBLE AS value, lln,
    CASE unit WHEN '/uL' THEN 0.001 WHEN 'g/dL' THEN 10.0 ELSE 1.0 END AS factor
  FROM read_parquet('FOLDER/labs.parquet') WHERE analyte IN ('anc', 'hemoglobin', 'platelets')
)
SELECT patient_id, analyte, day, min(round(value * factor, 9)) AS value,
  arg_min(round(lln * factor, 9), value) AS lln
FROM printed GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE term AS
SELECT * FROM (VALUES ('anc', 'neutropenia', 0.5, 1.0, 1.5), ('hemoglobin', 'anemia', NULL, 80.0, 100.0),
  ('platelets', 'thrombocytopenia', 25.0, 50.0, 75.0)) AS t(analyte, outcome, four, three, two);

CREATE OR REPLACE TEMP TABLE ctcae AS
WITH judged AS (
  SELECT patient_id, analyte, max(CASE WHEN value < four THEN 4 WHEN value < three THEN 3
    WHEN value < two THEN 2 WHEN value < lln THEN 1 ELSE 0 END) AS grade
  FROM lab JOIN term USING (analyte) WHERE day BETWEEN 0 AND 28 GROUP BY ALL
)
SELECT patient_id, outcome, grade
FROM patient CROSS JOIN term LEFT JOIN judged USING (patient_id, analyte);

-- Every day of the early window: measured, or on the line between the neighbors of a gap of 7 days at most.
CREATE OR REPLACE TEMP TABLE daily AS
WITH calendar AS (
  SELECT patient_id, last_early, unnest(range(0, last_early + 1)) AS day FROM patient
), around AS (
  SELECT c.*, value,
    last_value(value IGNORE NULLS) OVER before AS value_before,
    first_value(value IGNORE NULLS) OVER after AS value_after,
    last_value(CASE WHEN value IS NOT NULL THEN c.day END IGNORE NULLS) OVER before AS day_before,
    first_value(CASE WHEN value IS NOT NULL THEN c.day END IGNORE NULLS) OVER after AS day_after,
    count(value) OVER (PARTITION BY patient_id) AS known
  FROM calendar c LEFT JOIN (FROM lab WHERE analyte = 'anc') USING (patient_id, day)
  WINDOW before AS (PARTITION BY patient_id ORDER BY c.day),
    after AS (PARTITION BY patient_id ORDER BY c.day ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
), filled AS (
  SELECT patient_id, day, last_early, CASE
    WHEN value IS NOT NULL THEN value
    WHEN known < 2 OR coalesce(day_after, last_early + 1) - coalesce(day_before, -1) > 8 THEN NULL
    WHEN day_before IS NULL THEN value_after
    WHEN day_after IS NULL THEN value_before
    ELSE value_before + (value_after - value_before) * (day - day_before) / (day_after - day_before)
  END AS value FROM around WHERE known > 0
)
SELECT patient_id, day, last_early, round_even(round(value * 100, 7), 0) / 100 AS value FROM filled;

CREATE OR REPLACE TEMP TABLE episode AS
WITH marked AS (
  SELECT patient_id, day, last_early, cut, coalesce(value <= cut, false) AS below
  FROM daily CROSS JOIN (VALUES (0.5), (0.1)) AS c(cut)
), numbered AS (
  SELECT *, day - row_number() OVER (PARTITION BY patient_id, cut, below ORDER BY day) AS island,
    min(day) FILTER (below) OVER (PARTITION BY patient_id, cut) AS first_below FROM marked
), joined AS (
  SELECT patient_id, day, last_early, cut, below OR (day > first_below
    AND count(*) OVER (PARTITION BY patient_id, cut, below, island) <= 2) AS inside FROM numbered
), island AS (
  SELECT *, day - row_number() OVER (PARTITION BY patient_id, cut ORDER BY day) AS place
  FROM joined WHERE inside
)
SELECT patient_id, cut, min(day) AS first_day, max(day) AS last_day, count(*) AS days,
  any_value(last_early) AS last_early
FROM island GROUP BY patient_id, cut, place;

CREATE OR REPLACE TEMP TABLE early AS
WITH longest AS (
  SELECT patient_id, max(days) FILTER (cut = 0.5) AS half, coalesce(max(days) FILTER (cut = 0.1), 0) AS tenth,
    bool_or(cut = 0.5 AND first_day <= 3 AND last_day = last_early) AS lasts FROM episode GROUP BY patient_id
)
SELECT patient_id, 'early' AS outcome, CASE WHEN d.patient_id IS NULL THEN NULL
  WHEN lasts OR tenth >= 14 THEN 4 WHEN half >= 14 OR tenth >= 7 THEN 3 WHEN half >= 7 THEN 2
  WHEN half >= 1 THEN 1 ELSE 0 END AS grade
FROM patient p LEFT JOIN (SELECT DISTINCT patient_id FROM daily) d USING (patient_id)
LEFT JOIN longest USING (patient_id);

CREATE OR REPLACE TEMP TABLE late AS
WITH lowest AS (
  SELECT patient_id, min(value, 2) AS two
  FROM lab JOIN patient USING (patient_id)
  WHERE analyte = 'anc' AND day BETWEEN 31 AND coalesce(last_late, 100) GROUP BY patient_id
)
SELECT patient_id, 'late' AS outcome, CASE WHEN two IS NULL THEN NULL WHEN two[-1] > 1.5 THEN 0
  WHEN two[1] <= 0.1 THEN 4 WHEN two[1] <= 0.5 THEN 3 WHEN two[1] <= 1.0 THEN 2 ELSE 1 END AS grade
FROM patient LEFT JOIN lowest USING (patient_id);

-- Nine cells: three lineages on days 26 to 28. Neighbors at most 8 days apart that agree give their state.
CREATE OR REPLACE TEMP TABLE recovery AS
WITH criterion AS (
  FROM (VALUES ('anc', 1.0, 'gcsf'), ('hemoglobin', 80.0, 'rbc_transfusion'),
    ('platelets', 50.0, 'platelet_transfusion')) AS t(analyte, cut, kind)
), around AS (
  SELECT patient_id, analyte, kind, c.day,
    max(l.day) FILTER (l.day <= c.day) AS day_before, min(l.day) FILTER (l.day >= c.day) AS day_after,
    arg_max(value >= cut, l.day) FILTER (l.day <= c.day) AS met_before,
    arg_min(value >= cut, l.day) FILTER (l.day >= c.day) AS met_after
  FROM criterion CROSS JOIN (VALUES (26), (27), (28)) AS c(day) CROSS JOIN patient
  LEFT JOIN (FROM lab WHERE day BETWEEN 18 AND 36) l USING (patient_id, analyte) GROUP BY ALL
), cell AS (
  SELECT patient_id, CASE
    WHEN EXISTS (FROM read_parquet('FOLDER/support.parquet') s WHERE s.patient_id = a.patient_id
      AND s.kind = a.kind AND a.day BETWEEN s.start AND coalesce(s.stop, s.start)) THEN false
    WHEN day_after IS NULL AND day - day_before <= 3 THEN met_before
    WHEN day_after - day_before <= 8 AND met_before = met_after THEN met_before
  END AS met FROM around a
)
SELECT patient_id, 'recovery' AS outcome, CASE WHEN any_value(death) <= 28 THEN NULL
  WHEN bool_or(NOT met) THEN 1 WHEN bool_or(met IS NULL) THEN NULL ELSE 0 END AS grade
FROM cell JOIN patient USING (patient_id) GROUP BY patient_id;

COPY (FROM ctcae UNION ALL FROM early UNION ALL FROM late UNION ALL FROM recovery)
TO 'FOLDER/grades_duckdb.parquet';
