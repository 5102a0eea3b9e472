-- Points of logged models by the run that logged them: taken away with it.
CREATE INDEX logged_model_metrics_by_run ON logged_model_metrics (run_id);
