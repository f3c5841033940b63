ALTER TABLE "requests" ADD COLUMN "service_tier" text;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "fee_nano" bigint;--> statement-breakpoint
CREATE INDEX "hours_team" ON "hours" USING btree ("team_id","day");--> statement-breakpoint
CREATE INDEX "hours_user" ON "hours" USING btree ("user_id","day");--> statement-breakpoint
CREATE INDEX "hours_key" ON "hours" USING btree ("key_id","day");--> statement-breakpoint
CREATE INDEX "requests_unpriced" ON "requests" USING btree ("started_at") WHERE "requests"."cost_nano" is null;