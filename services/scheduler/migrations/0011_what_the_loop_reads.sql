-- Where an instance's run stands among the runs: its logical date; those without one come last, by the time they may start.
ALTER TABLE task_instances ADD COLUMN run_order BIGINT NOT NULL DEFAULT 0;
UPDATE task_instances SET run_order = COALESCE((SELECT COALESCE(r.logical_date, 4611686018427387904 + r.run_after) FROM dag_runs r WHERE r.dag_id = task_instances.dag_id AND r.run_id = task_instances.run_id), 0);
-- Finished ones are most of the table and of no interest to the loop. SQLite takes one of these only for a query that has its very condition.
DROP INDEX task_instances_active;
CREATE INDEX task_instances_scheduled ON task_instances (priority_weight DESC, run_order, map_index) WHERE state = 'scheduled';
CREATE INDEX task_instances_queued ON task_instances (priority_weight DESC, queued_at, map_index, id) WHERE state = 'queued';
CREATE INDEX task_instances_taken ON task_instances (state, pool, dag_id, run_id, task_id, pool_slots) WHERE state IN ('queued', 'running', 'restarting', 'deferred');
