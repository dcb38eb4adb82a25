CREATE TABLE `log` (
	`only` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `notes` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `orders` (
	`order_id` text PRIMARY KEY NOT NULL,
	`latest_version` integer NOT NULL,
	`status` text NOT NULL,
	`status_since` integer NOT NULL,
	`tracked_since` integer NOT NULL,
	`checked_at` integer NOT NULL,
	`due_at` integer,
	`failures` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `orders_due` ON `orders` (`due_at`,`order_id`) WHERE "orders"."due_at" is not null;--> statement-breakpoint
CREATE INDEX `orders_unsettled` ON `orders` (`status`,`status_since`,`due_at`) WHERE "orders"."status" not in ('FULFILLED', 'REFUNDED');--> statement-breakpoint
CREATE TABLE `snapshots` (
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
);
