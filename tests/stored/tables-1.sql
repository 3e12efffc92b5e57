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
INSERT INTO "checkoutflow_attempts" VALUES('mltofaxfyfsxy6gdvft3gzyr5m','gfzi2bsqdv5bgwsuogcn-1','simulated_bank','gfzi2bsqdv5bgwsuogcn','authorise',58595,'DKK','d1869135a55eec3ab2019cc61552bb64524bb314912adb44d4125bdba36f5570',1772452800000000,1772452860000000,1,'succeeded');
INSERT INTO "checkoutflow_attempts" VALUES('mltofaxfyfsxy6gdvft3gzyr5m','gfzi2bsqdv5bgwsuogcn-2','simulated_bank','gfzi2bsqdv5bgwsuogcn','capture',58595,'DKK','9f936dfd4c591d12d3994b7e0ced6a61b1864b1991c8eead68927f4e98c89802',1772452800000000,1772452860000000,1,'succeeded');
INSERT INTO "checkoutflow_attempts" VALUES('mltofaxfyfsxy6gdvft3gzyr5m','gfzi2bsqdv5bgwsuogcn-3','simulated_bank','gfzi2bsqdv5bgwsuogcn','refund',58595,'DKK','fe53d7d8cb36713f8f8fc2cd056bd0597ccfdc28796e7ae85a541b00beb7cb09',1772452800000000,1772452860000000,1,'succeeded');
INSERT INTO "checkoutflow_attempts" VALUES('mltofaxfyfsxy6gdvft3gzyr5m','xql3x2kiu5mdjqmdop3q-1','simulated_bank','xql3x2kiu5mdjqmdop3q','authorise',5000,'DKK','c55ce9eacc1fd96485a7ae556de313033ddb3a45f6910e18c789c4519337b227',1772452800000000,1772452860000000,1,'succeeded');
INSERT INTO "checkoutflow_attempts" VALUES('mltofaxfyfsxy6gdvft3gzyr5m','xql3x2kiu5mdjqmdop3q-2','simulated_bank','xql3x2kiu5mdjqmdop3q','capture',5000,'DKK','488f512597e3a614c5b20a5f76ab04b348230b728d5d7cfeed1dafd6f3ecbc10',1772452800000000,1772452860000000,1,'succeeded');
INSERT INTO "checkoutflow_attempts" VALUES('mltofaxfyfsxy6gdvft3gzyr5m','xql3x2kiu5mdjqmdop3q-3','simulated_bank','xql3x2kiu5mdjqmdop3q','refund',5000,'DKK','5bf898c70f2b6fd40d86ea9f22ec8768254bb7bf6cea35b21838b29b5ad98eb1',1772452800000000,1772452860000000,1,'succeeded');
CREATE TABLE checkoutflow_checkouts (
	id TEXT NOT NULL, 
	phase TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	attention BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "checkoutflow_checkouts" VALUES('mltofaxfyfsxy6gdvft3gzyr5m','fulfilled',11,0,1772452800000000,'{"id":"mltofaxfyfsxy6gdvft3gzyr5m","version":11,"market":"DK","locale":"da_DK","customer":"consumer","subject":"hedkpsdahvy5icphuvgyppob64","phase":"fulfilled","started_at":"2026-03-02T12:00:00Z","expires_at":"2026-03-02T12:30:00Z","cart":{"lines":[{"sku":"mug","id":"mug","name":"mug","quantity":3,"unit_price":{"minor":12900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"attributes":{}},{"sku":"book","id":"book","name":"book","quantity":1,"unit_price":{"minor":19995,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"attributes":{}}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":3,"goods":{"minor":38700,"currency":"DKK"},"payable":{"minor":41931,"currency":"DKK"},"charged":{"minor":3231,"currency":"DKK"},"vat_percent":"25"},{"id":"book","quantity":1,"goods":{"minor":19995,"currency":"DKK"},"payable":{"minor":21664,"currency":"DKK"},"charged":{"minor":1669,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":63595,"currency":"DKK"},"vat":{"minor":12719,"currency":"DKK"}}],"prices_include_vat":true},"adult":null,"arms":{},"provided":["email","name","street","postal_code","city","gift_card_code"],"areas":[],"delivery":"parcel","method":"card","credits":[{"method":"gift_card","amount":{"minor":5000,"currency":"DKK"}}],"return_url":"https://shop.example/back","tenders":[{"payment":"xql3x2kiu5mdjqmdop3q","method":"gift_card","provider":"simulated_bank","amount":{"minor":5000,"currency":"DKK"}},{"payment":"gfzi2bsqdv5bgwsuogcn","method":"card","provider":"simulated_bank","amount":{"minor":58595,"currency":"DKK"}}],"payments":[{"id":"xql3x2kiu5mdjqmdop3q","method":"gift_card","provider":"simulated_bank","amount":{"minor":5000,"currency":"DKK"},"state":"refunded","books":{"currency":"DKK","authorised":5000,"voided":0,"captured":5000,"refunded":5000},"provider_reference":"pay_000001","action":null,"valid_until":"2026-03-09T12:00:00Z","attempts":[{"id":"xql3x2kiu5mdjqmdop3q-1","operation":"authorise","amount":{"minor":5000,"currency":"DKK"},"part":"","started_at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z","sends":1,"outcome":"succeeded","reference":null},{"id":"xql3x2kiu5mdjqmdop3q-2","operation":"capture","amount":{"minor":5000,"currency":"DKK"},"part":"s1","started_at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z","sends":1,"outcome":"succeeded","reference":null},{"id":"xql3x2kiu5mdjqmdop3q-3","operation":"refund","amount":{"minor":5000,"currency":"DKK"},"part":"r1","started_at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z","sends":1,"outcome":"succeeded","reference":null}],"look_at":null,"looks":0,"absences":0,"reason":"","contradiction":"","is_reminded":false},{"id":"gfzi2bsqdv5bgwsuogcn","method":"card","provider":"simulated_bank","amount":{"minor":58595,"currency":"DKK"},"state":"refunded","books":{"currency":"DKK","authorised":58595,"voided":0,"captured":58595,"refunded":58595},"provider_reference":"pay_000002","action":null,"valid_until":"2026-03-09T12:00:00Z","attempts":[{"id":"gfzi2bsqdv5bgwsuogcn-1","operation":"authorise","amount":{"minor":58595,"currency":"DKK"},"part":"","started_at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z","sends":1,"outcome":"succeeded","reference":null},{"id":"gfzi2bsqdv5bgwsuogcn-2","operation":"capture","amount":{"minor":58595,"currency":"DKK"},"part":"s1","started_at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z","sends":1,"outcome":"succeeded","reference":null},{"id":"gfzi2bsqdv5bgwsuogcn-3","operation":"refund","amount":{"minor":58595,"currency":"DKK"},"part":"r1","started_at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z","sends":1,"outcome":"succeeded","reference":null}],"look_at":null,"looks":0,"absences":0,"reason":"","contradiction":"","is_reminded":false}],"shipments":[{"id":"s1","lines":{"mug":3,"book":1},"first":{"mug":0,"book":0},"amount":{"minor":63595,"currency":"DKK"},"state":"done","is_paid":true}],"refunds":[{"id":"r1","lines":{"mug":3,"book":1},"first":{"mug":0,"book":0},"amount":{"minor":63595,"currency":"DKK"},"state":"done"}],"cancelled":{},"review":null,"ending":"","attention":[]}');
CREATE TABLE checkoutflow_idempotency (
	"key" TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	checkout_id TEXT NOT NULL, 
	PRIMARY KEY ("key")
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_idempotency" VALUES('call-1','76b7d22c7d075455f6a3a18af13941d51d4326697a0178beff4000fe681475f3','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-2','1d0a9640e6450913b9af66b27b3e10daea707c5db51cacee429665e385d3f824','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-3','4c10259950007551fb2995d0b3065363bebd15f0931d74a12c3259f8decf0a9a','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-4','7028cca82da3651244a8c936115b6d9674bbc329d0f2987e47ae3759bd9509c1','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-5','e97aff7cd1fae20d87cf27d52032fc0018f16a87683d67518927cc29f8c321d5','mltofaxfyfsxy6gdvft3gzyr5m');
CREATE TABLE checkoutflow_journal (
	checkout_id TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	command TEXT NOT NULL, 
	events TEXT NOT NULL, 
	PRIMARY KEY (checkout_id, version), 
	FOREIGN KEY(checkout_id) REFERENCES checkoutflow_checkouts (id)
);
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',1,1772452800000000,'start','[{"type":"started","checkout":"mltofaxfyfsxy6gdvft3gzyr5m","subject":"hedkpsdahvy5icphuvgyppob64","market":"DK","locale":"da_DK","customer":"consumer","cart":{"lines":[{"sku":"mug","id":"mug","name":"mug","quantity":3,"unit_price":{"minor":12900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"attributes":{}},{"sku":"book","id":"book","name":"book","quantity":1,"unit_price":{"minor":19995,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"attributes":{}}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":3,"goods":{"minor":38700,"currency":"DKK"},"payable":{"minor":41931,"currency":"DKK"},"charged":{"minor":3231,"currency":"DKK"},"vat_percent":"25"},{"id":"book","quantity":1,"goods":{"minor":19995,"currency":"DKK"},"payable":{"minor":21664,"currency":"DKK"},"charged":{"minor":1669,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":63595,"currency":"DKK"},"vat":{"minor":12719,"currency":"DKK"}}],"prices_include_vat":true},"delivery":"parcel","adult":null,"arms":{},"at":"2026-03-02T12:00:00Z","expires_at":"2026-03-03T12:00:00Z"},{"type":"details_provided","fields":["email","name","street","postal_code","city"],"areas":[],"expires_at":"2026-03-03T12:00:00Z"},{"type":"payment_chosen","method":"card","expires_at":"2026-03-03T12:00:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',2,1772452800000000,'provide, add_credit','[{"type":"details_provided","fields":["gift_card_code"],"areas":null,"expires_at":"2026-03-03T12:00:00Z"},{"type":"credit_added","method":"gift_card","amount":{"minor":5000,"currency":"DKK"},"expires_at":"2026-03-03T12:00:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',3,1772452800000000,'place','[{"type":"placed","accepted_total":{"minor":63595,"currency":"DKK"},"priced":{"lines":[{"id":"mug","quantity":3,"goods":{"minor":38700,"currency":"DKK"},"payable":{"minor":41931,"currency":"DKK"},"charged":{"minor":3231,"currency":"DKK"},"vat_percent":"25"},{"id":"book","quantity":1,"goods":{"minor":19995,"currency":"DKK"},"payable":{"minor":21664,"currency":"DKK"},"charged":{"minor":1669,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":63595,"currency":"DKK"},"vat":{"minor":12719,"currency":"DKK"}}],"prices_include_vat":true},"tenders":[{"payment":"xql3x2kiu5mdjqmdop3q","method":"gift_card","provider":"simulated_bank","amount":{"minor":5000,"currency":"DKK"}},{"payment":"gfzi2bsqdv5bgwsuogcn","method":"card","provider":"simulated_bank","amount":{"minor":58595,"currency":"DKK"}}],"credit":null,"return_url":"https://shop.example/back","expires_at":"2026-03-02T12:30:00Z"},{"type":"payment_started","payment":"xql3x2kiu5mdjqmdop3q","method":"gift_card","provider":"simulated_bank","amount":{"minor":5000,"currency":"DKK"}},{"type":"attempt_started","payment":"xql3x2kiu5mdjqmdop3q","attempt":"xql3x2kiu5mdjqmdop3q-1","operation":"authorise","amount":{"minor":5000,"currency":"DKK"},"part":"","at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',4,1772452800000000,'record_result','[{"type":"payment_authorised","payment":"xql3x2kiu5mdjqmdop3q","attempt":"xql3x2kiu5mdjqmdop3q-1","amount":{"minor":5000,"currency":"DKK"},"provider_reference":"pay_000001","valid_until":"2026-03-09T12:00:00Z","origin":"shop"},{"type":"payment_started","payment":"gfzi2bsqdv5bgwsuogcn","method":"card","provider":"simulated_bank","amount":{"minor":58595,"currency":"DKK"}},{"type":"attempt_started","payment":"gfzi2bsqdv5bgwsuogcn","attempt":"gfzi2bsqdv5bgwsuogcn-1","operation":"authorise","amount":{"minor":58595,"currency":"DKK"},"part":"","at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',5,1772452800000000,'record_result','[{"type":"payment_authorised","payment":"gfzi2bsqdv5bgwsuogcn","attempt":"gfzi2bsqdv5bgwsuogcn-1","amount":{"minor":58595,"currency":"DKK"},"provider_reference":"pay_000002","valid_until":"2026-03-09T12:00:00Z","origin":"shop"},{"type":"confirmed"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',6,1772452800000000,'ship','[{"type":"shipment_started","shipment":"s1","lines":{"mug":3,"book":1},"first":{"mug":0,"book":0},"amount":{"minor":63595,"currency":"DKK"}},{"type":"attempt_started","payment":"xql3x2kiu5mdjqmdop3q","attempt":"xql3x2kiu5mdjqmdop3q-2","operation":"capture","amount":{"minor":5000,"currency":"DKK"},"part":"s1","at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z"},{"type":"attempt_started","payment":"gfzi2bsqdv5bgwsuogcn","attempt":"gfzi2bsqdv5bgwsuogcn-2","operation":"capture","amount":{"minor":58595,"currency":"DKK"},"part":"s1","at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',7,1772452800000000,'record_result','[{"type":"payment_captured","payment":"xql3x2kiu5mdjqmdop3q","attempt":"xql3x2kiu5mdjqmdop3q-2","amount":{"minor":5000,"currency":"DKK"},"origin":"shop"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',8,1772452800000000,'record_result','[{"type":"payment_captured","payment":"gfzi2bsqdv5bgwsuogcn","attempt":"gfzi2bsqdv5bgwsuogcn-2","amount":{"minor":58595,"currency":"DKK"},"origin":"shop"},{"type":"shipped","shipment":"s1"},{"type":"fulfilled"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',9,1772452800000000,'refund','[{"type":"refund_started","refund":"r1","lines":{"mug":3,"book":1},"first":{"mug":0,"book":0},"amount":{"minor":63595,"currency":"DKK"}},{"type":"attempt_started","payment":"gfzi2bsqdv5bgwsuogcn","attempt":"gfzi2bsqdv5bgwsuogcn-3","operation":"refund","amount":{"minor":58595,"currency":"DKK"},"part":"r1","at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z"},{"type":"attempt_started","payment":"xql3x2kiu5mdjqmdop3q","attempt":"xql3x2kiu5mdjqmdop3q-3","operation":"refund","amount":{"minor":5000,"currency":"DKK"},"part":"r1","at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',10,1772452800000000,'record_result','[{"type":"payment_refunded","payment":"gfzi2bsqdv5bgwsuogcn","attempt":"gfzi2bsqdv5bgwsuogcn-3","amount":{"minor":58595,"currency":"DKK"},"origin":"shop"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',11,1772452800000000,'record_result','[{"type":"payment_refunded","payment":"xql3x2kiu5mdjqmdop3q","attempt":"xql3x2kiu5mdjqmdop3q-3","amount":{"minor":5000,"currency":"DKK"},"origin":"shop"},{"type":"refund_done","refund":"r1"}]');
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
INSERT INTO "checkoutflow_notices" VALUES('simulated_bank','evt_000001','mltofaxfyfsxy6gdvft3gzyr5m','payment.authorised',1772452800000000);
INSERT INTO "checkoutflow_notices" VALUES('simulated_bank','evt_000002','mltofaxfyfsxy6gdvft3gzyr5m','payment.authorised',1772452800000000);
INSERT INTO "checkoutflow_notices" VALUES('simulated_bank','evt_000003','mltofaxfyfsxy6gdvft3gzyr5m','payment.captured',1772452800000000);
INSERT INTO "checkoutflow_notices" VALUES('simulated_bank','evt_000004','mltofaxfyfsxy6gdvft3gzyr5m','payment.captured',1772452800000000);
INSERT INTO "checkoutflow_notices" VALUES('simulated_bank','evt_000005','mltofaxfyfsxy6gdvft3gzyr5m','payment.refunded',1772452800000000);
INSERT INTO "checkoutflow_notices" VALUES('simulated_bank','evt_000006','mltofaxfyfsxy6gdvft3gzyr5m','payment.refunded',1772452800000000);
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
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',5,'confirmed',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',8,'shipped',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',8,'fulfilled',1772452800000000,1);
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',11,'refunded',1772452800000000,0);
CREATE TABLE checkoutflow_schema (
	version INTEGER NOT NULL
);
INSERT INTO "checkoutflow_schema" VALUES(1);
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
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','gift_card_code',X'01FB40D6BAB2C8E0121C441AE6B7516B4D1AC6B33D1F361325E855515874D8320FCB7EEE3C786EC549A6CF4D','take_payment',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','name',X'01F72E2140C304BDFC6A21E5E855A88647420B231679A6E6B86ACDEBBBB6891FD47ED6F01F0A03F576B47647','deliver identify_for_credit invoice prevent_fraud take_payment',1867060800000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','postal_code',X'019E656ACF0641169A0B59F4E6361858E226A7744D38C2697E68522B8C2F26750B','deliver identify_for_credit invoice prevent_fraud',1867060800000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','street',X'011217568835D497FB212B86B4C731E0E1949C16B2F1864745D4E0A7310B7045AA4FDFF877474B18887AEA','deliver identify_for_credit invoice prevent_fraud',1867060800000000);
CREATE INDEX checkoutflow_checkouts_by_phase ON checkoutflow_checkouts (phase, id);
CREATE INDEX checkoutflow_attempts_by_payment ON checkoutflow_attempts (provider, payment);
CREATE INDEX checkoutflow_outbox_in_order ON checkoutflow_outbox (at, checkout_id, version, place);
CREATE INDEX checkoutflow_timers_by_due ON checkoutflow_timers (due_at, checkout_id);
CREATE TRIGGER checkoutflow_journal_refuses_update BEFORE update ON checkoutflow_journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER checkoutflow_journal_refuses_delete BEFORE delete ON checkoutflow_journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
COMMIT;
