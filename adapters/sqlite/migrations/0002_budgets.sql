-- A slot is a row: `until` is when it counts no more, microseconds since 1970 as is `at`.

CREATE TABLE budget_slots (
    budget TEXT NOT NULL,
    at INTEGER NOT NULL,
    id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (budget, at, id)
) WITHOUT ROWID;

CREATE INDEX budget_slots_lapsing ON budget_slots (until);
