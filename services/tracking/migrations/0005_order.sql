-- Did the points come with steps that never fall as time goes on? Then one index has them in both orders. Of metrics
-- from before this it is not known.
ALTER TABLE latest_metrics ADD COLUMN in_order BIGINT NOT NULL DEFAULT 0;
-- NaN sorts right after zero, as if it were one. Zero has the place of the negative zero, which is not kept, and NaN
-- that of zero; it was the largest of all.
UPDATE metrics SET value = -1 WHERE value = 0;
UPDATE metrics SET value = 0 WHERE value > 9218868437227405312;
-- Names that are looked for by a part of them are read from here, a range of runs at a time.
CREATE INDEX runs_names ON runs (experiment, id, substr(name, 1, 100));
CREATE INDEX runs_long_names ON runs (experiment, id) WHERE length(name) >= 100;
