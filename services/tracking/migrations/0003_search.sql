-- Searches whose filters let few runs through start at these; texts by their beginnings, as PostgreSQL indexes no long ones.
CREATE INDEX params_by_value ON params (key, substr(value, 1, 100), run);
CREATE INDEX tags_by_value ON tags (key, substr(value, 1, 100), run);
CREATE INDEX runs_by_name ON runs (experiment, substr(name, 1, 100));
-- Points of logged models by the run that logged them: taken away with it.
CREATE INDEX logged_model_metrics_by_run ON logged_model_metrics (run_id);
