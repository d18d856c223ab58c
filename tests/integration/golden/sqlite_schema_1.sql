-- What schema version 1 wrote; never to be changed.
PRAGMA application_id = 1145651532;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE identities (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    username_key TEXT,
    deleted INTEGER,
    swept INTEGER NOT NULL,
    phone BLOB,
    body TEXT NOT NULL
);
INSERT INTO "identities" VALUES('69f472080000000000000001',1,'zoë quéré',NULL,0,X'FF4C24502621ACE9B649B431B76DB0ED84A4E561ECB9377BD14A182DA5BD145950F05637','{"id":"69f472080000000000000001","phone":null,"created":"2026-05-01T09:30:00.123000Z","role":"administrator","user":{"username":{"text":"Zoë Quéré"},"created":"2026-05-01T09:31:00.123000Z"},"sessions":[{"id":"69f4720800000000000000a1","created":"2026-05-01T09:32:00.123000Z","expires":"2026-05-01T09:33:00.123000Z","device":"Pixel 8"}],"deleted":null,"swept":false}');
INSERT INTO "identities" VALUES('69f472080000000000000002',1,'gone',1777627920123000,1,NULL,'{"id":"69f472080000000000000002","phone":null,"created":"2026-05-01T09:30:00.123000Z","role":"member","user":{"username":{"text":"Gone"},"created":"2026-05-01T09:31:00.123000Z"},"sessions":[],"deleted":"2026-05-01T09:32:00.123000Z","swept":true}');
CREATE TABLE media_items (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    file_key TEXT NOT NULL,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    category TEXT,
    shown INTEGER,
    leased INTEGER,
    doomed INTEGER,
    body TEXT NOT NULL
);
INSERT INTO "media_items" VALUES('69f4720800000000000000d1',1,'000102030405060708090a0b0c0d0e0f.gif','69f472080000000000000001','gif','Räder',1777627800123000,NULL,NULL,'{"id":"69f4720800000000000000d1","owner":"69f472080000000000000001","key":"000102030405060708090a0b0c0d0e0f.gif","picture":{"format":"gif","width":64,"height":32,"bytes":4096},"category":"Räder","created":"2026-05-01T09:30:00.123000Z","state":"ready","lease_until":"2026-05-01T09:40:00.123000Z","doomed":null}');
INSERT INTO "media_items" VALUES('69f4720800000000000000d2',1,'101112131415161718191a1b1c1d1e1f.jpg','69f472080000000000000002','image',NULL,NULL,NULL,1777629000123000,'{"id":"69f4720800000000000000d2","owner":"69f472080000000000000002","key":"101112131415161718191a1b1c1d1e1f.jpg","picture":{"format":"jpeg","width":640,"height":480,"bytes":51200},"category":null,"created":"2026-05-01T09:30:00.123000Z","state":"doomed","lease_until":"2026-05-01T09:40:00.123000Z","doomed":"2026-05-01T09:50:00.123000Z"}');
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;
INSERT INTO "meta" VALUES('fingerprint','ebc5c05fc496135a');
INSERT INTO "meta" VALUES('probes',0);
CREATE TABLE phone_records (
    phone_index TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    lapses INTEGER,
    body TEXT NOT NULL
);
INSERT INTO "phone_records" VALUES('fc8bc6822e023eda714849d92a82d49c2e3d9a6452ace3f1e70fd608e78606ab',656082155906533115,NULL,'{"challenges":[{"id":"69f4720800000000000000c1","purpose":"sign_in","nonce":"ABEiM0RVZneImaq7zN3u/w==","key_id":"pepper-1","created":"2026-05-01T09:30:00.123000Z","expires":"2026-05-01T09:35:00.123000Z","spent":true}],"sends":[{"request_id":"bm90LWEtcmVxdWVzdC1pZA","challenge_id":"69f4720800000000000000c1","address":"203.0.113.7","at":"2026-05-01T09:31:00.123000Z","reserved":true,"tries_used":3}],"unbound_tries":{"of_addresses":[{"address":"2001:db8:1:2::/64","at":"2026-05-01T09:32:00.123000Z"}],"of_pool":["2026-05-01T09:33:00.123000Z"]},"known_addresses":[{"address":"203.0.113.8","at":"2026-05-01T09:34:00.123000Z"}],"identity_id":"69f472080000000000000001"}');
CREATE INDEX phone_records_lapsing ON phone_records (lapses) WHERE lapses IS NOT NULL;
CREATE UNIQUE INDEX identities_named ON identities (username_key) WHERE username_key IS NOT NULL;
CREATE INDEX identities_unswept ON identities (deleted) WHERE deleted IS NOT NULL AND swept = 0;
CREATE INDEX identities_holding ON identities (deleted)
    WHERE deleted IS NOT NULL AND username_key IS NOT NULL;
CREATE UNIQUE INDEX media_items_file ON media_items (file_key);
CREATE INDEX media_items_owned ON media_items (owner) WHERE doomed IS NULL;
CREATE INDEX media_items_leased ON media_items (leased) WHERE leased IS NOT NULL;
CREATE INDEX media_items_doomed ON media_items (doomed) WHERE doomed IS NOT NULL;
CREATE INDEX media_pages ON media_items (shown, id) WHERE shown IS NOT NULL;
CREATE INDEX media_pages_owner ON media_items (owner, shown, id) WHERE shown IS NOT NULL;
CREATE INDEX media_pages_kind ON media_items (kind, shown, id) WHERE shown IS NOT NULL;
CREATE INDEX media_pages_category ON media_items (category, shown, id) WHERE shown IS NOT NULL;
CREATE INDEX media_pages_owner_kind ON media_items (owner, kind, shown, id)
    WHERE shown IS NOT NULL;
CREATE INDEX media_pages_owner_category ON media_items (owner, category, shown, id)
    WHERE shown IS NOT NULL;
CREATE INDEX media_pages_kind_category ON media_items (kind, category, shown, id)
    WHERE shown IS NOT NULL;
CREATE INDEX media_pages_owner_kind_category ON media_items (owner, kind, category, shown, id)
    WHERE shown IS NOT NULL;
COMMIT;
