-- The schema of 0.1.0.
CREATE TABLE database_metadata (
    id text COLLATE "C" PRIMARY KEY,
    schema_version integer NOT NULL,
    key_fingerprint text NOT NULL,
    unfinished_index_key text,
    health_checked_at timestamptz
);
CREATE TABLE phone_verifications (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, expires_at timestamptz, client_ips_expire_at timestamptz, body jsonb NOT NULL);
CREATE INDEX phone_verifications_expires_at ON phone_verifications (expires_at, id) WHERE expires_at IS NOT NULL AND id <> E'\x01phone_verifications_expires_at';
CREATE INDEX phone_verifications_client_ips_expire_at ON phone_verifications (client_ips_expire_at, id) WHERE client_ips_expire_at IS NOT NULL AND id <> E'\x01phone_verifications_client_ips_expire_at';
CREATE TABLE unchallenged_attempts (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, expires_at timestamptz NOT NULL, body jsonb NOT NULL);
CREATE INDEX unchallenged_attempts_expires_at ON unchallenged_attempts (expires_at, id) WHERE id <> E'\x01unchallenged_attempts_expires_at';
CREATE TABLE identities (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, username_key text COLLATE "C", deleted_at timestamptz, purged_at timestamptz, expires_at timestamptz, body jsonb NOT NULL);
CREATE UNIQUE INDEX identities_username_key ON identities (username_key) WHERE username_key IS NOT NULL AND id <> E'\x01identities_username_key';
CREATE INDEX identities_purged_at ON identities (deleted_at, id) WHERE deleted_at IS NOT NULL AND purged_at IS NULL AND id <> E'\x01identities_purged_at';
CREATE INDEX identities_deleted_at ON identities (deleted_at, id) WHERE deleted_at IS NOT NULL AND username_key IS NOT NULL AND id <> E'\x01identities_deleted_at';
CREATE INDEX identities_expires_at ON identities (expires_at, id) WHERE expires_at IS NOT NULL AND id <> E'\x01identities_expires_at';
CREATE TABLE media_items (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, owner_id text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL, category text COLLATE "C", created_at timestamptz NOT NULL, state text COLLATE "C" NOT NULL, upload_deadline timestamptz NOT NULL, deletion_requested_at timestamptz, body jsonb NOT NULL);
CREATE INDEX media_items_upload_deadline ON media_items (upload_deadline, id) WHERE state = 'pending' AND id <> E'\x01media_items_upload_deadline';
CREATE INDEX media_items_deletion_requested_at ON media_items (deletion_requested_at, id) WHERE deletion_requested_at IS NOT NULL AND id <> E'\x01media_items_deletion_requested_at';
CREATE INDEX media_items_page ON media_items (state, created_at, id) WHERE id <> E'\x01media_items_page';
CREATE INDEX media_items_page_owner_id ON media_items (state, owner_id, created_at, id) WHERE id <> E'\x01media_items_page_owner_id';
CREATE INDEX media_items_page_kind ON media_items (state, kind, created_at, id) WHERE id <> E'\x01media_items_page_kind';
CREATE INDEX media_items_page_category ON media_items (state, category, created_at, id) WHERE id <> E'\x01media_items_page_category';
CREATE INDEX media_items_page_owner_id_kind ON media_items (state, owner_id, kind, created_at, id) WHERE id <> E'\x01media_items_page_owner_id_kind';
CREATE INDEX media_items_page_owner_id_category ON media_items (state, owner_id, category, created_at, id) WHERE id <> E'\x01media_items_page_owner_id_category';
CREATE INDEX media_items_page_kind_category ON media_items (state, kind, category, created_at, id) WHERE id <> E'\x01media_items_page_kind_category';
CREATE INDEX media_items_page_owner_id_kind_category ON media_items (state, owner_id, kind, category, created_at, id) WHERE id <> E'\x01media_items_page_owner_id_kind_category';
CREATE TABLE media_usages (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, recount_at timestamptz, body jsonb NOT NULL);
CREATE INDEX media_usages_recount_at ON media_usages (recount_at, id) WHERE recount_at IS NOT NULL AND id <> E'\x01media_usages_recount_at';
CREATE TABLE idempotency_keys (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, expires_at timestamptz NOT NULL, body jsonb NOT NULL);
CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at, id) WHERE id <> E'\x01idempotency_keys_expires_at';
CREATE TABLE calls (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, started_at timestamptz NOT NULL, identity_id text COLLATE "C", oldest_recording_at timestamptz, unfinished_since timestamptz, body jsonb NOT NULL);
CREATE INDEX calls_started_at ON calls (started_at, id) WHERE id <> E'\x01calls_started_at';
CREATE INDEX calls_identity_id ON calls (identity_id, started_at, id) WHERE identity_id IS NOT NULL AND id <> E'\x01calls_identity_id';
CREATE INDEX calls_oldest_recording_at ON calls (oldest_recording_at, id) WHERE oldest_recording_at IS NOT NULL AND id <> E'\x01calls_oldest_recording_at';
CREATE INDEX calls_unfinished_since ON calls (unfinished_since, id) WHERE unfinished_since IS NOT NULL AND id <> E'\x01calls_unfinished_since';
CREATE TABLE delivery_reports (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, expires_at timestamptz NOT NULL, body jsonb NOT NULL);
CREATE INDEX delivery_reports_expires_at ON delivery_reports (expires_at, id) WHERE id <> E'\x01delivery_reports_expires_at';
CREATE TABLE audit_entries (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, at timestamptz NOT NULL, expires_at timestamptz NOT NULL, actor_kind text COLLATE "C" NOT NULL, actor_id text COLLATE "C" NOT NULL, subject text COLLATE "C" NOT NULL, body jsonb NOT NULL);
CREATE INDEX audit_entries_at ON audit_entries (at, id) WHERE id <> E'\x01audit_entries_at';
CREATE INDEX audit_entries_subject ON audit_entries (subject, at, id) WHERE id <> E'\x01audit_entries_subject';
CREATE INDEX audit_entries_actor ON audit_entries (actor_kind, actor_id, at, id) WHERE id <> E'\x01audit_entries_actor';
CREATE INDEX audit_entries_expires_at ON audit_entries (expires_at, id) WHERE id <> E'\x01audit_entries_expires_at';
CREATE TABLE service_tokens (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, expires_at timestamptz NOT NULL, body jsonb NOT NULL);
CREATE INDEX service_tokens_expires_at ON service_tokens (expires_at, id) WHERE id <> E'\x01service_tokens_expires_at';
CREATE TABLE daily_costs (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, starts_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, body jsonb NOT NULL);
CREATE INDEX daily_costs_starts_at ON daily_costs (starts_at, id) WHERE id <> E'\x01daily_costs_starts_at';
CREATE INDEX daily_costs_expires_at ON daily_costs (expires_at, id) WHERE id <> E'\x01daily_costs_expires_at';
CREATE TABLE instance_leases (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, expires_at timestamptz NOT NULL, body jsonb NOT NULL);
CREATE INDEX instance_leases_expires_at ON instance_leases (expires_at, id) WHERE id <> E'\x01instance_leases_expires_at';
CREATE TABLE limits (id text COLLATE "C" PRIMARY KEY, expires_at timestamptz NOT NULL, body jsonb NOT NULL);
CREATE INDEX limits_expires_at ON limits (expires_at, id) WHERE id <> E'\x01limits_expires_at';
