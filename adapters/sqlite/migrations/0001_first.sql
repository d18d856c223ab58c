-- What a record is found by stands in columns of its own, all of it in body (JSON).
-- Times in columns are microseconds since 1970.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('probes', 0);

-- lapses is NULL while the record names an identity or is blocked.
CREATE TABLE phone_records (
    phone_index TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    lapses INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX phone_records_lapsing ON phone_records (lapses) WHERE lapses IS NOT NULL;

-- phone is sealed, and never part of body.
CREATE TABLE identities (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    username_key TEXT,
    deleted INTEGER,
    swept INTEGER NOT NULL,
    phone BLOB,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX identities_named ON identities (username_key) WHERE username_key IS NOT NULL;
CREATE INDEX identities_unswept ON identities (deleted) WHERE deleted IS NOT NULL AND swept = 0;
CREATE INDEX identities_holding ON identities (deleted)
    WHERE deleted IS NOT NULL AND username_key IS NOT NULL;

-- shown is when a ready item was created, leased when a pending one's lease is over, doomed
-- when it was doomed: each NULL in the other states, so that its indexes hold one state only.
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

CREATE UNIQUE INDEX media_items_file ON media_items (file_key);
CREATE INDEX media_items_owned ON media_items (owner) WHERE doomed IS NULL;
CREATE INDEX media_items_leased ON media_items (leased) WHERE leased IS NOT NULL;
CREATE INDEX media_items_doomed ON media_items (doomed) WHERE doomed IS NOT NULL;

-- One for each way in which a library is read, so that every page is a range of an index.
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
