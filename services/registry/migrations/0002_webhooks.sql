CREATE TABLE webhooks (
    webhook_id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT,
    -- encrypted with the installation's storage key; NULL: deliveries are not signed
    secret TEXT,
    status TEXT NOT NULL,
    creation_time BIGINT NOT NULL,
    last_updated_time BIGINT NOT NULL
);
CREATE INDEX webhooks_by_creation ON webhooks (workspace, creation_time, webhook_id);

CREATE TABLE webhook_events (
    webhook_id TEXT NOT NULL REFERENCES webhooks (webhook_id) ON DELETE CASCADE,
    entity TEXT NOT NULL,
    action TEXT NOT NULL,
    PRIMARY KEY (webhook_id, entity, action)
);
CREATE INDEX webhook_events_by_event ON webhook_events (entity, action, webhook_id);

-- What has happened and whom it is to be told, written in the transaction of the change. No foreign key: a change must
-- not fail because a webhook is deleted at the same moment; the sender drops what has no webhook.
CREATE TABLE webhook_deliveries (
    delivery_id TEXT PRIMARY KEY,
    webhook_id TEXT NOT NULL,
    entity TEXT NOT NULL,
    action TEXT NOT NULL,
    body TEXT NOT NULL,
    creation_time BIGINT NOT NULL,
    -- PENDING, DELIVERED or FAILED
    status TEXT NOT NULL,
    -- counts the attempts begun; whoever finishes one names it, so that a sender that lost its lease changes nothing
    attempts BIGINT NOT NULL,
    -- when to try next; while an attempt is under way, when its lease ends
    next_attempt_time BIGINT,
    last_attempt_time BIGINT,
    response_status BIGINT,
    error TEXT
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (status, next_attempt_time);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, creation_time, delivery_id);
