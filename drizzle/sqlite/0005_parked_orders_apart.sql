DROP INDEX `orders_due`;--> statement-breakpoint
CREATE INDEX `orders_due_parked` ON `orders` (`due_at`,`order_id`) WHERE "orders"."due_at" is not null and "orders"."status" = 'QUEUED';--> statement-breakpoint
CREATE INDEX `orders_due_others` ON `orders` (`due_at`,`order_id`) WHERE "orders"."due_at" is not null and "orders"."status" <> 'QUEUED';