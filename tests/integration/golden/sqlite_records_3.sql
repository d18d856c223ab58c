-- What schema version 2 with phone verifications of version 3 wrote; never to be changed.
PRAGMA application_id = 1145651532;
BEGIN TRANSACTION;
CREATE TABLE identities (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    username_key TEXT,
    deleted_at INTEGER,
    purged_at INTEGER,
    body TEXT NOT NULL
);
INSERT INTO "identities" VALUES('69f472080000000000000001',1,1,'zoë quéré',NULL,NULL,'{"id":"69f472080000000000000001","created_at":"2026-05-01T09:30:00.123456Z","encrypted_phone":"O7XIyWlDJrfqeVuQ/QzuQgZYKF8Y34TA1J/xNP6WxaOnRRRC","role":"administrator","user":{"username":"Zoë Quéré","created_at":"2026-05-01T09:31:00.123456Z"},"sessions":[{"id":"69f4720800000000000000a1","created_at":"2026-05-01T09:32:00.123456Z","expires_at":"2026-05-01T09:33:00.123456Z","device":"Pixel 8","last_used_at":"2026-05-01T09:34:00.123456Z","refresh_tokens":{"nonce":"AQIDBAUGBwg=","generation":7,"rotated_at":"2026-05-01T09:35:00.123456Z","is_confirmed":true},"idle_expires_at":null},{"id":"69f4720800000000000000a2","created_at":"2026-05-01T09:36:00.123456Z","expires_at":"2026-05-01T09:37:00.123456Z","device":null,"last_used_at":null,"refresh_tokens":null,"idle_expires_at":null}],"devices":[],"used_challenges":[],"deleted_at":null,"purged_at":null,"blocked_at":null,"detached_at":null,"last_used_at":null}');
INSERT INTO "identities" VALUES('69f472080000000000000002',1,1,'gone',1777627920123456,NULL,'{"id":"69f472080000000000000002","created_at":"2026-05-01T09:30:00.123456Z","encrypted_phone":"SlxqfbkisaSiIrD+nUlYqtQrlcWn+l8UUNUIqXuyS34gdzIA","role":"member","user":{"username":"Gone","created_at":"2026-05-01T09:31:00.123456Z"},"sessions":[],"devices":[],"used_challenges":[],"deleted_at":"2026-05-01T09:32:00.123456Z","purged_at":null,"blocked_at":null,"detached_at":null,"last_used_at":null}');
INSERT INTO "identities" VALUES('69f472080000000000000003',1,1,'purged',1777627980123456,1777627980123456,'{"id":"69f472080000000000000003","created_at":"2026-05-01T09:30:00.123456Z","encrypted_phone":null,"role":"member","user":{"username":"Purged","created_at":"2026-05-01T09:31:00.123456Z"},"sessions":[],"devices":[],"used_challenges":[],"deleted_at":"2026-05-01T09:33:00.123456Z","purged_at":"2026-05-01T09:33:00.123456Z","blocked_at":null,"detached_at":null,"last_used_at":null}');
INSERT INTO "identities" VALUES('69f472080000000000000004',1,1,NULL,NULL,NULL,'{"id":"69f472080000000000000004","created_at":"2026-05-01T09:30:00.123456Z","encrypted_phone":"aG4/XtlwmhR9Z5fMUZfvMVVPvH8xzq00D7zZz+kqaYRzzYiW","role":"member","user":null,"sessions":[],"devices":[],"used_challenges":[],"deleted_at":null,"purged_at":null,"blocked_at":"2026-05-01T09:32:00.123456Z","detached_at":null,"last_used_at":null}');
INSERT INTO "identities" VALUES('69f472080000000000000005',1,1,NULL,NULL,NULL,'{"id":"69f472080000000000000005","created_at":"2026-05-01T09:30:00.123456Z","encrypted_phone":"lJ+H7FY20VbU2MbVmIULLQIc0InK7AqXyyUGtj/OHxZAJ/2l","role":"member","user":null,"sessions":[{"id":"69f4720800000000000000a3","created_at":"2026-05-01T09:31:00.123456Z","expires_at":"2026-05-01T09:33:00.123456Z","device":null,"last_used_at":null,"refresh_tokens":{"nonce":"CAcGBQQDAgE=","generation":1,"rotated_at":"2026-05-01T09:31:00.123456Z","is_confirmed":false},"idle_expires_at":"2026-05-01T09:32:00.123456Z"}],"devices":[{"id":"69f4720800000000000000f1","session_id":"69f4720800000000000000a3","expires_at":"2026-05-01T09:34:00.123456Z"}],"used_challenges":[],"deleted_at":null,"purged_at":null,"blocked_at":null,"detached_at":null,"last_used_at":null}');
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE media_items (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    storage_key TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    category TEXT,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    upload_deadline INTEGER NOT NULL,
    deletion_requested_at INTEGER,
    body TEXT NOT NULL
);
INSERT INTO "media_items" VALUES('69f4720800000000000000d1',1,1,'202122232425262728292a2b2c2d2e2f.png','69f472080000000000000001','image',NULL,1777627800123456,'pending',1777628400123456,NULL,'{"id":"69f4720800000000000000d1","storage_key":"202122232425262728292a2b2c2d2e2f.png","owner_id":"69f472080000000000000001","image":{"format":"png","width":32,"height":16,"size_bytes":2048},"created_at":"2026-05-01T09:30:00.123456Z","state":"pending","upload_deadline":"2026-05-01T09:40:00.123456Z","category":null,"deletion_requested_at":null}');
INSERT INTO "media_items" VALUES('69f4720800000000000000d2',1,1,'000102030405060708090a0b0c0d0e0f.gif','69f472080000000000000001','gif','Räder',1777627860123456,'ready',1777628460123456,NULL,'{"id":"69f4720800000000000000d2","storage_key":"000102030405060708090a0b0c0d0e0f.gif","owner_id":"69f472080000000000000001","image":{"format":"gif","width":64,"height":32,"size_bytes":4096},"created_at":"2026-05-01T09:31:00.123456Z","state":"ready","upload_deadline":"2026-05-01T09:41:00.123456Z","category":"Räder","deletion_requested_at":null}');
INSERT INTO "media_items" VALUES('69f4720800000000000000d3',1,1,'101112131415161718191a1b1c1d1e1f.jpg','69f472080000000000000002','image',NULL,1777627920123456,'deleting',1777628520123456,1777629000123456,'{"id":"69f4720800000000000000d3","storage_key":"101112131415161718191a1b1c1d1e1f.jpg","owner_id":"69f472080000000000000002","image":{"format":"jpeg","width":640,"height":480,"size_bytes":51200},"created_at":"2026-05-01T09:32:00.123456Z","state":"deleting","upload_deadline":"2026-05-01T09:42:00.123456Z","category":null,"deletion_requested_at":"2026-05-01T09:50:00.123456Z"}');
CREATE TABLE metadata (
    name TEXT NOT NULL PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;
INSERT INTO "metadata" VALUES('health_check_count',0);
INSERT INTO "metadata" VALUES('key_fingerprint','ebc5c05fc496135a');
INSERT INTO "metadata" VALUES('schema_version',2);
CREATE TABLE phone_verifications (
    phone_index TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    expires_at INTEGER,
    body TEXT NOT NULL
, client_ips_expire_at INTEGER);
INSERT INTO "phone_verifications" VALUES('fc8bc6822e023eda714849d92a82d49c2e3d9a6452ace3f1e70fd608e78606ab',704486474559927581,3,NULL,'{"challenges":[{"id":"69f4720800000000000000c1","purpose":"sign_in","nonce":"ABEiM0RVZneImaq7zN3u/w==","key_id":"pepper-1","created_at":"2026-05-01T09:30:00.123456Z","expires_at":"2026-05-01T09:35:00.123456Z","used_at":"2026-05-01T09:30:00.123456Z","login":null},{"id":"69f4720800000000000000c2","purpose":"sign_in","nonce":"/+7dzLuqmYh3ZlVEMyIRAA==","key_id":"pepper-2","created_at":"2026-05-01T09:31:00.123456Z","expires_at":"2026-05-01T09:36:00.123456Z","used_at":null,"login":null}],"deliveries":[{"request_id":"bm90LWEtcmVxdWVzdC1pZA","challenge_id":"69f4720800000000000000c1","client_ip_hash":"635f910bb82dbc8f","network_hash":"233fd3dbd9264b1e","is_ipv6":false,"sent_at":"2026-05-01T09:31:00.123456Z","attempt_limit":5,"device_id":null,"uses_own_quota":true,"counters":[{"kind":"first_request","id":"bm90LWEtcmVxdWVzdC1pZA","limit":5,"used":3,"last_digest":null,"last_counted_at":null}]}],"shared_attempts":["2026-05-01T09:33:00.123456Z"],"failures":{"in_a_row":0,"last_failed_at":null,"by_device":[]},"trusted_ips":[{"client_ip_hash":"72e598573f60900c","last_login_at":"2026-05-01T09:34:00.123456Z"}],"identity_id":"69f472080000000000000001","blocked_at":null,"encrypted_phone":null}',1777714260123456);
INSERT INTO "phone_verifications" VALUES('0f777d5756cb39d2e144a701f4c164a686790a76bb9fa6820c4be3aa40af667a',709859827381249352,3,NULL,'{"challenges":[],"deliveries":[],"shared_attempts":[],"failures":{"in_a_row":0,"last_failed_at":null,"by_device":[]},"trusted_ips":[],"identity_id":"69f472080000000000000004","blocked_at":"2026-05-01T09:31:00.123456Z","encrypted_phone":"kC8dm1XwiHM0MDH5i2C7X3Gqh8q6RcwCfzOMUFHt6B/HMbKZ"}',NULL);
INSERT INTO "phone_verifications" VALUES('10dfd3122823ba8149557489bd58efdae4ea1bfc3a9cfc9e3f1b5e6dad616ba5',4324650335730661229,3,NULL,'{"challenges":[],"deliveries":[{"request_id":"YW5vdGhlciByZXF1ZXN0IQ","challenge_id":"69f4720800000000000000c3","client_ip_hash":"9cb77ed69810690c","network_hash":"650950ea357f6d3f","is_ipv6":true,"sent_at":"2026-05-01T09:31:00.123456Z","attempt_limit":2,"device_id":"69f4720800000000000000f1","uses_own_quota":false,"counters":[{"kind":"device","id":"69f4720800000000000000f1","limit":2,"used":1,"last_digest":"a digest","last_counted_at":"2026-05-01T09:32:00.123456Z"}]}],"shared_attempts":[],"failures":{"in_a_row":7,"last_failed_at":"2026-05-01T09:32:00.123456Z","by_device":[{"device_id":"69f4720800000000000000f1","count":1,"last_failed_at":"2026-05-01T09:32:00.123456Z"}]},"trusted_ips":[],"identity_id":"69f472080000000000000005","blocked_at":null,"encrypted_phone":null}',1777714260123456);
CREATE TABLE rate_limits (
    limit_name TEXT NOT NULL,
    acquired_at INTEGER NOT NULL,
    reservation_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (limit_name, acquired_at, reservation_id)
) WITHOUT ROWID;
INSERT INTO "rate_limits" VALUES('deliveries:total',1777627800123456,'69f4720800000000000000e1',1777631400123456);
CREATE INDEX phone_verifications_expires_at ON phone_verifications (expires_at)
    WHERE expires_at IS NOT NULL;
CREATE UNIQUE INDEX identities_username_key ON identities (username_key)
    WHERE username_key IS NOT NULL;
CREATE INDEX identities_deleted_not_purged ON identities (deleted_at)
    WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX identities_deleted_with_username ON identities (deleted_at)
    WHERE deleted_at IS NOT NULL AND username_key IS NOT NULL;
CREATE UNIQUE INDEX media_items_storage_key ON media_items (storage_key);
CREATE INDEX media_items_upload_deadline ON media_items (upload_deadline)
    WHERE state = 'pending';
CREATE INDEX media_items_deletion_requested_at ON media_items (deletion_requested_at)
    WHERE deletion_requested_at IS NOT NULL;
CREATE INDEX media_items_page ON media_items (state, created_at, id);
CREATE INDEX media_items_page_owner_id ON media_items (state, owner_id, created_at, id);
CREATE INDEX media_items_page_kind ON media_items (state, kind, created_at, id);
CREATE INDEX media_items_page_category ON media_items (state, category, created_at, id);
CREATE INDEX media_items_page_owner_id_kind
    ON media_items (state, owner_id, kind, created_at, id);
CREATE INDEX media_items_page_owner_id_category
    ON media_items (state, owner_id, category, created_at, id);
CREATE INDEX media_items_page_kind_category
    ON media_items (state, kind, category, created_at, id);
CREATE INDEX media_items_page_owner_id_kind_category
    ON media_items (state, owner_id, kind, category, created_at, id);
CREATE INDEX rate_limits_expires_at ON rate_limits (expires_at);
CREATE INDEX phone_verifications_client_ips_expire_at
    ON phone_verifications (client_ips_expire_at) WHERE client_ips_expire_at IS NOT NULL;
COMMIT;
