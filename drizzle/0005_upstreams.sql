CREATE TABLE "surveys" (
	"upstream_id" text PRIMARY KEY NOT NULL,
	"findings" jsonb NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"claimed_until" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "upstreams" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"region" text,
	"transport" text DEFAULT 'auto' NOT NULL,
	"settings" jsonb NOT NULL,
	"secrets" text,
	"priority" integer DEFAULT 0 NOT NULL,
	"weight" integer DEFAULT 1 NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"archived_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "trail" jsonb;--> statement-breakpoint
ALTER TABLE "teams" ADD COLUMN "routing" jsonb;--> statement-breakpoint
CREATE UNIQUE INDEX "upstreams_name" ON "upstreams" USING btree (lower("name")) WHERE "upstreams"."archived_at" is null;