-- Rows lie in the tree of their primary key, instead of being numbered in one and found by another: half as many
-- pages to go through, and a file smaller by a quarter. Written by hand, since Drizzle knows no WITHOUT ROWID.
CREATE TABLE `clustered_snapshots` (
	`order_id` text NOT NULL,
	`version` integer NOT NULL,
	`upstream_status` text NOT NULL,
	`observed_at` integer NOT NULL,
	`ref` text,
	`type` text,
	`number` text,
	`amount` real,
	`card_code` text,
	`transaction_number` text,
	`processed_at` integer,
	`refund_message` text,
	`created_at` integer,
	PRIMARY KEY(`order_id`, `version`)
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `clustered_snapshots` (`order_id`, `version`, `upstream_status`, `observed_at`, `ref`, `type`, `number`, `amount`, `card_code`, `transaction_number`, `processed_at`, `refund_message`, `created_at`) SELECT `order_id`, `version`, `upstream_status`, `observed_at`, `ref`, `type`, `number`, `amount`, `card_code`, `transaction_number`, `processed_at`, `refund_message`, `created_at` FROM `snapshots` ORDER BY `order_id`, `version`;
--> statement-breakpoint
DROP TABLE `snapshots`;
--> statement-breakpoint
ALTER TABLE `clustered_snapshots` RENAME TO `snapshots`;
--> statement-breakpoint
CREATE TABLE `clustered_orders` (
	`order_id` text PRIMARY KEY NOT NULL,
	`latest_version` integer NOT NULL,
	`status` text NOT NULL,
	`status_since` integer NOT NULL,
	`tracked_since` integer NOT NULL,
	`checked_at` integer NOT NULL,
	`due_at` integer,
	`created_at` integer,
	`failures` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `clustered_orders` (`order_id`, `latest_version`, `status`, `status_since`, `tracked_since`, `checked_at`, `due_at`, `created_at`, `failures`) SELECT `order_id`, `latest_version`, `status`, `status_since`, `tracked_since`, `checked_at`, `due_at`, `created_at`, `failures` FROM `orders` ORDER BY `order_id`;
--> statement-breakpoint
DROP TABLE `orders`;
--> statement-breakpoint
ALTER TABLE `clustered_orders` RENAME TO `orders`;
--> statement-breakpoint
CREATE INDEX `orders_due` ON `orders` (`due_at`,`order_id`) WHERE "orders"."due_at" is not null;
--> statement-breakpoint
CREATE INDEX `orders_created` ON `orders` (`created_at`,`order_id`) WHERE "orders"."due_at" is not null;
--> statement-breakpoint
CREATE INDEX `orders_listed` ON `orders` (`created_at`);
--> statement-breakpoint
CREATE INDEX `orders_unsettled` ON `orders` (`status`,`status_since`,`due_at`) WHERE "orders"."status" not in ('FULFILLED', 'REFUNDED');
