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
INSERT INTO "checkoutflow_attempts" VALUES('mltofaxfyfsxy6gdvft3gzyr5m','akhpcd52julm5zudedv2-1','simulated_bank','akhpcd52julm5zudedv2','authorise',17800,'DKK','9ce12750cafbffce38924bcc6f67ec17f77679a3b95954db5914c91885fd167e',1772452800000000,1772452860000000,1,'succeeded');
INSERT INTO "checkoutflow_attempts" VALUES('mltofaxfyfsxy6gdvft3gzyr5m','akhpcd52julm5zudedv2-2','simulated_bank','akhpcd52julm5zudedv2','capture',17800,'DKK','646e75b25c5a0998894f7b668227c06418fe353a177e2bd84e7e6df23de8f6e6',1772452800000000,1772452860000000,1,'succeeded');
INSERT INTO "checkoutflow_attempts" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi','azdcdzigbdzk3ubv7wlj-1','simulated_bank','azdcdzigbdzk3ubv7wlj','authorise',17800,'DKK','aa02de8be648cffcf622e9c00908526a1274e01faa5d4a8b16d2056ebeb589b4',1772452800000000,1772452860000000,1,'succeeded');
INSERT INTO "checkoutflow_attempts" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi','azdcdzigbdzk3ubv7wlj-2','simulated_bank','azdcdzigbdzk3ubv7wlj','capture',17800,'DKK','17b03f15981f2bdf9f18ce4ee170b35611427d35ae3d51b1a033c60f124aef8c',1772452800000000,1772452860000000,1,'succeeded');
CREATE TABLE checkoutflow_belongs (
	subject_id TEXT NOT NULL, 
	checkout_id TEXT NOT NULL, 
	PRIMARY KEY (subject_id, checkout_id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_belongs" VALUES('5sid5ogrg4inpmkmdftbmk6twu','hdfgts4awgscxxiwefkrr3qwnu');
INSERT INTO "checkoutflow_belongs" VALUES('5sid5ogrg4inpmkmdftbmk6twu','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_belongs" VALUES('5sid5ogrg4inpmkmdftbmk6twu','t3ceh7rcdhxvcyfyaxqnmziiqi');
INSERT INTO "checkoutflow_belongs" VALUES('hedkpsdahvy5icphuvgyppob64','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_belongs" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za','hdfgts4awgscxxiwefkrr3qwnu');
INSERT INTO "checkoutflow_belongs" VALUES('ryixx74lglho4axgif6rcn7ldm','t3ceh7rcdhxvcyfyaxqnmziiqi');
CREATE TABLE checkoutflow_checkouts (
	id TEXT NOT NULL, 
	phase TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	attention BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "checkoutflow_checkouts" VALUES('mltofaxfyfsxy6gdvft3gzyr5m','fulfilled',6,0,1772452800000000,'{"id":"mltofaxfyfsxy6gdvft3gzyr5m","version":6,"market":"DK","locale":"da_DK","customer":"consumer","subject":"hedkpsdahvy5icphuvgyppob64","phase":"fulfilled","started_at":"2026-03-02T12:00:00Z","expires_at":"2026-03-02T12:30:00Z","cart":{"lines":[{"sku":"mug","id":"mug","name":"mug","quantity":1,"unit_price":{"minor":12900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"durable":false,"attributes":{}}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":1,"goods":{"minor":12900,"currency":"DKK"},"payable":{"minor":17800,"currency":"DKK"},"charged":{"minor":4900,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":17800,"currency":"DKK"},"vat":{"minor":3560,"currency":"DKK"}}],"prices_include_vat":true},"adult":null,"arms":{},"recognition":{"level":"unknown","person":"","by":"","challenge":"","sending":0,"tries":0,"sent_at":null,"valid_until":null},"consents":{"profile":true},"could_say_no":false,"provided":["email","name","street","postal_code","city"],"areas":[],"delivery":"parcel","method":"card","credits":[],"return_url":"https://shop.example/back","tenders":[{"payment":"akhpcd52julm5zudedv2","method":"card","provider":"simulated_bank","amount":{"minor":17800,"currency":"DKK"},"others":[]}],"payments":[{"id":"akhpcd52julm5zudedv2","method":"card","provider":"simulated_bank","amount":{"minor":17800,"currency":"DKK"},"terms":null,"state":"captured","books":{"currency":"DKK","authorised":17800,"voided":0,"captured":17800,"refunded":0},"provider_reference":"pay_000001","action":null,"valid_until":"2026-03-09T12:00:00Z","attempts":[{"id":"akhpcd52julm5zudedv2-1","operation":"authorise","amount":{"minor":17800,"currency":"DKK"},"part":"","started_at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z","sends":1,"outcome":"succeeded","reference":null},{"id":"akhpcd52julm5zudedv2-2","operation":"capture","amount":{"minor":17800,"currency":"DKK"},"part":"s1","started_at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z","sends":1,"outcome":"succeeded","reference":null}],"look_at":null,"looks":0,"absences":0,"reason":"","contradiction":"","is_reminded":false}],"shipments":[{"id":"s1","lines":{"mug":1},"first":{"mug":0},"amount":{"minor":17800,"currency":"DKK"},"state":"done","is_paid":true}],"refunds":[],"invoices":[],"cancelled":{},"review":null,"ending":"","attention":[],"erasure":null}');
INSERT INTO "checkoutflow_checkouts" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi','fulfilled',7,0,1772452800000000,'{"id":"t3ceh7rcdhxvcyfyaxqnmziiqi","version":7,"market":"DK","locale":"da_DK","customer":"consumer","subject":"ryixx74lglho4axgif6rcn7ldm","phase":"fulfilled","started_at":"2026-03-02T12:00:00Z","expires_at":"2026-03-02T12:30:00Z","cart":{"lines":[{"sku":"mug","id":"mug","name":"mug","quantity":1,"unit_price":{"minor":12900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"durable":false,"attributes":{}}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":1,"goods":{"minor":12900,"currency":"DKK"},"payable":{"minor":17800,"currency":"DKK"},"charged":{"minor":4900,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":17800,"currency":"DKK"},"vat":{"minor":3560,"currency":"DKK"}}],"prices_include_vat":true},"adult":null,"arms":{},"recognition":{"level":"verified","person":"5sid5ogrg4inpmkmdftbmk6twu","by":"email","challenge":"","sending":0,"tries":0,"sent_at":null,"valid_until":null},"consents":{"profile":true},"could_say_no":false,"provided":["name","email","street","postal_code","city","country"],"areas":[],"delivery":"parcel","method":"card","credits":[],"return_url":"https://shop.example/back","tenders":[{"payment":"azdcdzigbdzk3ubv7wlj","method":"card","provider":"simulated_bank","amount":{"minor":17800,"currency":"DKK"},"others":[]}],"payments":[{"id":"azdcdzigbdzk3ubv7wlj","method":"card","provider":"simulated_bank","amount":{"minor":17800,"currency":"DKK"},"terms":null,"state":"captured","books":{"currency":"DKK","authorised":17800,"voided":0,"captured":17800,"refunded":0},"provider_reference":"pay_000002","action":null,"valid_until":"2026-03-09T12:00:00Z","attempts":[{"id":"azdcdzigbdzk3ubv7wlj-1","operation":"authorise","amount":{"minor":17800,"currency":"DKK"},"part":"","started_at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z","sends":1,"outcome":"succeeded","reference":null},{"id":"azdcdzigbdzk3ubv7wlj-2","operation":"capture","amount":{"minor":17800,"currency":"DKK"},"part":"s1","started_at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z","sends":1,"outcome":"succeeded","reference":null}],"look_at":null,"looks":0,"absences":0,"reason":"","contradiction":"","is_reminded":false}],"shipments":[{"id":"s1","lines":{"mug":1},"first":{"mug":0},"amount":{"minor":17800,"currency":"DKK"},"state":"done","is_paid":true}],"refunds":[],"invoices":[],"cancelled":{},"review":null,"ending":"","attention":[],"erasure":null}');
INSERT INTO "checkoutflow_checkouts" VALUES('hdfgts4awgscxxiwefkrr3qwnu','expired',4,0,1772539200000000,'{"id":"hdfgts4awgscxxiwefkrr3qwnu","version":4,"market":"DK","locale":"da_DK","customer":"consumer","subject":"ioxn7ucf3dvq6dlkyemwg5d2za","phase":"expired","started_at":"2026-03-02T12:00:00Z","expires_at":"2026-03-03T12:00:00Z","cart":{"lines":[{"sku":"mug","id":"mug","name":"mug","quantity":1,"unit_price":{"minor":12900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"durable":false,"attributes":{}}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":1,"goods":{"minor":12900,"currency":"DKK"},"payable":{"minor":17800,"currency":"DKK"},"charged":{"minor":4900,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":17800,"currency":"DKK"},"vat":{"minor":3560,"currency":"DKK"}}],"prices_include_vat":true},"adult":null,"arms":{},"recognition":{"level":"verified","person":"5sid5ogrg4inpmkmdftbmk6twu","by":"email","challenge":"","sending":0,"tries":0,"sent_at":null,"valid_until":null},"consents":{"profile":true},"could_say_no":false,"provided":["name","email","street","postal_code","city","country"],"areas":[],"delivery":"parcel","method":"card","credits":[],"return_url":"","tenders":[],"payments":[],"shipments":[],"refunds":[],"invoices":[],"cancelled":{},"review":null,"ending":"","attention":[],"erasure":null}');
CREATE TABLE checkoutflow_consents (
	subject_id TEXT NOT NULL, 
	place BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	is_given BIGINT NOT NULL, 
	text TEXT NOT NULL, 
	locale TEXT NOT NULL, 
	proof TEXT NOT NULL, 
	expires_at BIGINT, 
	PRIMARY KEY (subject_id, place)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_consents" VALUES('5sid5ogrg4inpmkmdftbmk6twu',1,1772452800000000,'profile',1,'profile-1','da_DK','mltofaxfyfsxy6gdvft3gzyr5m/2',NULL);
INSERT INTO "checkoutflow_consents" VALUES('hedkpsdahvy5icphuvgyppob64',1,1772452800000000,'profile',1,'profile-1','da_DK','mltofaxfyfsxy6gdvft3gzyr5m/2',NULL);
CREATE TABLE checkoutflow_digests (
	kind TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	subject_id TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	PRIMARY KEY (kind, digest, subject_id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_digests" VALUES('email','c43f0b116d5e633f0ac4c3bca4017fd2aba24417cc26488f51c3d8ed85e8f45b','ioxn7ucf3dvq6dlkyemwg5d2za',1775044800000000);
INSERT INTO "checkoutflow_digests" VALUES('email','c43f0b116d5e633f0ac4c3bca4017fd2aba24417cc26488f51c3d8ed85e8f45b','5sid5ogrg4inpmkmdftbmk6twu',1835524800000000);
INSERT INTO "checkoutflow_digests" VALUES('known email','9d307943f0dc033294fd06fcebda9f3740c4546747193913f805cde7bacabf77','5sid5ogrg4inpmkmdftbmk6twu',1835524800000000);
INSERT INTO "checkoutflow_digests" VALUES('checkout','mltofaxfyfsxy6gdvft3gzyr5m','5sid5ogrg4inpmkmdftbmk6twu',1835697600000000);
INSERT INTO "checkoutflow_digests" VALUES('checkout','t3ceh7rcdhxvcyfyaxqnmziiqi','5sid5ogrg4inpmkmdftbmk6twu',1835697600000000);
INSERT INTO "checkoutflow_digests" VALUES('email','c43f0b116d5e633f0ac4c3bca4017fd2aba24417cc26488f51c3d8ed85e8f45b','hedkpsdahvy5icphuvgyppob64',1835697600000000);
INSERT INTO "checkoutflow_digests" VALUES('email','c43f0b116d5e633f0ac4c3bca4017fd2aba24417cc26488f51c3d8ed85e8f45b','ryixx74lglho4axgif6rcn7ldm',1835697600000000);
CREATE TABLE checkoutflow_erasures (
	subject_id TEXT NOT NULL, 
	place BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	kept TEXT NOT NULL, 
	until BIGINT, 
	expires_at BIGINT, 
	PRIMARY KEY (subject_id, place)
)
 WITHOUT ROWID

;
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
INSERT INTO "checkoutflow_idempotency" VALUES('call-1','86d1640c4503aabc6b1f65d02bb571b546e87d71a26ce9eb8f0d8f11577d110f','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-10','20659310b22f68e6a97f85df410963b7d9ad014af7a52a36ffc1ec8172bf2c4b','hdfgts4awgscxxiwefkrr3qwnu');
INSERT INTO "checkoutflow_idempotency" VALUES('call-11','b07a31e26d6e8a08f30e591d3d54dbdb8b5ae6153d1a99c9d756ebecbf867d5a','hdfgts4awgscxxiwefkrr3qwnu');
INSERT INTO "checkoutflow_idempotency" VALUES('call-12','f37cdb75ca32894fd92b562c377a72ed257ff76e57756d9332741965ccf558f4','hdfgts4awgscxxiwefkrr3qwnu');
INSERT INTO "checkoutflow_idempotency" VALUES('call-2','b97c2829e76d02f365572f17e590dac5219d0db10254e3984a3d24603be415e3','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-3','6d8a1a0f8db8f21ef4ed00b3f8d23f02c9f9783ae014591654e09bc0aa241c96','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-4','7028cca82da3651244a8c936115b6d9674bbc329d0f2987e47ae3759bd9509c1','mltofaxfyfsxy6gdvft3gzyr5m');
INSERT INTO "checkoutflow_idempotency" VALUES('call-5','20659310b22f68e6a97f85df410963b7d9ad014af7a52a36ffc1ec8172bf2c4b','t3ceh7rcdhxvcyfyaxqnmziiqi');
INSERT INTO "checkoutflow_idempotency" VALUES('call-6','b07a31e26d6e8a08f30e591d3d54dbdb8b5ae6153d1a99c9d756ebecbf867d5a','t3ceh7rcdhxvcyfyaxqnmziiqi');
INSERT INTO "checkoutflow_idempotency" VALUES('call-7','9617109cae9054587f1e99c652949b84b278bc033605a6985a1ca5a1edc8b20a','t3ceh7rcdhxvcyfyaxqnmziiqi');
INSERT INTO "checkoutflow_idempotency" VALUES('call-8','6d8a1a0f8db8f21ef4ed00b3f8d23f02c9f9783ae014591654e09bc0aa241c96','t3ceh7rcdhxvcyfyaxqnmziiqi');
INSERT INTO "checkoutflow_idempotency" VALUES('call-9','7028cca82da3651244a8c936115b6d9674bbc329d0f2987e47ae3759bd9509c1','t3ceh7rcdhxvcyfyaxqnmziiqi');
CREATE TABLE checkoutflow_journal (
	checkout_id TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	command TEXT NOT NULL, 
	events TEXT NOT NULL, 
	PRIMARY KEY (checkout_id, version), 
	FOREIGN KEY(checkout_id) REFERENCES checkoutflow_checkouts (id)
);
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',1,1772452800000000,'start','[{"type":"started","checkout":"mltofaxfyfsxy6gdvft3gzyr5m","subject":"hedkpsdahvy5icphuvgyppob64","market":"DK","locale":"da_DK","customer":"consumer","cart":{"lines":[{"sku":"mug","id":"mug","name":"mug","quantity":1,"unit_price":{"minor":12900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"durable":false,"attributes":{}}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":1,"goods":{"minor":12900,"currency":"DKK"},"payable":{"minor":17800,"currency":"DKK"},"charged":{"minor":4900,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":17800,"currency":"DKK"},"vat":{"minor":3560,"currency":"DKK"}}],"prices_include_vat":true},"delivery":"parcel","adult":null,"arms":{},"at":"2026-03-02T12:00:00Z","expires_at":"2026-03-03T12:00:00Z"},{"type":"details_provided","fields":["email","name","street","postal_code","city"],"areas":[],"expires_at":"2026-03-03T12:00:00Z"},{"type":"payment_chosen","method":"card","expires_at":"2026-03-03T12:00:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',2,1772452800000000,'consent','[{"type":"consent_changed","consents":{"profile":true},"texts":{"profile":"profile-1"},"locale":"da_DK"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',3,1772452800000000,'place','[{"type":"placed","accepted_total":{"minor":17800,"currency":"DKK"},"priced":{"lines":[{"id":"mug","quantity":1,"goods":{"minor":12900,"currency":"DKK"},"payable":{"minor":17800,"currency":"DKK"},"charged":{"minor":4900,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":17800,"currency":"DKK"},"vat":{"minor":3560,"currency":"DKK"}}],"prices_include_vat":true},"tenders":[{"payment":"akhpcd52julm5zudedv2","method":"card","provider":"simulated_bank","amount":{"minor":17800,"currency":"DKK"},"others":[]}],"credit":null,"return_url":"https://shop.example/back","expires_at":"2026-03-02T12:30:00Z"},{"type":"payment_started","payment":"akhpcd52julm5zudedv2","method":"card","provider":"simulated_bank","amount":{"minor":17800,"currency":"DKK"},"terms":null},{"type":"attempt_started","payment":"akhpcd52julm5zudedv2","attempt":"akhpcd52julm5zudedv2-1","operation":"authorise","amount":{"minor":17800,"currency":"DKK"},"part":"","at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',4,1772452800000000,'record_result','[{"type":"payment_authorised","payment":"akhpcd52julm5zudedv2","attempt":"akhpcd52julm5zudedv2-1","amount":{"minor":17800,"currency":"DKK"},"provider_reference":"pay_000001","valid_until":"2026-03-09T12:00:00Z","origin":"shop"},{"type":"confirmed"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',5,1772452800000000,'ship','[{"type":"shipment_started","shipment":"s1","lines":{"mug":1},"first":{"mug":0},"amount":{"minor":17800,"currency":"DKK"}},{"type":"attempt_started","payment":"akhpcd52julm5zudedv2","attempt":"akhpcd52julm5zudedv2-2","operation":"capture","amount":{"minor":17800,"currency":"DKK"},"part":"s1","at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',6,1772452800000000,'record_result','[{"type":"payment_captured","payment":"akhpcd52julm5zudedv2","attempt":"akhpcd52julm5zudedv2-2","amount":{"minor":17800,"currency":"DKK"},"origin":"shop"},{"type":"shipped","shipment":"s1"},{"type":"fulfilled"}]');
INSERT INTO "checkoutflow_journal" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi',1,1772452800000000,'start','[{"type":"started","checkout":"t3ceh7rcdhxvcyfyaxqnmziiqi","subject":"ryixx74lglho4axgif6rcn7ldm","market":"DK","locale":"da_DK","customer":"consumer","cart":{"lines":[{"sku":"mug","id":"mug","name":"mug","quantity":1,"unit_price":{"minor":12900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"durable":false,"attributes":{}}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":1,"goods":{"minor":12900,"currency":"DKK"},"payable":{"minor":17800,"currency":"DKK"},"charged":{"minor":4900,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":17800,"currency":"DKK"},"vat":{"minor":3560,"currency":"DKK"}}],"prices_include_vat":true},"delivery":"parcel","adult":null,"arms":{},"at":"2026-03-02T12:00:00Z","expires_at":"2026-03-03T12:00:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi',2,1772452800000000,'recognise','[{"type":"code_asked","person":"5sid5ogrg4inpmkmdftbmk6twu","challenge":"jgmpgh3kcysyyordf5kw5zua2a","by":"email","sending":0,"at":"2026-03-02T12:00:00Z","valid_until":"2026-03-02T12:10:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi',3,1772452800000000,'provide, verify','[{"type":"details_provided","fields":["name","email","street","postal_code","city","country"],"areas":[],"expires_at":"2026-03-03T12:00:00Z"},{"type":"verified","person":"5sid5ogrg4inpmkmdftbmk6twu","by":"email","consents":{"profile":true}},{"type":"payment_chosen","method":"card","expires_at":"2026-03-03T12:00:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi',4,1772452800000000,'place','[{"type":"placed","accepted_total":{"minor":17800,"currency":"DKK"},"priced":{"lines":[{"id":"mug","quantity":1,"goods":{"minor":12900,"currency":"DKK"},"payable":{"minor":17800,"currency":"DKK"},"charged":{"minor":4900,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":17800,"currency":"DKK"},"vat":{"minor":3560,"currency":"DKK"}}],"prices_include_vat":true},"tenders":[{"payment":"azdcdzigbdzk3ubv7wlj","method":"card","provider":"simulated_bank","amount":{"minor":17800,"currency":"DKK"},"others":[]}],"credit":null,"return_url":"https://shop.example/back","expires_at":"2026-03-02T12:30:00Z"},{"type":"payment_started","payment":"azdcdzigbdzk3ubv7wlj","method":"card","provider":"simulated_bank","amount":{"minor":17800,"currency":"DKK"},"terms":null},{"type":"attempt_started","payment":"azdcdzigbdzk3ubv7wlj","attempt":"azdcdzigbdzk3ubv7wlj-1","operation":"authorise","amount":{"minor":17800,"currency":"DKK"},"part":"","at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi',5,1772452800000000,'record_result','[{"type":"payment_authorised","payment":"azdcdzigbdzk3ubv7wlj","attempt":"azdcdzigbdzk3ubv7wlj-1","amount":{"minor":17800,"currency":"DKK"},"provider_reference":"pay_000002","valid_until":"2026-03-09T12:00:00Z","origin":"shop"},{"type":"confirmed"}]');
INSERT INTO "checkoutflow_journal" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi',6,1772452800000000,'ship','[{"type":"shipment_started","shipment":"s1","lines":{"mug":1},"first":{"mug":0},"amount":{"minor":17800,"currency":"DKK"}},{"type":"attempt_started","payment":"azdcdzigbdzk3ubv7wlj","attempt":"azdcdzigbdzk3ubv7wlj-2","operation":"capture","amount":{"minor":17800,"currency":"DKK"},"part":"s1","at":"2026-03-02T12:00:00Z","lease_until":"2026-03-02T12:01:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi',7,1772452800000000,'record_result','[{"type":"payment_captured","payment":"azdcdzigbdzk3ubv7wlj","attempt":"azdcdzigbdzk3ubv7wlj-2","amount":{"minor":17800,"currency":"DKK"},"origin":"shop"},{"type":"shipped","shipment":"s1"},{"type":"fulfilled"}]');
INSERT INTO "checkoutflow_journal" VALUES('hdfgts4awgscxxiwefkrr3qwnu',1,1772452800000000,'start','[{"type":"started","checkout":"hdfgts4awgscxxiwefkrr3qwnu","subject":"ioxn7ucf3dvq6dlkyemwg5d2za","market":"DK","locale":"da_DK","customer":"consumer","cart":{"lines":[{"sku":"mug","id":"mug","name":"mug","quantity":1,"unit_price":{"minor":12900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":0,"digital":false,"durable":false,"attributes":{}}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":1,"goods":{"minor":12900,"currency":"DKK"},"payable":{"minor":17800,"currency":"DKK"},"charged":{"minor":4900,"currency":"DKK"},"vat_percent":"25"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":17800,"currency":"DKK"},"vat":{"minor":3560,"currency":"DKK"}}],"prices_include_vat":true},"delivery":"parcel","adult":null,"arms":{},"at":"2026-03-02T12:00:00Z","expires_at":"2026-03-03T12:00:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('hdfgts4awgscxxiwefkrr3qwnu',2,1772452800000000,'recognise','[{"type":"code_asked","person":"5sid5ogrg4inpmkmdftbmk6twu","challenge":"wf2zic6ezmxnc2pc5cjp2wk3ui","by":"email","sending":0,"at":"2026-03-02T12:00:00Z","valid_until":"2026-03-02T12:10:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('hdfgts4awgscxxiwefkrr3qwnu',3,1772452800000000,'provide, verify','[{"type":"details_provided","fields":["name","email","street","postal_code","city","country"],"areas":[],"expires_at":"2026-03-03T12:00:00Z"},{"type":"verified","person":"5sid5ogrg4inpmkmdftbmk6twu","by":"email","consents":{"profile":true}},{"type":"payment_chosen","method":"card","expires_at":"2026-03-03T12:00:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('hdfgts4awgscxxiwefkrr3qwnu',4,1772539200000000,'pass_time','[{"type":"expired"}]');
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
INSERT INTO "checkoutflow_notices" VALUES('simulated_bank','evt_000001','mltofaxfyfsxy6gdvft3gzyr5m','payment.authorised',1772452800000000);
INSERT INTO "checkoutflow_notices" VALUES('simulated_bank','evt_000002','mltofaxfyfsxy6gdvft3gzyr5m','payment.captured',1772452800000000);
INSERT INTO "checkoutflow_notices" VALUES('simulated_bank','evt_000003','t3ceh7rcdhxvcyfyaxqnmziiqi','payment.authorised',1772452800000000);
INSERT INTO "checkoutflow_notices" VALUES('simulated_bank','evt_000004','t3ceh7rcdhxvcyfyaxqnmziiqi','payment.captured',1772452800000000);
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
INSERT INTO "checkoutflow_outbox" VALUES('hdfgts4awgscxxiwefkrr3qwnu',2,'code_asked',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',4,'confirmed',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',6,'shipped',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('mltofaxfyfsxy6gdvft3gzyr5m',6,'fulfilled',1772452800000000,1);
INSERT INTO "checkoutflow_outbox" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi',2,'code_asked',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi',5,'confirmed',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi',7,'shipped',1772452800000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('t3ceh7rcdhxvcyfyaxqnmziiqi',7,'fulfilled',1772452800000000,1);
INSERT INTO "checkoutflow_outbox" VALUES('hdfgts4awgscxxiwefkrr3qwnu',4,'expired',1772539200000000,0);
CREATE TABLE checkoutflow_profiles (
	subject_id TEXT NOT NULL, 
	choices TEXT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	restricted_at BIGINT, 
	PRIMARY KEY (subject_id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_profiles" VALUES('5sid5ogrg4inpmkmdftbmk6twu','{"delivery": "parcel", "payment": "card"}',1772452800000000,NULL);
CREATE TABLE checkoutflow_reads (
	subject_id TEXT NOT NULL, 
	place BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	purpose TEXT NOT NULL, 
	fields TEXT NOT NULL, 
	read_by TEXT NOT NULL, 
	expires_at BIGINT, 
	PRIMARY KEY (subject_id, place)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_reads" VALUES('5sid5ogrg4inpmkmdftbmk6twu',1,1772452800000000,'remember','email','code',1803988800000000);
INSERT INTO "checkoutflow_reads" VALUES('5sid5ogrg4inpmkmdftbmk6twu',2,1772452800000000,'remember','city country email name postal_code street','customer',1803988800000000);
INSERT INTO "checkoutflow_reads" VALUES('5sid5ogrg4inpmkmdftbmk6twu',3,1772452800000000,'remember','email','code',1803988800000000);
INSERT INTO "checkoutflow_reads" VALUES('5sid5ogrg4inpmkmdftbmk6twu',4,1772452800000000,'remember','city country email name postal_code street','customer',1803988800000000);
INSERT INTO "checkoutflow_reads" VALUES('hedkpsdahvy5icphuvgyppob64',1,1772452800000000,'take_payment','email','simulated_bank',1803988800000000);
INSERT INTO "checkoutflow_reads" VALUES('hedkpsdahvy5icphuvgyppob64',2,1772452800000000,'remember','city country email name postal_code street','checkoutflow',1803988800000000);
INSERT INTO "checkoutflow_reads" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za',1,1772452800000000,'deliver','city country email name postal_code street','warehouse',1803988800000000);
INSERT INTO "checkoutflow_reads" VALUES('ryixx74lglho4axgif6rcn7ldm',1,1772452800000000,'deliver','city country email name postal_code street','warehouse',1803988800000000);
INSERT INTO "checkoutflow_reads" VALUES('ryixx74lglho4axgif6rcn7ldm',2,1772452800000000,'take_payment','email','simulated_bank',1803988800000000);
INSERT INTO "checkoutflow_reads" VALUES('ryixx74lglho4axgif6rcn7ldm',3,1772452800000000,'remember','city country email name postal_code street','checkoutflow',1803988800000000);
CREATE TABLE checkoutflow_schema (
	version INTEGER NOT NULL, 
	swept_at BIGINT
);
INSERT INTO "checkoutflow_schema" VALUES(6,NULL);
CREATE TABLE checkoutflow_series (
	number BIGINT NOT NULL, 
	checkout_id TEXT NOT NULL, 
	scheme TEXT NOT NULL, 
	reference TEXT, 
	PRIMARY KEY (number)
)
 WITHOUT ROWID

;
CREATE TABLE checkoutflow_subjects (
	id TEXT NOT NULL, 
	wrapped_key BLOB NOT NULL, 
	key_id TEXT NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_subjects" VALUES('5sid5ogrg4inpmkmdftbmk6twu',X'012A371BDE225848556AF1703EC96CB4EFE7D4E31FCD1F23F572BE5A9F014A5456BEE010B5DF820814A9BC5CAA4896D9A2FD0D71A8DBAA8BC645E736FE','17b968e0095e3deb');
INSERT INTO "checkoutflow_subjects" VALUES('hedkpsdahvy5icphuvgyppob64',X'01738626482F61C62379627CC18DF129C23BE3160A703663F73DEBF7131A4E9BB57A3AEC32A7BCCDF4432EEF57389200AACFDA545F05961292F3E6CA5A','17b968e0095e3deb');
INSERT INTO "checkoutflow_subjects" VALUES('hedkpsdahvy5icphuvgyppob64.books',X'01F48DC7198711925AA2E2256FEFC73F4690D74427A8CD88F70E767BF4167EF8888D34CDC8271C541552992A577374018FF5A778D5755C0687396A32C7','17b968e0095e3deb');
INSERT INTO "checkoutflow_subjects" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za',X'01B05A8FA225E3423080FE389B4008A7B005092FAB5F0BCB248DBCF2CFD74EDA03180403E02F04D481CA1E81689AC95E0489E38F8DB38D1A0FCD65AE3A','17b968e0095e3deb');
INSERT INTO "checkoutflow_subjects" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za.books',X'011D03538B155BF56CDAA3DF9E249AA9BAC4E01B21B153197E92EAC629D15ED2B4A40210C0337E8ED267452A36D87B2124CE527B944A1C69D45D4240BB','17b968e0095e3deb');
INSERT INTO "checkoutflow_subjects" VALUES('ryixx74lglho4axgif6rcn7ldm',X'010EE8A34905CDEA716D337517D35A64950B1D44B0B78E801A7B1EB1B1EBF4E45669E4A26F8858B0EB800FCF46D0A2B3E841BFF74421563F87CB611157','17b968e0095e3deb');
INSERT INTO "checkoutflow_subjects" VALUES('ryixx74lglho4axgif6rcn7ldm.books',X'012879ABD758278B1476ACEEE57A42331F2B2A2B000FE0A95724EB2747273E33B9CB926435BCFB9449DFEFF0272523FB78FF6F1C2EADFC8EEAC006B820','17b968e0095e3deb');
CREATE TABLE checkoutflow_timers (
	checkout_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	due_at BIGINT NOT NULL, 
	PRIMARY KEY (checkout_id, kind), 
	FOREIGN KEY(checkout_id) REFERENCES checkoutflow_checkouts (id)
)
 WITHOUT ROWID

;
CREATE TABLE checkoutflow_turns (
	"key" TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	place BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	PRIMARY KEY ("key", at, place)
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
INSERT INTO "checkoutflow_vault" VALUES('5sid5ogrg4inpmkmdftbmk6twu','city',X'0150D705A99A7925A4F1C00AFF9CD1FDDBA382C7692A26993F5269BAA6E58C1C57E87AD92FFDBA75','remember answer_rights',1835524800000000);
INSERT INTO "checkoutflow_vault" VALUES('5sid5ogrg4inpmkmdftbmk6twu','country',X'0141377446811A5873C5A91E7E538260514644BCC2E36B60117096B13CF53F','remember answer_rights',1835524800000000);
INSERT INTO "checkoutflow_vault" VALUES('5sid5ogrg4inpmkmdftbmk6twu','email',X'01CDFA41B3D0A8BCEA0D8682FB8604936B360DE238A6E4A80C4DE5D4D945887CE23D7635634A1E4EF04A42041F4930951B','remember answer_rights',1835524800000000);
INSERT INTO "checkoutflow_vault" VALUES('5sid5ogrg4inpmkmdftbmk6twu','name',X'015A5A17CB9A707C5B7065161538D2F9EF234CBBDA3401D9AD0F345BA1F4706930DE63C94DFED79E02FF341D','remember answer_rights',1835524800000000);
INSERT INTO "checkoutflow_vault" VALUES('5sid5ogrg4inpmkmdftbmk6twu','postal_code',X'01F5F30653865ADF9C9F8F871D1A1DDF049434C03B3F91B32B127BDEB3F15BBC3F','remember answer_rights',1835524800000000);
INSERT INTO "checkoutflow_vault" VALUES('5sid5ogrg4inpmkmdftbmk6twu','street',X'01749B877C0C874A96075651A167342D3D37773D8D87EE1BA6A78742FCE9F8DEDDBF6AB8E1FEA947B45A97','remember answer_rights',1835524800000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','city',X'0129439F25D9D4654FEC8D4819E9462C9EA53FF40796CD68947236BA9AA50D3BDFA731E73D668E96','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','email',X'0124D446183C6E4D9EA1A5A5CCAEC790478F1B757356058778660928925FF79EFAB4DC49FBE06F351DD07F68EA14A183A7','send_receipt deliver take_payment identify_for_credit invoice insure market prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','name',X'01F72E2140C304BDFC6A21E5E855A88647420B231679A6E6B86ACDEBBBB6891FD47ED6F01F0A03F576B47647','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights take_payment',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','postal_code',X'019E656ACF0641169A0B59F4E6361858E226A7744D38C2697E68522B8C2F26750B','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64','street',X'011217568835D497FB212B86B4C731E0E1949C16B2F1864745D4E0A7310B7045AA4FDFF877474B18887AEA','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64.books','city',X'019EF384DD9A6E7785C39FAF42F356347438431259D43E10FD372FD821D964304DCE74EE12245317','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64.books','name',X'015544F250B916639CBFC9F2A336B00D67606186404E0B276AB487935C4374E8B8DB8D1016B8C601BA30E9F4','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64.books','postal_code',X'010431728D06501D7A135A547104A4D6E9E159959D174F196BC42398BF2E57406C','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('hedkpsdahvy5icphuvgyppob64.books','street',X'01BC17BBE948A75834C18373F76E691D04BB679AC29947350F8E1A0CFD8E6669A34D711CC417AF12830CBD','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za','city',X'0164B6D031412506F6FD437FF8FBF0A1A443423252A33D041DF8DEA3D09EF6CF173F143D8D1BDADB','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za','country',X'012A525A2F7B46D6B7FA97B71F37B0FFB8194E75C328EA94E7AA19D2A07ED3','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za','email',X'01D54C2664B1A16E17BE7DC15E1F3661E0EE138376E68D5B9D681B24947DD799CFD19807964A2D3C57831E09DC38A7C16F','send_receipt deliver take_payment identify_for_credit invoice insure market prevent_fraud remember answer_rights',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za','name',X'015F8680D41FA77193D65CA41E9556950169BA2D4728C47040F2BAE6F659A01165FCE214B3DE61029A84A03F','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights take_payment',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za','postal_code',X'0113FD50094452029B77F8890592A99264A5D42A65EE0FBB5D57E63A5C7EC65FD2','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za','street',X'0115D476D5A12303FB3433B51D2A555FC250D8339BB639619EB612A195E811080BDF70DA53A82AEA164FBA','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za.books','city',X'01E931A26F6550292E3F7AA00F7E558F668B0E27F209DB948C2753560E3CF7B47B33ED087B214AE9','keep_books answer_rights',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za.books','country',X'016E52EE8086E995770AB9140A5BE96B9C685E66913EBD38AD68B590052E64','keep_books answer_rights',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za.books','name',X'011DEBFB196AB7FDD5221C8A420F8D8F3DA15BA8272C1F64DC962BFDC23CF4A79C496E26893B2219CF772077','keep_books answer_rights',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za.books','postal_code',X'0198EC9CA57F5E124D98DDAC5936EFB1B4DD5913B07D9E908D616B70BF9D0EFADB','keep_books answer_rights',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('ioxn7ucf3dvq6dlkyemwg5d2za.books','street',X'0149CDEB11794488388FBC6C12FC0BB7FB5D40CE4759E145A2142CED46822C0AF95540575142AC681CA7D8','keep_books answer_rights',1775044800000000);
INSERT INTO "checkoutflow_vault" VALUES('ryixx74lglho4axgif6rcn7ldm','city',X'01E6B3DE9CB87536FB77D41AA8E4C324B4D1B5E95FFC3ED6A47127D92DE7ADCB6DB10FC7DB4269D1','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('ryixx74lglho4axgif6rcn7ldm','country',X'01330B93427CEFFD793D92AF11C2D552808606C3B2CD8B632E84C11DEAEC1D','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('ryixx74lglho4axgif6rcn7ldm','email',X'017CFB295172DD5D9308BCFA3D64FE302B19EDE8646467C0645B26C25F68C07D83C57B4F58BFC28968711521DE80EA0C57','send_receipt deliver take_payment identify_for_credit invoice insure market prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('ryixx74lglho4axgif6rcn7ldm','name',X'016D41A698217845CCA5E188624EF00FB40C54E51684F08C6D39AAD6F76BD64EAABDE75F2A5B8A709350C3CC','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights take_payment',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('ryixx74lglho4axgif6rcn7ldm','postal_code',X'01E4AC4BD2B581CD2F5CE1700867D4821069277F99EC56D9B368FB983FFD24C84E','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('ryixx74lglho4axgif6rcn7ldm','street',X'01CC08534A5405122F26F37B30A64FBD23C563727423D5A991F55EDE5D7CB1DF3EA7BF640EEA4B4EA80243','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('ryixx74lglho4axgif6rcn7ldm.books','city',X'013DF58F462709948525E6C6CFFE17B591AACE44E1D29704100A6C52148703C3D24250B00D71126D','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('ryixx74lglho4axgif6rcn7ldm.books','country',X'016FD7493C93E977D9846E1737CAD54B1F96C10F5F1760DACF1526858DBA8D','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('ryixx74lglho4axgif6rcn7ldm.books','name',X'01A8D106B37B214FEC4AFE50D494609B6CACEDE91E74CA9D166DE41E46FC9DB13A324D6A88BA4FC3008267F5','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('ryixx74lglho4axgif6rcn7ldm.books','postal_code',X'01FD557ED6F1738DB4507A4A861B4BE583EF97C8A2E6D8214EABADE6EDFD69C056','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('ryixx74lglho4axgif6rcn7ldm.books','street',X'01B9C1648A0BC0F9AE42FA2B64BDB2CE55132FBB6A66143118962C64450282417104EFC6044C5DB8D45114','keep_books answer_rights',1956571200000000);
CREATE INDEX checkoutflow_checkouts_by_phase ON checkoutflow_checkouts (phase, id);
CREATE INDEX checkoutflow_consents_by_expiry ON checkoutflow_consents (expires_at);
CREATE INDEX checkoutflow_digests_by_expiry ON checkoutflow_digests (expires_at);
CREATE INDEX checkoutflow_digests_by_subject ON checkoutflow_digests (subject_id);
CREATE INDEX checkoutflow_erasures_by_expiry ON checkoutflow_erasures (expires_at);
CREATE INDEX checkoutflow_ledger_by_payment ON checkoutflow_ledger (payment, at);
CREATE INDEX checkoutflow_reads_by_expiry ON checkoutflow_reads (expires_at);
CREATE INDEX checkoutflow_series_by_reference ON checkoutflow_series (scheme, reference);
CREATE INDEX checkoutflow_turns_by_expiry ON checkoutflow_turns (expires_at);
CREATE INDEX checkoutflow_attempts_by_payment ON checkoutflow_attempts (provider, payment);
CREATE INDEX checkoutflow_outbox_in_order ON checkoutflow_outbox (at, checkout_id, version, place);
CREATE INDEX checkoutflow_timers_by_due ON checkoutflow_timers (due_at, checkout_id);
CREATE INDEX checkoutflow_vault_by_expiry ON checkoutflow_vault (expires_at);
CREATE TRIGGER checkoutflow_journal_refuses_update BEFORE update ON checkoutflow_journal  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER checkoutflow_journal_refuses_delete BEFORE delete ON checkoutflow_journal  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER checkoutflow_ledger_refuses_update BEFORE update ON checkoutflow_ledger  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER checkoutflow_ledger_refuses_delete BEFORE delete ON checkoutflow_ledger  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER checkoutflow_series_refuses_update BEFORE update ON checkoutflow_series  BEGIN SELECT RAISE(ABORT, 'the series is append-only'); END;
CREATE TRIGGER checkoutflow_series_refuses_delete BEFORE delete ON checkoutflow_series  BEGIN SELECT RAISE(ABORT, 'the series is append-only'); END;
CREATE TRIGGER checkoutflow_consents_refuses_delete BEFORE delete ON checkoutflow_consents WHEN OLD.expires_at IS NULL OR OLD.expires_at > (SELECT coalesce(max(swept_at), 0) FROM checkoutflow_schema) BEGIN SELECT RAISE(ABORT, 'the consents are append-only'); END;
CREATE TRIGGER checkoutflow_erasures_refuses_delete BEFORE delete ON checkoutflow_erasures WHEN OLD.expires_at IS NULL OR OLD.expires_at > (SELECT coalesce(max(swept_at), 0) FROM checkoutflow_schema) BEGIN SELECT RAISE(ABORT, 'the erasures are append-only'); END;
CREATE TRIGGER checkoutflow_reads_refuses_delete BEFORE delete ON checkoutflow_reads WHEN OLD.expires_at IS NULL OR OLD.expires_at > (SELECT coalesce(max(swept_at), 0) FROM checkoutflow_schema) BEGIN SELECT RAISE(ABORT, 'the reads are append-only'); END;
CREATE TRIGGER checkoutflow_erasures_refuses_update BEFORE update ON checkoutflow_erasures  BEGIN SELECT RAISE(ABORT, 'the erasures are append-only'); END;
CREATE TRIGGER checkoutflow_reads_refuses_update BEFORE update ON checkoutflow_reads  BEGIN SELECT RAISE(ABORT, 'the reads are append-only'); END;
CREATE TRIGGER checkoutflow_consents_refuses_update BEFORE update OF subject_id, place, at, kind, is_given, text, locale, proof ON checkoutflow_consents  BEGIN SELECT RAISE(ABORT, 'the consents are append-only'); END;
COMMIT;
