CREATE INDEX "hours_team" ON "hours" USING btree ("team_id","day");--> statement-breakpoint
CREATE INDEX "hours_user" ON "hours" USING btree ("user_id","day");--> statement-breakpoint
CREATE INDEX "hours_key" ON "hours" USING btree ("key_id","day");