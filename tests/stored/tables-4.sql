BEGIN TRANSACTION;
CREATE TABLE checkoutflow_attempts (
	checkout_id TEXT NOT NULL, 
	id TEXT NOT NULL, 
	provider TEXT NOT NULL, 
	payment TEXT NOT NULL, 
	operation TEXT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	lease_until BIGINT NOT NULL, 
	sends BIGINT NOT NULL, 
	outcome TEXT, 
	PRIMARY KEY (checkout_id, id), 
	FOREIGN KEY(checkout_id) REFERENCES checkoutflow_checkouts (id)
)
 WITHOUT ROWID

;
CREATE TABLE checkoutflow_checkouts (
	id TEXT NOT NULL, 
	phase TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	attention BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "checkoutflow_checkouts" VALUES('mltofaxfyfsxy6gdvft3gzyr5m','fulfilled',8,0,1772452800000000,'{"id":"mltofaxfyfsxy6gdvft3gzyr5m","version":8,"market":"DK","locale":"da_DK","customer":"consumer","subject":"hedkpsdahvy5icphuvgyppob64","phase":"fulfilled","started_at":"2026-03-02T12:00:00Z","expires_at":"2026-03-02T12:30:00Z","cart":{"lines":[{"sku":"mug","id":"mug","name":"mug","quantity":3,"unit_price":{"minor":12900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"attributes":{}},{"sku":"book","id":"book","name":"book","quantity":1,"unit_price":{"minor":19995,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"attributes":{}}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":3,"goods":{"minor":38700,"currency":"DKK"},"payable":{"minor":41931,"currency":"DKK"},"charged":{"minor":3231,"currency":"DKK"},"vat_percent":"25"},{"id":"book","quantity":1,"goods":{"minor":19995,"currency":"DKK"},"payable":{"minor":21664,"currency":"DKK"},"charged":{"minor":1669,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":63595,"currency":"DKK"},"vat":{"minor":12719,"currency":"DKK"}}],"prices_include_vat":true},"adult":null,"arms":{},"provided":["email","name","street","postal_code","city"],"areas":[],"delivery":"parcel","method":"own_invoice","credits":[],"return_url":"https://shop.example/back","tenders":[{"payment":"7nannovszdqbehcedltb","method":"own_invoice","provider":null,"amount":{"minor":63595,"currency":"DKK"},"others":[]}],"payments":[{"id":"7nannovszdqbehcedltb","method":"own_invoice","provider":null,"amount":{"minor":63595,"currency":"DKK"},"terms":{"days":14,"day_of_month":null,"last_banking_day":false,"months_after":1,"at_least_days":0,"on_closed_day":"preceding"},"state":"refunded","books":{"currency":"DKK","authorised":63595,"voided":0,"captured":63595,"refunded":63595},"provider_reference":null,"action":null,"valid_until":null,"attempts":[],"look_at":null,"looks":0,"absences":0,"reason":"","contradiction":"","is_reminded":false}],"shipments":[{"id":"s1","lines":{"mug":3,"book":1},"first":{"mug":0,"book":0},"amount":{"minor":63595,"currency":"DKK"},"state":"done","is_paid":true}],"refunds":[{"id":"r1","lines":{"book":1},"first":{"book":0},"amount":{"minor":21664,"currency":"DKK"},"state":"done"},{"id":"r2","lines":{"mug":3},"first":{"mug":0},"amount":{"minor":41931,"currency":"DKK"},"state":"done"}],"invoices":[{"number":1001,"payment":"7nannovszdqbehcedltb","shipment":"s1","amount":{"minor":63595,"currency":"DKK"},"issued_on":"2026-03-02","due_on":"2026-03-16","remind_at":"2026-03-17T12:00:00Z","reference":"1001","scheme":"","credit_notes":[{"number":1002,"amount":{"minor":21664,"currency":"DKK"},"issued_on":"2026-03-02"},{"number":1003,"amount":{"minor":41931,"currency":"DKK"},"issued_on":"2026-03-02"}],"paid":{"minor":0,"currency":"DKK"},"is_reminded":false}],"cancelled":{},"review":null,"ending":"","attention":[]}');
CREATE TABLE checkoutflow_gift_cards (
	id TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	expires_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE checkoutflow_health (
	provider TEXT NOT NULL, 
	failures BIGINT NOT NULL, 
	failed_at BIGINT NOT NULL, 
	down_until BIGINT, 
	PRIMARY KEY (provider)
)
 WITHOUT ROWID

;
CREATE TABLE checkoutflow_idempotency (
	"key" TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	checkout_id TEXT NOT NULL, 
	PRIMARY KEY ("key")
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_idempotency" VALUES('call-1','7d33868acf7a3b6a94089b5d9acd24638132c1eb050e3e9ac9fa565a2a73c73b','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-2','4c10259950007551fb2995d0b3065363bebd15f0931d74a12c3259f8decf0a9a','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-3','7028cca82da3651244a8c936115b6d9674bbc329d0f2987e47ae3759bd9509c1','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-4','0db896d28e481eb5642f07e05bc3526de9ea4568b31cd362fcd76644cd7e9876','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-5','ab5aac905cc1881183e0b4ab13378cb222635a1b0c751369d94087b0cc23a4e3','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-6','d8186f5f2b6ebe925d42dde41b67b005bb5c2df8b39d4880ec8c71ba9a99f521','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-7','f3d895d62dd360f6f698dd5081c7080ee7ccfb1772fb03755abe6fcea7e3747e','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-8','7628fa251607c83b77abce5a501320cdf7094c677148e2cd087369fa1d8c84fe','mltofaxfyfsxy6gdvft3gzyr5m');
CREATE TABLE checkoutflow_journal (
	checkout_id TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	command TEXT NOT NULL, 
	events TEXT NOT NULL, 
	PRIMARY KEY (checkout_id, version), 
	FOREIGN KEY(checkout_id) REFERENCES checkoutflow_checkouts (id)
);
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',1,1772452800000000,'start','[{"type":"started","checkout":"mltofaxfyfsxy6gdvft3gzyr5m","subject":"hedkpsdahvy5icphuvgyppob64","market":"DK","locale":"da_DK","customer":"consumer","cart":{"lines":[{"sku":"mug","id":"mug","name":"mug","quantity":3,"unit_price":{"minor":12900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"attributes":{}},{"sku":"book","id":"book","name":"book","quantity":1,"unit_price":{"minor":19995,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"attributes":{}}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":3,"goods":{"minor":38700,"currency":"DKK"},"payable":{"minor":41931,"currency":"DKK"},"charged":{"minor":3231,"currency":"DKK"},"vat_percent":"25"},{"id":"book","quantity":1,"goods":{"minor":19995,"currency":"DKK"},"payable":{"minor":21664,"currency":"DKK"},"charged":{"minor":1669,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":63595,"currency":"DKK"},"vat":{"minor":12719,"currency":"DKK"}}],"prices_include_vat":true},"delivery":"parcel","adult":null,"arms":{},"at":"2026-03-02T12:00:00Z","expires_at":"2026-03-03T12:00:00Z"},{"type":"details_provided","fields":["email","name","street","postal_code","city"],"areas":[],"expires_at":"2026-03-03T12:00:00Z"},{"type":"payment_chosen","method":"own_invoice","expires_at":"2026-03-03T12:00:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',2,1772452800000000,'place','[{"type":"placed","accepted_total":{"minor":63595,"currency":"DKK"},"priced":{"lines":[{"id":"mug","quantity":3,"goods":{"minor":38700,"currency":"DKK"},"payable":{"minor":41931,"currency":"DKK"},"charged":{"minor":3231,"currency":"DKK"},"vat_percent":"25"},{"id":"book","quantity":1,"goods":{"minor":19995,"currency":"DKK"},"payable":{"minor":21664,"currency":"DKK"},"charged":{"minor":1669,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":63595,"currency":"DKK"},"vat":{"minor":12719,"currency":"DKK"}}],"prices_include_vat":true},"tenders":[{"payment":"7nannovszdqbehcedltb","method":"own_invoice","provider":null,"amount":{"minor":63595,"currency":"DKK"},"others":[]}],"credit":{"method":"own_invoice","creditor":"Fjord","classification":"exempt_no_cost","is_accepted":true,"apr":"0.0","payments":1,"total_payable":{"minor":63595,"currency":"DKK"},"due":"2026-03-16"},"return_url":"https://shop.example/back","expires_at":"2026-03-02T12:30:00Z"},{"type":"payment_started","payment":"7nannovszdqbehcedltb","method":"own_invoice","provider":null,"amount":{"minor":63595,"currency":"DKK"},"terms":{"days":14,"day_of_month":null,"last_banking_day":false,"months_after":1,"at_least_days":0,"on_closed_day":"preceding"}},{"type":"payment_authorised","payment":"7nannovszdqbehcedltb","attempt":"","amount":{"minor":63595,"currency":"DKK"},"provider_reference":null,"valid_until":null,"origin":"shop"},{"type":"confirmed"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',3,1772452800000000,'ship','[{"type":"shipment_started","shipment":"s1","lines":{"mug":3,"book":1},"first":{"mug":0,"book":0},"amount":{"minor":63595,"currency":"DKK"}},{"type":"payment_captured","payment":"7nannovszdqbehcedltb","attempt":"","amount":{"minor":63595,"currency":"DKK"},"origin":"shop"},{"type":"shipped","shipment":"s1"},{"type":"invoice_issued","invoice":1001,"payment":"7nannovszdqbehcedltb","shipment":"s1","amount":{"minor":63595,"currency":"DKK"},"issued_on":"2026-03-02","due_on":"2026-03-16","remind_at":"2026-03-17T12:00:00Z","reference":"1001","scheme":""},{"type":"fulfilled"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',4,1772452800000000,'record_payment','[{"type":"payment_recorded","invoice":1001,"amount":{"minor":10000,"currency":"DKK"},"received_on":"2026-03-02"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',5,1772452800000000,'refund','[{"type":"refund_started","refund":"r1","lines":{"book":1},"first":{"book":0},"amount":{"minor":21664,"currency":"DKK"}},{"type":"payment_refunded","payment":"7nannovszdqbehcedltb","attempt":"","amount":{"minor":21664,"currency":"DKK"},"origin":"shop"},{"type":"credit_note_issued","credit_note":1002,"invoice":1001,"amount":{"minor":21664,"currency":"DKK"},"issued_on":"2026-03-02"},{"type":"refund_done","refund":"r1"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',6,1772452800000000,'record_payment','[{"type":"payment_recorded","invoice":1001,"amount":{"minor":31931,"currency":"DKK"},"received_on":"2026-03-02"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',7,1772452800000000,'refund','[{"type":"refund_started","refund":"r2","lines":{"mug":3},"first":{"mug":0},"amount":{"minor":41931,"currency":"DKK"}},{"type":"payment_refunded","payment":"7nannovszdqbehcedltb","attempt":"","amount":{"minor":41931,"currency":"DKK"},"origin":"shop"},{"type":"credit_note_issued","credit_note":1003,"invoice":1001,"amount":{"minor":41931,"currency":"DKK"},"issued_on":"2026-03-02"},{"type":"refund_done","refund":"r2"},{"type":"attention_needed","reason":"owed_to_customer","payment":"7nannovszdqbehcedltb"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',8,1772452800000000,'record_payment','[{"type":"payment_recorded","invoice":1001,"amount":{"minor":-41931,"currency":"DKK"},"received_on":"2026-03-02"}]');
CREATE TABLE checkoutflow_ledger (
	card_id TEXT NOT NULL, 
	payment TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	move TEXT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	answer TEXT NOT NULL, 
	freed BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (card_id, payment, "key")
)
 WITHOUT ROWID

;
CREATE TABLE checkoutflow_notices (
	provider TEXT NOT NULL, 
	id TEXT NOT NULL, 
	checkout_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	received_at BIGINT NOT NULL, 
	PRIMARY KEY (provider, id)
)
 WITHOUT ROWID

;
CREATE TABLE checkoutflow_outbox (
	checkout_id TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	place BIGINT NOT NULL, 
	PRIMARY KEY (checkout_id, version, kind), 
	FOREIGN KEY(checkout_id) REFERENCES checkoutflow_checkouts (id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',2,'confirmed',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',3,'shipped',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',3,'fulfilled',1772452800000000,1);
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',5,'refunded',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',7,'refunded',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',7,'attention',1772452800000000,1);
CREATE TABLE checkoutflow_schema (
	version INTEGER NOT NULL
);
INSERT INTO "checkoutflow_schema" VALUES(4);
CREATE TABLE checkoutflow_series (
	number BIGINT NOT NULL, 
	checkout_id TEXT NOT NULL, 
	scheme TEXT NOT NULL, 
	reference TEXT, 
	PRIMARY KEY (number)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_series" VALUES(1001,'mltofaxfyfsxy6gdvft3gzyr5m','','1001');
INSERT INTO "checkoutflow_series" VALUES(1002,'mltofaxfyfsxy6gdvft3gzyr5m','',NULL);
INSERT INTO "checkoutflow_series" VALUES(1003,'mltofaxfyfsxy6gdvft3gzyr5m','',NULL);
CREATE TABLE checkoutflow_subjects (
	id TEXT NOT NULL, 
	wrapped_key BLOB NOT NULL, 
	key_id TEXT NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_subjects" VALUES('hedkpsdahvy5icphuvgyppob64',X'01738626482F61C62379627CC18DF129C23BE3160A703663F73DEBF7131A4E9BB57A3AEC32A7BCCDF4432EEF57389200AACFDA545F05961292F3E6CA5A','17b968e0095e3deb');
CREATE TABLE checkoutflow_timers (
	checkout_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	due_at BIGINT NOT NULL, 
	PRIMARY KEY (checkout_id, kind), 
	FOREIGN KEY(checkout_id) REFERENCES checkoutflow_checkouts (id)
)
 WITHOUT ROWID

;
CREATE TABLE checkoutflow_vault (
	subject_id TEXT NOT NULL, 
	field TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	purposes TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	PRIMARY KEY (subject_id, field), 
	FOREIGN KEY(subject_id) REFERENCES checkoutflow_subjects (id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','city',X'0129439F25D9D4654FEC8D4819E9462C9EA53FF40796CD68947236BA9AA50D3BDFA731E73D668E96','deliver identify_for_credit invoice prevent_fraud',1867060800000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','email',X'0124D446183C6E4D9EA1A5A5CCAEC790478F1B757356058778660928925FF79EFAB4DC49FBE06F351DD07F68EA14A183A7','send_receipt deliver take_payment identify_for_credit invoice prevent_fraud',1867060800000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','name',X'01F72E2140C304BDFC6A21E5E855A88647420B231679A6E6B86ACDEBBBB6891FD47ED6F01F0A03F576B47647','deliver identify_for_credit invoice prevent_fraud take_payment',1867060800000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','postal_code',X'019E656ACF0641169A0B59F4E6361858E226A7744D38C2697E68522B8C2F26750B','deliver identify_for_credit invoice prevent_fraud',1867060800000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','street',X'011217568835D497FB212B86B4C731E0E1949C16B2F1864745D4E0A7310B7045AA4FDFF877474B18887AEA','deliver identify_for_credit invoice prevent_fraud',1867060800000000);
CREATE INDEX checkoutflow_checkouts_by_phase ON checkoutflow_checkouts (phase, id);
CREATE INDEX checkoutflow_ledger_by_payment ON checkoutflow_ledger (payment, at);
CREATE INDEX checkoutflow_series_by_reference ON checkoutflow_series (scheme, reference);
CREATE INDEX checkoutflow_attempts_by_payment ON checkoutflow_attempts (provider, payment);
CREATE INDEX checkoutflow_outbox_in_order ON checkoutflow_outbox (at, checkout_id, version, place);
CREATE INDEX checkoutflow_timers_by_due ON checkoutflow_timers (due_at, checkout_id);
CREATE TRIGGER checkoutflow_journal_refuses_update BEFORE update ON checkoutflow_journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER checkoutflow_journal_refuses_delete BEFORE delete ON checkoutflow_journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER checkoutflow_ledger_refuses_update BEFORE update ON checkoutflow_ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER checkoutflow_ledger_refuses_delete BEFORE delete ON checkoutflow_ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER checkoutflow_series_refuses_update BEFORE update ON checkoutflow_series BEGIN SELECT RAISE(ABORT, 'the series is append-only'); END;
CREATE TRIGGER checkoutflow_series_refuses_delete BEFORE delete ON checkoutflow_series BEGIN SELECT RAISE(ABORT, 'the series is append-only'); END;
COMMIT;
