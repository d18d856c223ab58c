-- What schema version 1 wrote of a blocked phone; never to be changed.
BEGIN TRANSACTION;
INSERT INTO "identities" VALUES('69f472080000000000000003',1,NULL,NULL,0,NULL,'{"id":"69f472080000000000000003","phone":null,"created":"2026-05-01T09:30:00.123000Z","role":"member","user":null,"sessions":[],"deleted":null,"swept":false,"blocked":"2026-05-01T09:32:00.123000Z"}');
INSERT INTO "phone_records" VALUES('0f777d5756cb39d2e144a701f4c164a686790a76bb9fa6820c4be3aa40af667a',136135712461331887,NULL,'{"challenges":[],"sends":[],"unbound_tries":{"of_addresses":[],"of_pool":[]},"known_addresses":[],"identity_id":"69f472080000000000000003","blocked":"2026-05-01T09:31:00.123000Z"}');
COMMIT;
