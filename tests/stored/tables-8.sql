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
INSERT INTO "checkoutflow_attempts" VALUES('hfma3eh56l4uyyrpmqp6dkirdu','ttorucwm4ejsksl36qmn-1','simulated_bank','ttorucwm4ejsksl36qmn','authorise',78600,'DKK','0393ed382699faad477d01a8e897d7003a745308e78290074270aa3bcba339e3',1772453100000000,1772453160000000,1,'succeeded');
INSERT INTO "checkoutflow_attempts" VALUES('hfma3eh56l4uyyrpmqp6dkirdu','ttorucwm4ejsksl36qmn-2','simulated_bank','ttorucwm4ejsksl36qmn','capture',78600,'DKK','eecedbc9ff7754c9411e805dab600c211b171a1e827c4eff4f0769047168d259',1772453100000000,1772453160000000,1,'succeeded');
INSERT INTO "checkoutflow_attempts" VALUES('qtbfeylmeq2f4paem5vxdmdh7m','pqj4vara3o25wzaf5uvh-1','simulated_bank','pqj4vara3o25wzaf5uvh','authorise',78600,'DKK','a82109de69cf1caf4ec49ac0c073a1f0691d3a8f77e9230e08dc0351a8e50edd',1772453400000000,1772453460000000,1,'succeeded');
INSERT INTO "checkoutflow_attempts" VALUES('qtbfeylmeq2f4paem5vxdmdh7m','pqj4vara3o25wzaf5uvh-2','simulated_bank','pqj4vara3o25wzaf5uvh','void',78600,'DKK','b4c61bc72c1238399fc19d87349e2acc3c1dfe514eb8427e13a5549a707b1c18',1772453400000000,1772453460000000,1,'succeeded');
CREATE TABLE checkoutflow_belongs (
	subject_id TEXT NOT NULL, 
	checkout_id TEXT NOT NULL, 
	PRIMARY KEY (subject_id, checkout_id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_belongs" VALUES('5fqndmhr33i3kk6oemdt34zijm','fg57rt3jmea5ib3d7nxsyff42y');
INSERT INTO "checkoutflow_belongs" VALUES('czphmaqrdxmiaz46bhmegtrx2e','hfma3eh56l4uyyrpmqp6dkirdu');
INSERT INTO "checkoutflow_belongs" VALUES('fscr2c57huz7hjbmjun4duztou','qtbfeylmeq2f4paem5vxdmdh7m');
INSERT INTO "checkoutflow_belongs" VALUES('wiom2g4z5rbp3jrfpslb4yvstu','kbzpx55anc4te2jqfb64grohbe');
CREATE TABLE checkoutflow_checkouts (
	id TEXT NOT NULL, 
	phase TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	attention BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "checkoutflow_checkouts" VALUES('hfma3eh56l4uyyrpmqp6dkirdu','fulfilled',5,0,1772453100000000,'{"id":"hfma3eh56l4uyyrpmqp6dkirdu","version":5,"market":"DK","locale":"da_DK","customer":"consumer","subject":"czphmaqrdxmiaz46bhmegtrx2e","phase":"fulfilled","started_at":"2026-03-02T12:00:00Z","expires_at":"2026-03-02T13:05:00Z","cart":{"lines":[{"sku":"mug","id":"mug","name":"Mug","quantity":2,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":350,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]},{"sku":"book","id":"book","name":"Book","quantity":1,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"books","goods_category":"general","weight_g":0,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":2,"goods":{"minor":49800,"currency":"DKK"},"payable":{"minor":52400,"currency":"DKK"},"charged":{"minor":2600,"currency":"DKK"},"vat_percent":"25","kind":"goods"},{"id":"book","quantity":1,"goods":{"minor":24900,"currency":"DKK"},"payable":{"minor":26200,"currency":"DKK"},"charged":{"minor":1300,"currency":"DKK"},"vat_percent":"25","kind":"goods"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":3900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":78600,"currency":"DKK"},"vat":{"minor":15720,"currency":"DKK"}}],"prices_include_vat":true},"adult":null,"arms":{},"recognition":{"level":"unknown","person":"","by":"","challenge":"","sending":0,"tries":0,"sent_at":null,"valid_until":null},"consents":{},"could_say_no":false,"provided":["email","name","street","postal_code","city"],"areas":[],"delivery":"parcel","method":"card","credits":[],"return_url":"https://shop.example/back","tenders":[{"payment":"ttorucwm4ejsksl36qmn","method":"card","provider":"simulated_bank","amount":{"minor":78600,"currency":"DKK"},"others":[],"shares":[]}],"payments":[{"id":"ttorucwm4ejsksl36qmn","method":"card","provider":"simulated_bank","amount":{"minor":78600,"currency":"DKK"},"terms":null,"state":"captured","books":{"currency":"DKK","authorised":78600,"voided":0,"captured":78600,"refunded":0},"provider_reference":"pay_000001","action":null,"valid_until":"2026-03-09T12:05:00Z","attempts":[{"id":"ttorucwm4ejsksl36qmn-1","operation":"authorise","amount":{"minor":78600,"currency":"DKK"},"part":"","started_at":"2026-03-02T12:05:00Z","lease_until":"2026-03-02T12:06:00Z","sends":1,"outcome":"succeeded","reference":null},{"id":"ttorucwm4ejsksl36qmn-2","operation":"capture","amount":{"minor":78600,"currency":"DKK"},"part":"s1","started_at":"2026-03-02T12:05:00Z","lease_until":"2026-03-02T12:06:00Z","sends":1,"outcome":"succeeded","reference":null}],"look_at":null,"looks":0,"absences":0,"reason":"","contradiction":"","is_reminded":false,"shares":[],"profile_at":null,"profile_asks":0}],"shipments":[{"id":"s1","lines":{"mug":2,"book":1},"first":{"mug":0,"book":0},"amount":{"minor":78600,"currency":"DKK"},"state":"done","is_paid":true}],"refunds":[],"invoices":[],"chargebacks":[],"cancelled":{},"signals":{"value":78600,"easily_resold":0,"units":3,"most_of_one":2,"seconds_to_place":300,"tries":0,"declines":0,"parcel_shop":false,"forwarder":false,"disposable_email":false,"new_customer":true,"same_goods_at_address":0,"same_goods_by_contact":0,"contact_orders_day":0,"contact_orders_month":0,"contact_orders_year":0,"address_orders_day":0,"address_orders_month":0,"earlier_chargebacks":0,"earlier_rejections":0,"earlier_unpaid":0,"earlier_returns":0,"earlier_approvals":0,"on_block_list":false,"on_allow_list":false},"hits":[],"scored":null,"second":{"level":"unknown","person":"","by":"","challenge":"","sending":0,"tries":0,"sent_at":null,"valid_until":null},"policies":[],"quotes":[],"replaced":{},"review":null,"ending":"","attention":[],"erasure":null}');
INSERT INTO "checkoutflow_checkouts" VALUES('qtbfeylmeq2f4paem5vxdmdh7m','cancelled',5,0,1772453400000000,'{"id":"qtbfeylmeq2f4paem5vxdmdh7m","version":5,"market":"DK","locale":"da_DK","customer":"consumer","subject":"fscr2c57huz7hjbmjun4duztou","phase":"cancelled","started_at":"2026-03-02T12:05:00Z","expires_at":"2026-03-02T13:10:00Z","cart":{"lines":[{"sku":"mug","id":"mug","name":"Mug","quantity":2,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":350,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]},{"sku":"book","id":"book","name":"Book","quantity":1,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"books","goods_category":"general","weight_g":0,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":2,"goods":{"minor":49800,"currency":"DKK"},"payable":{"minor":52400,"currency":"DKK"},"charged":{"minor":2600,"currency":"DKK"},"vat_percent":"25","kind":"goods"},{"id":"book","quantity":1,"goods":{"minor":24900,"currency":"DKK"},"payable":{"minor":26200,"currency":"DKK"},"charged":{"minor":1300,"currency":"DKK"},"vat_percent":"25","kind":"goods"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":3900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":78600,"currency":"DKK"},"vat":{"minor":15720,"currency":"DKK"}}],"prices_include_vat":true},"adult":null,"arms":{},"recognition":{"level":"unknown","person":"","by":"","challenge":"","sending":0,"tries":0,"sent_at":null,"valid_until":null},"consents":{},"could_say_no":false,"provided":["email","name","street","postal_code","city"],"areas":[],"delivery":"parcel","method":"card","credits":[],"return_url":"https://shop.example/back","tenders":[{"payment":"pqj4vara3o25wzaf5uvh","method":"card","provider":"simulated_bank","amount":{"minor":78600,"currency":"DKK"},"others":[],"shares":[]}],"payments":[{"id":"pqj4vara3o25wzaf5uvh","method":"card","provider":"simulated_bank","amount":{"minor":78600,"currency":"DKK"},"terms":null,"state":"voided","books":{"currency":"DKK","authorised":78600,"voided":78600,"captured":0,"refunded":0},"provider_reference":"pay_000002","action":null,"valid_until":"2026-03-09T12:10:00Z","attempts":[{"id":"pqj4vara3o25wzaf5uvh-1","operation":"authorise","amount":{"minor":78600,"currency":"DKK"},"part":"","started_at":"2026-03-02T12:10:00Z","lease_until":"2026-03-02T12:11:00Z","sends":1,"outcome":"succeeded","reference":null},{"id":"pqj4vara3o25wzaf5uvh-2","operation":"void","amount":{"minor":78600,"currency":"DKK"},"part":"","started_at":"2026-03-02T12:10:00Z","lease_until":"2026-03-02T12:11:00Z","sends":1,"outcome":"succeeded","reference":null}],"look_at":null,"looks":0,"absences":0,"reason":"","contradiction":"","is_reminded":false,"shares":[],"profile_at":null,"profile_asks":0}],"shipments":[],"refunds":[],"invoices":[],"chargebacks":[],"cancelled":{"mug":2,"book":1},"signals":{"value":78600,"easily_resold":0,"units":3,"most_of_one":2,"seconds_to_place":300,"tries":0,"declines":0,"address_differs":false,"parcel_shop":false,"forwarder":false,"disposable_email":false,"new_customer":false,"same_goods_at_address":1,"same_goods_by_contact":1,"contact_orders_day":1,"contact_orders_month":1,"contact_orders_year":1,"address_orders_day":1,"address_orders_month":1,"earlier_chargebacks":0,"earlier_rejections":0,"earlier_unpaid":0,"earlier_returns":0,"earlier_approvals":0,"on_block_list":false,"on_allow_list":false},"hits":[],"scored":null,"second":{"level":"unknown","person":"","by":"","challenge":"","sending":0,"tries":0,"sent_at":null,"valid_until":null},"policies":[],"quotes":[],"replaced":{},"review":null,"ending":"","attention":[],"erasure":null}');
INSERT INTO "checkoutflow_checkouts" VALUES('fg57rt3jmea5ib3d7nxsyff42y','expired',2,0,1772626200000000,'{"id":"fg57rt3jmea5ib3d7nxsyff42y","version":2,"market":"DK","locale":"da_DK","customer":"consumer","subject":"5fqndmhr33i3kk6oemdt34zijm","phase":"expired","started_at":"2026-03-02T12:10:00Z","expires_at":"2026-03-03T12:10:00Z","cart":{"lines":[{"sku":"mug","id":"mug","name":"Mug","quantity":2,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":350,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]},{"sku":"book","id":"book","name":"Book","quantity":1,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"books","goods_category":"general","weight_g":0,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":2,"goods":{"minor":49800,"currency":"DKK"},"payable":{"minor":52400,"currency":"DKK"},"charged":{"minor":2600,"currency":"DKK"},"vat_percent":"25","kind":"goods"},{"id":"book","quantity":1,"goods":{"minor":24900,"currency":"DKK"},"payable":{"minor":26200,"currency":"DKK"},"charged":{"minor":1300,"currency":"DKK"},"vat_percent":"25","kind":"goods"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":3900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":78600,"currency":"DKK"},"vat":{"minor":15720,"currency":"DKK"}}],"prices_include_vat":true},"adult":null,"arms":{},"recognition":{"level":"unknown","person":"","by":"","challenge":"","sending":0,"tries":0,"sent_at":null,"valid_until":null},"consents":{},"could_say_no":false,"provided":["email","name","street","postal_code","city"],"areas":[],"delivery":"parcel","method":"card","credits":[],"return_url":"","tenders":[],"payments":[],"shipments":[],"refunds":[],"invoices":[],"chargebacks":[],"cancelled":{},"signals":{},"hits":[],"scored":null,"second":{"level":"unknown","person":"","by":"","challenge":"","sending":0,"tries":0,"sent_at":null,"valid_until":null},"policies":[],"quotes":[],"replaced":{},"review":null,"ending":"","attention":[],"erasure":null}');
INSERT INTO "checkoutflow_checkouts" VALUES('kbzpx55anc4te2jqfb64grohbe','collecting',1,0,1772453400000000,'{"id":"kbzpx55anc4te2jqfb64grohbe","version":1,"market":"SE","locale":"sv_SE","customer":"consumer","subject":"wiom2g4z5rbp3jrfpslb4yvstu","phase":"collecting","started_at":"2026-03-02T12:10:00Z","expires_at":"2026-03-03T12:10:00Z","cart":{"lines":[{"sku":"mug","id":"mug","name":"Mug","quantity":2,"unit_price":{"minor":34900,"currency":"SEK"},"vat_category":"standard","goods_category":"general","weight_g":350,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]},{"sku":"book","id":"book","name":"Book","quantity":1,"unit_price":{"minor":34900,"currency":"SEK"},"vat_category":"books","goods_category":"general","weight_g":0,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":2,"goods":{"minor":69800,"currency":"SEK"},"payable":{"minor":73067,"currency":"SEK"},"charged":{"minor":3267,"currency":"SEK"},"vat_percent":"25","kind":"goods"},{"id":"book","quantity":1,"goods":{"minor":34900,"currency":"SEK"},"payable":{"minor":36533,"currency":"SEK"},"charged":{"minor":1633,"currency":"SEK"},"vat_percent":"6","kind":"goods"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"SEK"}}],"vat":[{"percent":"25","gross":{"minor":73067,"currency":"SEK"},"vat":{"minor":14613,"currency":"SEK"}},{"percent":"6","gross":{"minor":36533,"currency":"SEK"},"vat":{"minor":2068,"currency":"SEK"}}],"prices_include_vat":true},"adult":null,"arms":{},"recognition":{"level":"unknown","person":"","by":"","challenge":"","sending":0,"tries":0,"sent_at":null,"valid_until":null},"consents":{},"could_say_no":false,"provided":["email","name","street","postal_code","city"],"areas":[],"delivery":"parcel","method":"","credits":[],"return_url":"","tenders":[],"payments":[],"shipments":[],"refunds":[],"invoices":[],"chargebacks":[],"cancelled":{},"signals":{},"hits":[],"scored":null,"second":{"level":"unknown","person":"","by":"","challenge":"","sending":0,"tries":0,"sent_at":null,"valid_until":null},"policies":[],"quotes":[],"replaced":{},"review":null,"ending":"","attention":[],"erasure":null}');
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
CREATE TABLE checkoutflow_digests (
	kind TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	subject_id TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	PRIMARY KEY (kind, digest, subject_id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_digests" VALUES('email','4e908ff41985bedcbcd3b4a165fcd9de2514916cbda919fd84dda2297ba352c9','5fqndmhr33i3kk6oemdt34zijm',1775045400000000);
INSERT INTO "checkoutflow_digests" VALUES('email','4e908ff41985bedcbcd3b4a165fcd9de2514916cbda919fd84dda2297ba352c9','wiom2g4z5rbp3jrfpslb4yvstu',1775045400000000);
INSERT INTO "checkoutflow_digests" VALUES('email','4e908ff41985bedcbcd3b4a165fcd9de2514916cbda919fd84dda2297ba352c9','czphmaqrdxmiaz46bhmegtrx2e',1835697600000000);
INSERT INTO "checkoutflow_digests" VALUES('email','4e908ff41985bedcbcd3b4a165fcd9de2514916cbda919fd84dda2297ba352c9','fscr2c57huz7hjbmjun4duztou',1835697600000000);
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
CREATE TABLE checkoutflow_journal (
	checkout_id TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	command TEXT NOT NULL, 
	events TEXT NOT NULL, 
	PRIMARY KEY (checkout_id, version), 
	FOREIGN KEY(checkout_id) REFERENCES checkoutflow_checkouts (id)
);
INSERT INTO "checkoutflow_journal" VALUES('hfma3eh56l4uyyrpmqp6dkirdu',1,1772452800000000,'start','[{"type":"started","checkout":"hfma3eh56l4uyyrpmqp6dkirdu","subject":"czphmaqrdxmiaz46bhmegtrx2e","market":"DK","locale":"da_DK","customer":"consumer","cart":{"lines":[{"sku":"mug","id":"mug","name":"Mug","quantity":2,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":350,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]},{"sku":"book","id":"book","name":"Book","quantity":1,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"books","goods_category":"general","weight_g":0,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":2,"goods":{"minor":49800,"currency":"DKK"},"payable":{"minor":52400,"currency":"DKK"},"charged":{"minor":2600,"currency":"DKK"},"vat_percent":"25","kind":"goods"},{"id":"book","quantity":1,"goods":{"minor":24900,"currency":"DKK"},"payable":{"minor":26200,"currency":"DKK"},"charged":{"minor":1300,"currency":"DKK"},"vat_percent":"25","kind":"goods"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":3900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":78600,"currency":"DKK"},"vat":{"minor":15720,"currency":"DKK"}}],"prices_include_vat":true},"delivery":"parcel","adult":null,"arms":{},"at":"2026-03-02T12:00:00Z","expires_at":"2026-03-03T12:00:00Z"},{"type":"details_provided","fields":["email","name","street","postal_code","city"],"areas":[],"expires_at":"2026-03-03T12:00:00Z"},{"type":"payment_chosen","method":"card","expires_at":"2026-03-03T12:00:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('hfma3eh56l4uyyrpmqp6dkirdu',2,1772453100000000,'place','[{"type":"placed","accepted_total":{"minor":78600,"currency":"DKK"},"priced":{"lines":[{"id":"mug","quantity":2,"goods":{"minor":49800,"currency":"DKK"},"payable":{"minor":52400,"currency":"DKK"},"charged":{"minor":2600,"currency":"DKK"},"vat_percent":"25","kind":"goods"},{"id":"book","quantity":1,"goods":{"minor":24900,"currency":"DKK"},"payable":{"minor":26200,"currency":"DKK"},"charged":{"minor":1300,"currency":"DKK"},"vat_percent":"25","kind":"goods"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":3900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":78600,"currency":"DKK"},"vat":{"minor":15720,"currency":"DKK"}}],"prices_include_vat":true},"tenders":[{"payment":"ttorucwm4ejsksl36qmn","method":"card","provider":"simulated_bank","amount":{"minor":78600,"currency":"DKK"},"others":[],"shares":[]}],"credit":null,"return_url":"https://shop.example/back","expires_at":"2026-03-02T13:05:00Z","signals":{"value":78600,"easily_resold":0,"units":3,"most_of_one":2,"seconds_to_place":300,"tries":0,"declines":0,"parcel_shop":false,"forwarder":false,"disposable_email":false,"new_customer":true,"same_goods_at_address":0,"same_goods_by_contact":0,"contact_orders_day":0,"contact_orders_month":0,"contact_orders_year":0,"address_orders_day":0,"address_orders_month":0,"earlier_chargebacks":0,"earlier_rejections":0,"earlier_unpaid":0,"earlier_returns":0,"earlier_approvals":0,"on_block_list":false,"on_allow_list":false}},{"type":"payment_started","payment":"ttorucwm4ejsksl36qmn","method":"card","provider":"simulated_bank","amount":{"minor":78600,"currency":"DKK"},"terms":null,"shares":[]},{"type":"attempt_started","payment":"ttorucwm4ejsksl36qmn","attempt":"ttorucwm4ejsksl36qmn-1","operation":"authorise","amount":{"minor":78600,"currency":"DKK"},"part":"","at":"2026-03-02T12:05:00Z","lease_until":"2026-03-02T12:06:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('hfma3eh56l4uyyrpmqp6dkirdu',3,1772453100000000,'record_result','[{"type":"payment_authorised","payment":"ttorucwm4ejsksl36qmn","attempt":"ttorucwm4ejsksl36qmn-1","amount":{"minor":78600,"currency":"DKK"},"provider_reference":"pay_000001","valid_until":"2026-03-09T12:05:00Z","origin":"shop"},{"type":"confirmed"}]');
INSERT INTO "checkoutflow_journal" VALUES('hfma3eh56l4uyyrpmqp6dkirdu',4,1772453100000000,'ship','[{"type":"shipment_started","shipment":"s1","lines":{"mug":2,"book":1},"first":{"mug":0,"book":0},"amount":{"minor":78600,"currency":"DKK"}},{"type":"attempt_started","payment":"ttorucwm4ejsksl36qmn","attempt":"ttorucwm4ejsksl36qmn-2","operation":"capture","amount":{"minor":78600,"currency":"DKK"},"part":"s1","at":"2026-03-02T12:05:00Z","lease_until":"2026-03-02T12:06:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('hfma3eh56l4uyyrpmqp6dkirdu',5,1772453100000000,'record_result','[{"type":"payment_captured","payment":"ttorucwm4ejsksl36qmn","attempt":"ttorucwm4ejsksl36qmn-2","amount":{"minor":78600,"currency":"DKK"},"origin":"shop"},{"type":"shipped","shipment":"s1"},{"type":"fulfilled"}]');
INSERT INTO "checkoutflow_journal" VALUES('qtbfeylmeq2f4paem5vxdmdh7m',1,1772453100000000,'start','[{"type":"started","checkout":"qtbfeylmeq2f4paem5vxdmdh7m","subject":"fscr2c57huz7hjbmjun4duztou","market":"DK","locale":"da_DK","customer":"consumer","cart":{"lines":[{"sku":"mug","id":"mug","name":"Mug","quantity":2,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":350,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]},{"sku":"book","id":"book","name":"Book","quantity":1,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"books","goods_category":"general","weight_g":0,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":2,"goods":{"minor":49800,"currency":"DKK"},"payable":{"minor":52400,"currency":"DKK"},"charged":{"minor":2600,"currency":"DKK"},"vat_percent":"25","kind":"goods"},{"id":"book","quantity":1,"goods":{"minor":24900,"currency":"DKK"},"payable":{"minor":26200,"currency":"DKK"},"charged":{"minor":1300,"currency":"DKK"},"vat_percent":"25","kind":"goods"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":3900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":78600,"currency":"DKK"},"vat":{"minor":15720,"currency":"DKK"}}],"prices_include_vat":true},"delivery":"parcel","adult":null,"arms":{},"at":"2026-03-02T12:05:00Z","expires_at":"2026-03-03T12:05:00Z"},{"type":"details_provided","fields":["email","name","street","postal_code","city"],"areas":[],"expires_at":"2026-03-03T12:05:00Z"},{"type":"payment_chosen","method":"card","expires_at":"2026-03-03T12:05:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('qtbfeylmeq2f4paem5vxdmdh7m',2,1772453400000000,'place','[{"type":"placed","accepted_total":{"minor":78600,"currency":"DKK"},"priced":{"lines":[{"id":"mug","quantity":2,"goods":{"minor":49800,"currency":"DKK"},"payable":{"minor":52400,"currency":"DKK"},"charged":{"minor":2600,"currency":"DKK"},"vat_percent":"25","kind":"goods"},{"id":"book","quantity":1,"goods":{"minor":24900,"currency":"DKK"},"payable":{"minor":26200,"currency":"DKK"},"charged":{"minor":1300,"currency":"DKK"},"vat_percent":"25","kind":"goods"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":3900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":78600,"currency":"DKK"},"vat":{"minor":15720,"currency":"DKK"}}],"prices_include_vat":true},"tenders":[{"payment":"pqj4vara3o25wzaf5uvh","method":"card","provider":"simulated_bank","amount":{"minor":78600,"currency":"DKK"},"others":[],"shares":[]}],"credit":null,"return_url":"https://shop.example/back","expires_at":"2026-03-02T13:10:00Z","signals":{"value":78600,"easily_resold":0,"units":3,"most_of_one":2,"seconds_to_place":300,"tries":0,"declines":0,"address_differs":false,"parcel_shop":false,"forwarder":false,"disposable_email":false,"new_customer":false,"same_goods_at_address":1,"same_goods_by_contact":1,"contact_orders_day":1,"contact_orders_month":1,"contact_orders_year":1,"address_orders_day":1,"address_orders_month":1,"earlier_chargebacks":0,"earlier_rejections":0,"earlier_unpaid":0,"earlier_returns":0,"earlier_approvals":0,"on_block_list":false,"on_allow_list":false}},{"type":"payment_started","payment":"pqj4vara3o25wzaf5uvh","method":"card","provider":"simulated_bank","amount":{"minor":78600,"currency":"DKK"},"terms":null,"shares":[]},{"type":"attempt_started","payment":"pqj4vara3o25wzaf5uvh","attempt":"pqj4vara3o25wzaf5uvh-1","operation":"authorise","amount":{"minor":78600,"currency":"DKK"},"part":"","at":"2026-03-02T12:10:00Z","lease_until":"2026-03-02T12:11:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('qtbfeylmeq2f4paem5vxdmdh7m',3,1772453400000000,'record_result','[{"type":"payment_authorised","payment":"pqj4vara3o25wzaf5uvh","attempt":"pqj4vara3o25wzaf5uvh-1","amount":{"minor":78600,"currency":"DKK"},"provider_reference":"pay_000002","valid_until":"2026-03-09T12:10:00Z","origin":"shop"},{"type":"confirmed"}]');
INSERT INTO "checkoutflow_journal" VALUES('qtbfeylmeq2f4paem5vxdmdh7m',4,1772453400000000,'cancel','[{"type":"lines_cancelled","lines":{"mug":2,"book":1}},{"type":"cancelled"},{"type":"attempt_started","payment":"pqj4vara3o25wzaf5uvh","attempt":"pqj4vara3o25wzaf5uvh-2","operation":"void","amount":{"minor":78600,"currency":"DKK"},"part":"","at":"2026-03-02T12:10:00Z","lease_until":"2026-03-02T12:11:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('qtbfeylmeq2f4paem5vxdmdh7m',5,1772453400000000,'record_result','[{"type":"payment_voided","payment":"pqj4vara3o25wzaf5uvh","attempt":"pqj4vara3o25wzaf5uvh-2","amount":{"minor":78600,"currency":"DKK"},"origin":"shop"}]');
INSERT INTO "checkoutflow_journal" VALUES('fg57rt3jmea5ib3d7nxsyff42y',1,1772453400000000,'start','[{"type":"started","checkout":"fg57rt3jmea5ib3d7nxsyff42y","subject":"5fqndmhr33i3kk6oemdt34zijm","market":"DK","locale":"da_DK","customer":"consumer","cart":{"lines":[{"sku":"mug","id":"mug","name":"Mug","quantity":2,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"standard","goods_category":"general","weight_g":350,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]},{"sku":"book","id":"book","name":"Book","quantity":1,"unit_price":{"minor":24900,"currency":"DKK"},"vat_category":"books","goods_category":"general","weight_g":0,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":2,"goods":{"minor":49800,"currency":"DKK"},"payable":{"minor":52400,"currency":"DKK"},"charged":{"minor":2600,"currency":"DKK"},"vat_percent":"25","kind":"goods"},{"id":"book","quantity":1,"goods":{"minor":24900,"currency":"DKK"},"payable":{"minor":26200,"currency":"DKK"},"charged":{"minor":1300,"currency":"DKK"},"vat_percent":"25","kind":"goods"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":3900,"currency":"DKK"}}],"vat":[{"percent":"25","gross":{"minor":78600,"currency":"DKK"},"vat":{"minor":15720,"currency":"DKK"}}],"prices_include_vat":true},"delivery":"parcel","adult":null,"arms":{},"at":"2026-03-02T12:10:00Z","expires_at":"2026-03-03T12:10:00Z"},{"type":"details_provided","fields":["email","name","street","postal_code","city"],"areas":[],"expires_at":"2026-03-03T12:10:00Z"},{"type":"payment_chosen","method":"card","expires_at":"2026-03-03T12:10:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('kbzpx55anc4te2jqfb64grohbe',1,1772453400000000,'start','[{"type":"started","checkout":"kbzpx55anc4te2jqfb64grohbe","subject":"wiom2g4z5rbp3jrfpslb4yvstu","market":"SE","locale":"sv_SE","customer":"consumer","cart":{"lines":[{"sku":"mug","id":"mug","name":"Mug","quantity":2,"unit_price":{"minor":34900,"currency":"SEK"},"vat_category":"standard","goods_category":"general","weight_g":350,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]},{"sku":"book","id":"book","name":"Book","quantity":1,"unit_price":{"minor":34900,"currency":"SEK"},"vat_category":"books","goods_category":"general","weight_g":0,"digital":false,"durable":false,"condition":"new","age_months":0,"attributes":{},"kind":"goods","insures":[]}],"discounts":[],"prices_include_vat":true},"priced":{"lines":[{"id":"mug","quantity":2,"goods":{"minor":69800,"currency":"SEK"},"payable":{"minor":73067,"currency":"SEK"},"charged":{"minor":3267,"currency":"SEK"},"vat_percent":"25","kind":"goods"},{"id":"book","quantity":1,"goods":{"minor":34900,"currency":"SEK"},"payable":{"minor":36533,"currency":"SEK"},"charged":{"minor":1633,"currency":"SEK"},"vat_percent":"6","kind":"goods"}],"discounts":[],"charges":[{"kind":"delivery","id":"parcel","name":"Parcel","amount":{"minor":4900,"currency":"SEK"}}],"vat":[{"percent":"25","gross":{"minor":73067,"currency":"SEK"},"vat":{"minor":14613,"currency":"SEK"}},{"percent":"6","gross":{"minor":36533,"currency":"SEK"},"vat":{"minor":2068,"currency":"SEK"}}],"prices_include_vat":true},"delivery":"parcel","adult":null,"arms":{},"at":"2026-03-02T12:10:00Z","expires_at":"2026-03-03T12:10:00Z"},{"type":"details_provided","fields":["email","name","street","postal_code","city"],"areas":[],"expires_at":"2026-03-03T12:10:00Z"}]');
INSERT INTO "checkoutflow_journal" VALUES('fg57rt3jmea5ib3d7nxsyff42y',2,1772626200000000,'pass_time','[{"type":"expired"}]');
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
CREATE TABLE checkoutflow_listings (
	kind TEXT NOT NULL, 
	value TEXT NOT NULL, 
	list TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	added_by TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	PRIMARY KEY (kind, value)
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
INSERT INTO "checkoutflow_outbox" VALUES('hfma3eh56l4uyyrpmqp6dkirdu',3,'confirmed',1772453100000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('hfma3eh56l4uyyrpmqp6dkirdu',5,'shipped',1772453100000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('hfma3eh56l4uyyrpmqp6dkirdu',5,'fulfilled',1772453100000000,1);
INSERT INTO "checkoutflow_outbox" VALUES('qtbfeylmeq2f4paem5vxdmdh7m',3,'confirmed',1772453400000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('qtbfeylmeq2f4paem5vxdmdh7m',4,'cancelled',1772453400000000,0);
INSERT INTO "checkoutflow_outbox" VALUES('fg57rt3jmea5ib3d7nxsyff42y',2,'expired',1772626200000000,0);
CREATE TABLE checkoutflow_profiles (
	subject_id TEXT NOT NULL, 
	choices TEXT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	restricted_at BIGINT, 
	PRIMARY KEY (subject_id)
)
 WITHOUT ROWID

;
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
INSERT INTO "checkoutflow_reads" VALUES('czphmaqrdxmiaz46bhmegtrx2e',1,1772453100000000,'prevent_fraud','email name postal_code street','checkoutflow',1803989100000000);
INSERT INTO "checkoutflow_reads" VALUES('czphmaqrdxmiaz46bhmegtrx2e',2,1772453100000000,'take_payment','email','simulated_bank',1803989100000000);
INSERT INTO "checkoutflow_reads" VALUES('fscr2c57huz7hjbmjun4duztou',1,1772453400000000,'prevent_fraud','email name postal_code street','checkoutflow',1803989400000000);
INSERT INTO "checkoutflow_reads" VALUES('fscr2c57huz7hjbmjun4duztou',2,1772453400000000,'take_payment','email','simulated_bank',1803989400000000);
CREATE TABLE checkoutflow_schema (
	version INTEGER NOT NULL, 
	swept_at BIGINT
);
INSERT INTO "checkoutflow_schema" VALUES(8,NULL);
CREATE TABLE checkoutflow_series (
	number BIGINT NOT NULL, 
	checkout_id TEXT NOT NULL, 
	scheme TEXT NOT NULL, 
	reference TEXT, 
	PRIMARY KEY (number)
)
 WITHOUT ROWID

;
CREATE TABLE checkoutflow_sightings (
	kind TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	fate TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	subject_id TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	PRIMARY KEY (kind, digest, fate, at, subject_id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_sightings" VALUES('goods_at_address','d246246466b923473a636593be5c1ccb','ordered',1772453100000000,'czphmaqrdxmiaz46bhmegtrx2e',1775045100000000);
INSERT INTO "checkoutflow_sightings" VALUES('goods_by_contact','2aca3f0760804a19d13a0a7dcc770804','ordered',1772453100000000,'czphmaqrdxmiaz46bhmegtrx2e',1775045100000000);
INSERT INTO "checkoutflow_sightings" VALUES('goods_at_address','d246246466b923473a636593be5c1ccb','ordered',1772453400000000,'fscr2c57huz7hjbmjun4duztou',1775045400000000);
INSERT INTO "checkoutflow_sightings" VALUES('goods_by_contact','2aca3f0760804a19d13a0a7dcc770804','ordered',1772453400000000,'fscr2c57huz7hjbmjun4duztou',1775045400000000);
INSERT INTO "checkoutflow_sightings" VALUES('address','ba1f0b39506c2348e102c737bd8cdd37','ordered',1772453100000000,'czphmaqrdxmiaz46bhmegtrx2e',1803989100000000);
INSERT INTO "checkoutflow_sightings" VALUES('contact_at_address','ec6118ecd8f6beb428bcd62b45688cf7','ordered',1772453100000000,'czphmaqrdxmiaz46bhmegtrx2e',1803989100000000);
INSERT INTO "checkoutflow_sightings" VALUES('email','d14540d7857730d5adab5b9f20aadc9f','ordered',1772453100000000,'czphmaqrdxmiaz46bhmegtrx2e',1803989100000000);
INSERT INTO "checkoutflow_sightings" VALUES('address','ba1f0b39506c2348e102c737bd8cdd37','ordered',1772453400000000,'fscr2c57huz7hjbmjun4duztou',1803989400000000);
INSERT INTO "checkoutflow_sightings" VALUES('contact_at_address','ec6118ecd8f6beb428bcd62b45688cf7','ordered',1772453400000000,'fscr2c57huz7hjbmjun4duztou',1803989400000000);
INSERT INTO "checkoutflow_sightings" VALUES('email','d14540d7857730d5adab5b9f20aadc9f','ordered',1772453400000000,'fscr2c57huz7hjbmjun4duztou',1803989400000000);
CREATE TABLE checkoutflow_subjects (
	id TEXT NOT NULL, 
	wrapped_key BLOB NOT NULL, 
	key_id TEXT NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_subjects" VALUES('5fqndmhr33i3kk6oemdt34zijm',X'01C4657F02FE8DD215A2D3236765CA2B016FC5A706C61B5BCFD851A392C2AC2FED62968347E0D40CAC4899ED6F7339424F2E09623AC60132402EDCB491','a7114f1b07007dff');
INSERT INTO "checkoutflow_subjects" VALUES('5fqndmhr33i3kk6oemdt34zijm.books',X'012031F94682D0042D562F37D7E3ABB8878A4DF3805F8093DFAE58EC49397D325626FFE36955F644923A056C178DB8C8F45C869D26B1EEB77495913046','a7114f1b07007dff');
INSERT INTO "checkoutflow_subjects" VALUES('czphmaqrdxmiaz46bhmegtrx2e',X'01810C643322727FE34A02EA9E07BF1243C69708DA6A223087E1B7BD1FF2B2D669F353010C636F3A226C90B9449BF3F29A260109836023F1148442260B','a7114f1b07007dff');
INSERT INTO "checkoutflow_subjects" VALUES('czphmaqrdxmiaz46bhmegtrx2e.books',X'01951C9C99D918ED9756FB16F91D8A236E152E4832A70B5A2D13DFBA117905503236203D156BDFFE9862C13647C1A451CBBCC3F89ED87C9965E242B27C','a7114f1b07007dff');
INSERT INTO "checkoutflow_subjects" VALUES('fscr2c57huz7hjbmjun4duztou',X'01964997245950A63247C3A6802FA4494D190EE7D5C9F285A72BB1067B7802CBA794402F1D5D52C5D96A463FC6CDECF9CFEB00AA684CCE96DE6F4F1467','a7114f1b07007dff');
INSERT INTO "checkoutflow_subjects" VALUES('fscr2c57huz7hjbmjun4duztou.books',X'01FE9CA617F5D483084CB7DD7F25C655CFCBF58B1A7BB608B5EE5045580EFEE6165E881A9345B496E58671128E854221E66F2F3209444A8D33DB645308','a7114f1b07007dff');
INSERT INTO "checkoutflow_subjects" VALUES('wiom2g4z5rbp3jrfpslb4yvstu',X'01BC83B632C456CEE4BA9965812BD6FD9BD8BE3152EE4A03C253B6721B7A9CE79BEF47C3B6715D674EEA96A92A458E4131358D58375C1025DF90E93B80','a7114f1b07007dff');
INSERT INTO "checkoutflow_subjects" VALUES('wiom2g4z5rbp3jrfpslb4yvstu.books',X'0146739E595FDB54C1DA90D3BD8C1681CC178AA2FE6C089BA9E0DA31D88C72941D7F10E0FA189497D6EDBE95221BA58133B4746D6234AD70B997AC20A4','a7114f1b07007dff');
CREATE TABLE checkoutflow_timers (
	checkout_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	due_at BIGINT NOT NULL, 
	since BIGINT, 
	PRIMARY KEY (checkout_id, kind), 
	FOREIGN KEY(checkout_id) REFERENCES checkoutflow_checkouts (id)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_timers" VALUES('kbzpx55anc4te2jqfb64grohbe','expiry',1772626260000000,1772539800000000);
CREATE TABLE checkoutflow_turns (
	"key" TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	place BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	PRIMARY KEY ("key", at, place)
)
 WITHOUT ROWID

;
CREATE TABLE checkoutflow_values (
	currency TEXT NOT NULL, 
	band BIGINT NOT NULL, 
	orders BIGINT NOT NULL, 
	PRIMARY KEY (currency, band)
)
 WITHOUT ROWID

;
INSERT INTO "checkoutflow_values" VALUES('DKK',65,2);
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
INSERT INTO "checkoutflow_vault" VALUES('5fqndmhr33i3kk6oemdt34zijm','city',X'01BF0ECD40E234523536AF306F790CF44DAC4A9F20426FEFE1FFF8AA4E1D7DE0EC8567B1D6A54C','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('5fqndmhr33i3kk6oemdt34zijm','email',X'016D8CDA8DDD983BDD29875FEA951A23D63F7DA40228829A31BE112A1F9F6014C24B5D77323C1CF718CCE4A234','send_receipt deliver take_payment identify_for_credit invoice insure market prevent_fraud remember answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('5fqndmhr33i3kk6oemdt34zijm','name',X'01FC95B481C46C62F568DAB1F81DD732DC7ED1CFA397441188826092ABEDEA42B4AC3AA82F848F1E','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights take_payment',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('5fqndmhr33i3kk6oemdt34zijm','postal_code',X'019EB5F754C63EA9F2FFFE1E104D80647FC9F5CBC9756EF26BF3AB3BFDD1479E6E','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('5fqndmhr33i3kk6oemdt34zijm','street',X'017F18932494D725D92C62DA65005929B3D5EC522E1C7E4049399DDAFCA00E0EC90743121F291D','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('5fqndmhr33i3kk6oemdt34zijm.books','city',X'01C70A995EC50FB520C053E68BA3CD95DDD8CBF4B68BE372D1362F66D3687BDEE1A0A5E016453C','keep_books answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('5fqndmhr33i3kk6oemdt34zijm.books','name',X'0137CFA104F100623B1D5F9FEFB8F378934610F27E0DD2269EA6682D27BDA1AAE4A81DA0C46F371E','keep_books answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('5fqndmhr33i3kk6oemdt34zijm.books','postal_code',X'013E9389CEAFD06D4185C471156F78B32C7507377867FD01AE59804A91BE05967D','keep_books answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('5fqndmhr33i3kk6oemdt34zijm.books','street',X'012BA5EA3AE3C24DC510E6FA6F235849AA00B4A15AB22AE0F607B7263749FD143057DE8B15B108','keep_books answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('czphmaqrdxmiaz46bhmegtrx2e','city',X'011433EBEA2E21715227BAA8649466E17FA70EA6B2E88A04051070ACFA05DA68429D83F66DB8FC','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('czphmaqrdxmiaz46bhmegtrx2e','email',X'0126D16F38027267083C53BEBF7D81C0789FD8DE99555B634A3DD38E8F10878FA770EA54B822014EB706C63CBB','send_receipt deliver take_payment identify_for_credit invoice insure market prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('czphmaqrdxmiaz46bhmegtrx2e','name',X'01BA26E76B785B834688E21318302CAE3F4C8517892D646DCEF5D7364A57D1889B6D3E9B705CC9F5','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights take_payment',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('czphmaqrdxmiaz46bhmegtrx2e','postal_code',X'01576C2973E354AC69EAB13FB14C7C5AF1D8D5C564D98865C1CFD5A97BC8BB4FB3','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('czphmaqrdxmiaz46bhmegtrx2e','street',X'0189B3376BF63DD326DFED8D0095A133C9A08F47D0929A62180E28C94E5588DC08D74514B09931','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('czphmaqrdxmiaz46bhmegtrx2e.books','city',X'017342021EAFE6695E5D86523EEB22EEB1E8162653423D05178A8F401ADD5DA80D784AA14C6CA0','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('czphmaqrdxmiaz46bhmegtrx2e.books','name',X'016900D97A315A57C8BB924BD2950EE064ACC389F2033B5F826A302CB6747F072D659D11A6EB4CEB','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('czphmaqrdxmiaz46bhmegtrx2e.books','postal_code',X'01088EA4BE06AE45098EBE3AA872FA7A13E58102241165C5312DEA6767315016FD','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('czphmaqrdxmiaz46bhmegtrx2e.books','street',X'017145CBFFB214CA0A90232B74096949AB9FB1C7D5AAD6748F6389228708EEFB072AA21A51E5A2','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('fscr2c57huz7hjbmjun4duztou','city',X'010C8DF9E0761F768250FC8D1326E604D9A15A6084083A0E48788A3A9224DF64F5E202CE9659F2','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('fscr2c57huz7hjbmjun4duztou','email',X'0102531CFEF697FC56420E3CFE32944E101E3CF30CB0BC5E90F166B195C4FFFFD1283649AA88571E0DE9B00AD0','send_receipt deliver take_payment identify_for_credit invoice insure market prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('fscr2c57huz7hjbmjun4duztou','name',X'013B4B16669EC226E42508AF222536C3A05B7AB715CA4874CDE12C0C3074715A8435E5D051BAFCB3','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights take_payment',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('fscr2c57huz7hjbmjun4duztou','postal_code',X'0168A7A57B7EFD85F9CD5A5A3F627B4D41C713C2712A06C2CA444C206EE10E367B','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('fscr2c57huz7hjbmjun4duztou','street',X'01BBE16265B913E083B8CF52E05D6BD6286D272F0E1B5736AEDEA937ACCC0346955EC92C757CD4','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1835697600000000);
INSERT INTO "checkoutflow_vault" VALUES('fscr2c57huz7hjbmjun4duztou.books','city',X'01718F2166D8DE652745DFEFA50E503D6FAC94082EE1AA151FDA2C0E2D65DEC9C89905B07D0472','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('fscr2c57huz7hjbmjun4duztou.books','name',X'01FC4451A12D04B71A63FF2C67F0A919EB386D375750A3C72DD94C38B0100409F0848195ADC4FA00','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('fscr2c57huz7hjbmjun4duztou.books','postal_code',X'012FAC2AEAC12F8861A66832BB6EC4D8F8DD7E65C51850F3AE4E52F1C29C8E9DBF','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('fscr2c57huz7hjbmjun4duztou.books','street',X'0100D55B33810188BD6312B01F1387CABD3874B9B09F3447A0E4B8343BF57DA8A52705199CEB6B','keep_books answer_rights',1956571200000000);
INSERT INTO "checkoutflow_vault" VALUES('wiom2g4z5rbp3jrfpslb4yvstu','city',X'0148B1D5058C4FC0C828B3FFFF4CA11A94E74591BCF7FA89C231685EDD135D17611FE99E9C43','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('wiom2g4z5rbp3jrfpslb4yvstu','email',X'0129B6CEC657A3C3EA80E08CD0432FECC7409D780E399F42ECA90D281AB11479C087E4321EB383D7664045FB55','send_receipt deliver take_payment identify_for_credit invoice insure market prevent_fraud remember answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('wiom2g4z5rbp3jrfpslb4yvstu','name',X'01E40A560D8A4959B5F197E5053461AA8C7C46826C8F73D5207B1B469CF5C88F9450964B24DA2DBD','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights take_payment',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('wiom2g4z5rbp3jrfpslb4yvstu','postal_code',X'015C0D9C908D722DAEF283D636BF932981CB0F59B09541FD9191FD493C5534ADD95B','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('wiom2g4z5rbp3jrfpslb4yvstu','street',X'01DA796BD0690C6D85387264FF8235FD2BED1FF7583F7A6DB2EC71D0BD663244FDA0670CB00218','deliver identify_for_credit invoice keep_books insure prevent_fraud remember answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('wiom2g4z5rbp3jrfpslb4yvstu.books','city',X'0187758A797524581674A8F2E7C04ED6F32E5FB9C5F77ED4947FDEF66D6C70DB5D4F4E75266A','keep_books answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('wiom2g4z5rbp3jrfpslb4yvstu.books','name',X'0116A85234715945C1388EE02691E072166B2CF2842B1EC67B2C08EF93160DCADA4A5DB8C3D441A7','keep_books answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('wiom2g4z5rbp3jrfpslb4yvstu.books','postal_code',X'014B64C24B4BDF2786E4DA8C48FDD0FFD743DD874D7E0AD5FCDF0C41211E264E601B','keep_books answer_rights',1775045400000000);
INSERT INTO "checkoutflow_vault" VALUES('wiom2g4z5rbp3jrfpslb4yvstu.books','street',X'013F7C7B6FDA8051DE5C6A1228C4BD0A9D5BCF121D597D5CBE003D590B47B5018FDE696C841510','keep_books answer_rights',1775045400000000);
CREATE INDEX checkoutflow_checkouts_by_phase ON checkoutflow_checkouts (phase, id);
CREATE INDEX checkoutflow_consents_by_expiry ON checkoutflow_consents (expires_at);
CREATE INDEX checkoutflow_digests_by_expiry ON checkoutflow_digests (expires_at);
CREATE INDEX checkoutflow_digests_by_subject ON checkoutflow_digests (subject_id);
CREATE INDEX checkoutflow_erasures_by_expiry ON checkoutflow_erasures (expires_at);
CREATE INDEX checkoutflow_ledger_by_payment ON checkoutflow_ledger (payment, at);
CREATE INDEX checkoutflow_listings_by_expiry ON checkoutflow_listings (expires_at);
CREATE INDEX checkoutflow_reads_by_expiry ON checkoutflow_reads (expires_at);
CREATE INDEX checkoutflow_series_by_reference ON checkoutflow_series (scheme, reference);
CREATE INDEX checkoutflow_sightings_by_expiry ON checkoutflow_sightings (expires_at);
CREATE INDEX checkoutflow_sightings_by_subject ON checkoutflow_sightings (subject_id);
CREATE INDEX checkoutflow_turns_by_expiry ON checkoutflow_turns (expires_at);
CREATE INDEX checkoutflow_attempts_by_payment ON checkoutflow_attempts (provider, payment);
CREATE INDEX checkoutflow_outbox_in_order ON checkoutflow_outbox (at, checkout_id, version, place);
CREATE INDEX checkoutflow_timers_by_due ON checkoutflow_timers (due_at, checkout_id);
CREATE INDEX checkoutflow_timers_of_reviews ON checkoutflow_timers (due_at, checkout_id) WHERE kind = 'review';
CREATE INDEX checkoutflow_timers_put_off ON checkoutflow_timers (since, checkout_id) WHERE since IS NOT NULL;
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
