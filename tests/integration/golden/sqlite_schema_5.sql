-- What schema version 5 wrote; never to be changed.
PRAGMA application_id = 1145651532;
BEGIN TRANSACTION;
CREATE TABLE calls (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    identity_id TEXT,
    oldest_recording_at INTEGER,
    body TEXT NOT NULL
);
INSERT INTO "calls" VALUES('69f472080000000000000083',1,1,1777627800123000,'69f472080000000000000006',1777627920123000,'{"id":"69f472080000000000000083","direction":"inbound","started_at":"2026-05-01T09:30:00.123000Z","provider_call_id":"CA000102030405060708090a0b0c0d0e0f","status":"completed","ended_at":"2026-05-01T09:33:00.123000Z","identity_id":"69f472080000000000000006","is_caller_verified":false,"challenge_id":null,"report_id":null,"locale":null,"path":["greeting","menu","feedback"],"outcome":"recorded","position":null,"turns":[{"position":null,"instructions":[{"kind":"say","text":"नमस्ते, Zoë","voice":{"language":"hi-IN","name":"Polly.Aditi"}},{"kind":"pause","seconds":2},{"kind":"gather","prompt":[{"kind":"say","text":"नमस्ते, Zoë","voice":{"language":"hi-IN","name":"Polly.Aditi"}},{"kind":"pause","seconds":1}],"answer_to":{"node":"menu","visit":3,"repeat":2},"voice":{"language":"hi-IN","name":"Polly.Aditi"},"hints":["हाँ","yes"],"keys":2,"timeout_seconds":7,"with_speech":false}]},{"position":{"node":"menu","visit":3,"repeat":2},"instructions":[{"kind":"dial_operator","answer_to":{"node":"menu","visit":3,"repeat":2},"timeout_seconds":21,"max_seconds":601},{"kind":"record","answer_to":{"node":"menu","visit":3,"repeat":2},"max_seconds":61,"silence_seconds":6},{"kind":"go_to","position":{"node":"menu","visit":3,"repeat":2}},{"kind":"hang_up"}]}],"pending_effect":null,"recordings":[{"id":"RE000102030405060708090a0b0c0d0e0f","duration_seconds":7,"recorded_at":"2026-05-01T09:32:00.123000Z"}],"are_recordings_due":false}');
INSERT INTO "calls" VALUES('69f472080000000000000084',1,1,1777627860123000,'69f472080000000000000006',NULL,'{"id":"69f472080000000000000084","direction":"outbound","started_at":"2026-05-01T09:31:00.123000Z","provider_call_id":null,"status":"in_progress","ended_at":null,"identity_id":"69f472080000000000000006","is_caller_verified":true,"challenge_id":"69f4720800000000000000c4","report_id":"00112233445566778899aabbccddeeff","locale":"hi-IN","path":[],"outcome":"code_read","position":{"node":"menu","visit":3,"repeat":2},"turns":[{"position":{"node":"code","visit":1,"repeat":0},"instructions":[{"kind":"say_code","voice":{"language":"hi-IN","name":"Polly.Aditi"}},{"kind":"hang_up"}]}],"pending_effect":null,"recordings":[],"are_recordings_due":false}');
INSERT INTO "calls" VALUES('69f472080000000000000090',1,1,1777627920123000,NULL,NULL,'{"id":"69f472080000000000000090","direction":"inbound","started_at":"2026-05-01T09:32:00.123000Z","provider_call_id":null,"status":"queued","ended_at":null,"identity_id":null,"is_caller_verified":false,"challenge_id":null,"report_id":null,"locale":null,"path":[],"outcome":null,"position":null,"turns":[],"pending_effect":{"position":{"node":"menu","visit":3,"repeat":2},"effect":{"kind":"register","consent":"You agree, Zoë.","language":"en-IN"},"started_at":"2026-05-01T09:31:00.123000Z"},"recordings":[],"are_recordings_due":true}');
INSERT INTO "calls" VALUES('69f472080000000000000091',1,1,1777627980123000,NULL,NULL,'{"id":"69f472080000000000000091","direction":"inbound","started_at":"2026-05-01T09:33:00.123000Z","provider_call_id":null,"status":"queued","ended_at":null,"identity_id":null,"is_caller_verified":false,"challenge_id":null,"report_id":null,"locale":null,"path":[],"outcome":null,"position":null,"turns":[],"pending_effect":{"position":{"node":"menu","visit":3,"repeat":2},"effect":{"kind":"leave"},"started_at":"2026-05-01T09:31:00.123000Z"},"recordings":[],"are_recordings_due":true}');
INSERT INTO "calls" VALUES('69f472080000000000000092',1,1,1777628040123000,NULL,NULL,'{"id":"69f472080000000000000092","direction":"inbound","started_at":"2026-05-01T09:34:00.123000Z","provider_call_id":null,"status":"queued","ended_at":null,"identity_id":null,"is_caller_verified":false,"challenge_id":null,"report_id":null,"locale":null,"path":[],"outcome":null,"position":null,"turns":[],"pending_effect":{"position":{"node":"menu","visit":3,"repeat":2},"effect":{"kind":"explain_leaving"},"started_at":"2026-05-01T09:31:00.123000Z"},"recordings":[],"are_recordings_due":true}');
INSERT INTO "calls" VALUES('69f472080000000000000093',1,1,1777628100123000,NULL,NULL,'{"id":"69f472080000000000000093","direction":"inbound","started_at":"2026-05-01T09:35:00.123000Z","provider_call_id":null,"status":"queued","ended_at":null,"identity_id":null,"is_caller_verified":false,"challenge_id":null,"report_id":null,"locale":null,"path":[],"outcome":null,"position":null,"turns":[],"pending_effect":{"position":{"node":"menu","visit":3,"repeat":2},"effect":{"kind":"call_back"},"started_at":"2026-05-01T09:31:00.123000Z"},"recordings":[],"are_recordings_due":true}');
INSERT INTO "calls" VALUES('69f472080000000000000094',1,1,1777628160123000,NULL,NULL,'{"id":"69f472080000000000000094","direction":"inbound","started_at":"2026-05-01T09:36:00.123000Z","provider_call_id":null,"status":"queued","ended_at":null,"identity_id":null,"is_caller_verified":false,"challenge_id":null,"report_id":null,"locale":null,"path":[],"outcome":null,"position":null,"turns":[],"pending_effect":{"position":{"node":"menu","visit":3,"repeat":2},"effect":{"kind":"keep_recording","recording_id":"RE0f0e0d0c0b0a09080706050403020100","duration_seconds":8},"started_at":"2026-05-01T09:31:00.123000Z"},"recordings":[],"are_recordings_due":true}');
CREATE TABLE delivery_reports (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL
);
INSERT INTO "delivery_reports" VALUES('00112233445566778899aabbccddeeff',1,1,1777714200123000,'{"id":"00112233445566778899aabbccddeeff","status":"undelivered","expires_at":"2026-05-02T09:30:00.123000Z","error_code":"30003","visible_at":"2026-05-01T09:31:00.123000Z"}');
CREATE TABLE identities (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    username_key TEXT,
    deleted_at INTEGER,
    purged_at INTEGER,
    body TEXT NOT NULL
);
INSERT INTO "identities" VALUES('69f472080000000000000001',1,1,'zoë quéré',NULL,NULL,'{"id":"69f472080000000000000001","created_at":"2026-05-01T09:30:00.123456Z","encrypted_phone":"mimX2p0XopZCn+35vRpkw5Rsx0OlGyjXaab/JUCw9WFEzEY/","role":"administrator","user":{"username":"Zoë Quéré","created_at":"2026-05-01T09:31:00.123456Z"},"sessions":[{"id":"69f4720800000000000000a1","created_at":"2026-05-01T09:32:00.123456Z","expires_at":"2026-05-01T09:33:00.123456Z","device":"Pixel 8","last_used_at":"2026-05-01T09:34:00.123456Z","refresh_tokens":{"nonce":"AQIDBAUGBwg=","generation":7,"rotated_at":"2026-05-01T09:35:00.123456Z","is_confirmed":true},"idle_expires_at":null},{"id":"69f4720800000000000000a2","created_at":"2026-05-01T09:36:00.123456Z","expires_at":"2026-05-01T09:37:00.123456Z","device":null,"last_used_at":null,"refresh_tokens":null,"idle_expires_at":null}],"devices":[],"used_challenges":[],"deleted_at":null,"purged_at":null,"blocked_at":null,"detached_at":null,"last_used_at":null,"is_verified":true,"consent":null}');
INSERT INTO "identities" VALUES('69f472080000000000000002',1,1,'gone',1777627920123456,NULL,'{"id":"69f472080000000000000002","created_at":"2026-05-01T09:30:00.123456Z","encrypted_phone":"u25w8u0iLK4ZM7+JiZwJVWR9VLgEl66ER+52ZILdomHr2YsI","role":"member","user":{"username":"Gone","created_at":"2026-05-01T09:31:00.123456Z"},"sessions":[],"devices":[],"used_challenges":[],"deleted_at":"2026-05-01T09:32:00.123456Z","purged_at":null,"blocked_at":null,"detached_at":null,"last_used_at":null,"is_verified":true,"consent":null}');
INSERT INTO "identities" VALUES('69f472080000000000000003',1,1,'purged',1777627980123456,1777627980123456,'{"id":"69f472080000000000000003","created_at":"2026-05-01T09:30:00.123456Z","encrypted_phone":null,"role":"member","user":{"username":"Purged","created_at":"2026-05-01T09:31:00.123456Z"},"sessions":[],"devices":[],"used_challenges":[],"deleted_at":"2026-05-01T09:33:00.123456Z","purged_at":"2026-05-01T09:33:00.123456Z","blocked_at":null,"detached_at":null,"last_used_at":null,"is_verified":true,"consent":null}');
INSERT INTO "identities" VALUES('69f472080000000000000004',1,1,NULL,NULL,NULL,'{"id":"69f472080000000000000004","created_at":"2026-05-01T09:30:00.123456Z","encrypted_phone":"9bbtu+vcXhLDKoStYeBe6LXqjrb2G8NomqlQvn/p8MU/Zxu/","role":"member","user":null,"sessions":[],"devices":[],"used_challenges":[],"deleted_at":null,"purged_at":null,"blocked_at":"2026-05-01T09:32:00.123456Z","detached_at":null,"last_used_at":null,"is_verified":true,"consent":null}');
INSERT INTO "identities" VALUES('69f472080000000000000005',1,1,NULL,NULL,NULL,'{"id":"69f472080000000000000005","created_at":"2026-05-01T09:30:00.123456Z","encrypted_phone":"KhWOuXuuIrizVT5SrXeHwKrZ/ddPgCTx+Hr9KRe/a1b4O+1G","role":"member","user":null,"sessions":[{"id":"69f4720800000000000000a3","created_at":"2026-05-01T09:31:00.123456Z","expires_at":"2026-05-01T09:33:00.123456Z","device":null,"last_used_at":null,"refresh_tokens":{"nonce":"CAcGBQQDAgE=","generation":1,"rotated_at":"2026-05-01T09:31:00.123456Z","is_confirmed":false},"idle_expires_at":"2026-05-01T09:32:00.123456Z"}],"devices":[{"id":"69f4720800000000000000f1","session_id":"69f4720800000000000000a3","expires_at":"2026-05-01T09:34:00.123456Z"}],"used_challenges":[],"deleted_at":null,"purged_at":null,"blocked_at":null,"detached_at":null,"last_used_at":null,"is_verified":true,"consent":null}');
INSERT INTO "identities" VALUES('69f472080000000000000006',1,1,NULL,NULL,NULL,'{"id":"69f472080000000000000006","created_at":"2026-05-01T09:30:00.123000Z","encrypted_phone":"6aSjKe40Y4WarMNS6GlHzBKEMovC7tcy45ZAhl+EfTen379e","role":"member","user":null,"sessions":[],"devices":[],"used_challenges":[],"deleted_at":null,"purged_at":null,"blocked_at":null,"detached_at":null,"last_used_at":null,"is_verified":false,"consent":{"wording":"You agree, Zoë.","language":"en-IN","given_at":"2026-05-01T09:31:00.123000Z"}}');
CREATE TABLE identity_changes (
    number INTEGER PRIMARY KEY,
    identity_id TEXT NOT NULL
);
INSERT INTO "identity_changes" VALUES(0,'');
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
INSERT INTO "metadata" VALUES('media_item_changes',3);
INSERT INTO "metadata" VALUES('schema_version',5);
CREATE TABLE phone_verifications (
    phone_index TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    expires_at INTEGER,
    body TEXT NOT NULL
, client_ips_expire_at INTEGER);
INSERT INTO "phone_verifications" VALUES('fc8bc6822e023eda714849d92a82d49c2e3d9a6452ace3f1e70fd608e78606ab',3328234062484706859,3,NULL,'{"challenges":[{"id":"69f4720800000000000000c1","purpose":"sign_in","nonce":"ABEiM0RVZneImaq7zN3u/w==","key_id":"pepper-1","created_at":"2026-05-01T09:30:00.123456Z","expires_at":"2026-05-01T09:35:00.123456Z","used_at":"2026-05-01T09:30:00.123456Z","login":null},{"id":"69f4720800000000000000c2","purpose":"sign_in","nonce":"/+7dzLuqmYh3ZlVEMyIRAA==","key_id":"pepper-2","created_at":"2026-05-01T09:31:00.123456Z","expires_at":"2026-05-01T09:36:00.123456Z","used_at":null,"login":null}],"deliveries":[{"request_id":"bm90LWEtcmVxdWVzdC1pZA","challenge_id":"69f4720800000000000000c1","client_ip_hash":"635f910bb82dbc8f","network_hash":"233fd3dbd9264b1e","is_ipv6":false,"sent_at":"2026-05-01T09:31:00.123456Z","attempt_limit":5,"device_id":null,"uses_own_quota":true,"counters":[{"kind":"first_request","id":"bm90LWEtcmVxdWVzdC1pZA","limit":5,"used":3,"last_digest":null,"last_counted_at":null}],"channel":"sms","call_id":null}],"shared_attempts":["2026-05-01T09:33:00.123456Z"],"failures":{"in_a_row":0,"last_failed_at":null,"by_device":[]},"trusted_ips":[{"client_ip_hash":"72e598573f60900c","last_login_at":"2026-05-01T09:34:00.123456Z"}],"identity_id":"69f472080000000000000001","blocked_at":null,"encrypted_phone":null,"callbacks":[]}',1777714260123456);
INSERT INTO "phone_verifications" VALUES('0f777d5756cb39d2e144a701f4c164a686790a76bb9fa6820c4be3aa40af667a',1744504243302879111,3,NULL,'{"challenges":[],"deliveries":[],"shared_attempts":[],"failures":{"in_a_row":0,"last_failed_at":null,"by_device":[]},"trusted_ips":[],"identity_id":"69f472080000000000000004","blocked_at":"2026-05-01T09:31:00.123456Z","encrypted_phone":"oXECN38KadP4OUmPn1+CVijjXvuKmmoK9z+VPEW7Ejyxkov6","callbacks":[]}',NULL);
INSERT INTO "phone_verifications" VALUES('10dfd3122823ba8149557489bd58efdae4ea1bfc3a9cfc9e3f1b5e6dad616ba5',995036035085748486,3,NULL,'{"challenges":[],"deliveries":[{"request_id":"YW5vdGhlciByZXF1ZXN0IQ","challenge_id":"69f4720800000000000000c3","client_ip_hash":"9cb77ed69810690c","network_hash":"650950ea357f6d3f","is_ipv6":true,"sent_at":"2026-05-01T09:31:00.123456Z","attempt_limit":2,"device_id":"69f4720800000000000000f1","uses_own_quota":false,"counters":[{"kind":"device","id":"69f4720800000000000000f1","limit":2,"used":1,"last_digest":"a digest","last_counted_at":"2026-05-01T09:32:00.123456Z"}],"channel":"sms","call_id":null}],"shared_attempts":[],"failures":{"in_a_row":7,"last_failed_at":"2026-05-01T09:32:00.123456Z","by_device":[{"device_id":"69f4720800000000000000f1","count":1,"last_failed_at":"2026-05-01T09:32:00.123456Z"}]},"trusted_ips":[],"identity_id":"69f472080000000000000005","blocked_at":null,"encrypted_phone":null,"callbacks":[]}',1777714260123456);
INSERT INTO "phone_verifications" VALUES('359e61a068193e9438f92c233ef0a57e2b0f9744853ace2dea9ef520f584be45',1903557992318907805,3,NULL,'{"challenges":[],"deliveries":[{"request_id":"a3f1c2d4e5b60718293a4b5c6d7e8f90","challenge_id":"69f4720800000000000000c4","client_ip_hash":"9fb18f23d185f4bd","network_hash":"233fd3dbd9264b1e","is_ipv6":false,"sent_at":"2026-05-01T09:30:00.123000Z","attempt_limit":5,"device_id":null,"uses_own_quota":false,"counters":[],"channel":"voice","call_id":"69f472080000000000000081"}],"shared_attempts":[],"failures":{"in_a_row":0,"last_failed_at":null,"by_device":[]},"trusted_ips":[],"identity_id":"69f472080000000000000006","blocked_at":null,"encrypted_phone":null,"callbacks":[{"challenge":{"id":"69f4720800000000000000c5","purpose":"sign_in","nonce":"AAECAwQFBgcICQoLDA0ODw==","key_id":"pepper-2","created_at":"2026-05-01T09:30:00.123000Z","expires_at":"2026-05-01T09:35:00.123000Z","used_at":"2026-05-01T09:31:00.123000Z","login":{"identity_id":"69f472080000000000000006","session_id":"69f4720800000000000000a4","request_id":null}},"requested_at":"2026-05-01T09:30:00.123000Z","call_id":"69f472080000000000000082","counter":{"kind":"callback","id":"69f472080000000000000082","limit":5,"used":2,"last_digest":"a digest","last_counted_at":"2026-05-01T09:31:00.123000Z"}}]}',1777714200123000);
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
CREATE INDEX calls_started_at ON calls (started_at, id);
CREATE INDEX calls_identity_id ON calls (identity_id, started_at, id)
    WHERE identity_id IS NOT NULL;
CREATE INDEX calls_oldest_recording_at ON calls (oldest_recording_at)
    WHERE oldest_recording_at IS NOT NULL;
CREATE INDEX delivery_reports_expires_at ON delivery_reports (expires_at);
CREATE TRIGGER identities_updated AFTER UPDATE ON identities BEGIN
    INSERT INTO identity_changes (identity_id) VALUES (old.id);
    DELETE FROM identity_changes WHERE number <= last_insert_rowid() - 1000;
END;
CREATE TRIGGER identities_deleted AFTER DELETE ON identities BEGIN
    INSERT INTO identity_changes (identity_id) VALUES (old.id);
    DELETE FROM identity_changes WHERE number <= last_insert_rowid() - 1000;
END;
CREATE TRIGGER media_items_added AFTER INSERT ON media_items BEGIN
    UPDATE metadata SET value = value + 1 WHERE name = 'media_item_changes';
END;
CREATE TRIGGER media_items_updated AFTER UPDATE ON media_items BEGIN
    UPDATE metadata SET value = value + 1 WHERE name = 'media_item_changes';
END;
CREATE TRIGGER media_items_deleted AFTER DELETE ON media_items BEGIN
    UPDATE metadata SET value = value + 1 WHERE name = 'media_item_changes';
END;
COMMIT;
