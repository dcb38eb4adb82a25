ALTER TABLE `orders` ADD `created_at` integer;--> statement-breakpoint
CREATE INDEX `orders_created` ON `orders` (`created_at`,`order_id`) WHERE "orders"."due_at" is not null;