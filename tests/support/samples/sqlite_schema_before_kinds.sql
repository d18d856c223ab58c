-- What programs created that did not know `adapters/records/kinds.py`.

CREATE TABLE IF NOT EXISTS metadata (
    name TEXT NOT NULL PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

-- expires_at is NULL while the phone has an identity or is blocked.
CREATE TABLE IF NOT EXISTS phone_verifications (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    expires_at INTEGER,
    client_ips_expire_at INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS phone_verifications_expires_at ON phone_verifications (expires_at)
    WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS phone_verifications_client_ips_expire_at
    ON phone_verifications (client_ips_expire_at) WHERE client_ips_expire_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS identities (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    username_key TEXT,
    deleted_at INTEGER,
    purged_at INTEGER,
    expires_at INTEGER,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS identities_username_key ON identities (username_key)
    WHERE username_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS identities_deleted_not_purged ON identities (deleted_at)
    WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX IF NOT EXISTS identities_deleted_with_username ON identities (deleted_at)
    WHERE deleted_at IS NOT NULL AND username_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS identities_expires_at ON identities (expires_at)
    WHERE expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS media_items (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    owner_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    category TEXT,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    upload_deadline INTEGER NOT NULL,
    deletion_requested_at INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS media_items_upload_deadline ON media_items (upload_deadline)
    WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS media_items_deletion_requested_at ON media_items (deletion_requested_at)
    WHERE deletion_requested_at IS NOT NULL;

-- One for each combination of filters, so that every page is a range of an index.
CREATE INDEX IF NOT EXISTS media_items_page ON media_items (state, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_owner_id
    ON media_items (state, owner_id, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_kind ON media_items (state, kind, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_category
    ON media_items (state, category, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_owner_id_kind
    ON media_items (state, owner_id, kind, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_owner_id_category
    ON media_items (state, owner_id, category, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_kind_category
    ON media_items (state, kind, category, created_at, id);
CREATE INDEX IF NOT EXISTS media_items_page_owner_id_kind_category
    ON media_items (state, owner_id, kind, category, created_at, id);

CREATE TABLE IF NOT EXISTS media_usages (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    recount_at INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS media_usages_recount_at ON media_usages (recount_at)
    WHERE recount_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS idempotency_keys (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS idempotency_keys_expires_at ON idempotency_keys (expires_at);

CREATE TABLE IF NOT EXISTS calls (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    identity_id TEXT,
    oldest_recording_at INTEGER,
    unfinished_since INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS calls_started_at ON calls (started_at, id);
CREATE INDEX IF NOT EXISTS calls_identity_id ON calls (identity_id, started_at, id)
    WHERE identity_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS calls_oldest_recording_at ON calls (oldest_recording_at)
    WHERE oldest_recording_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS calls_unfinished_since ON calls (unfinished_since)
    WHERE unfinished_since IS NOT NULL;

CREATE TABLE IF NOT EXISTS delivery_reports (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS delivery_reports_expires_at ON delivery_reports (expires_at);

-- The permits of each limit, and what each reservation acquired.
CREATE TABLE IF NOT EXISTS rate_limits (
    id TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS rate_limits_expires_at ON rate_limits (expires_at);

CREATE TABLE IF NOT EXISTS reservations (
    id TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS reservations_expires_at ON reservations (expires_at);

CREATE TABLE IF NOT EXISTS leases (
    name TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
