CREATE TABLE "keys" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"hint" text NOT NULL,
	"models" text[],
	"created_at" timestamp (3) with time zone NOT NULL,
	"disabled_at" timestamp (3) with time zone,
	"deleted_at" timestamp (3) with time zone,
	CONSTRAINT "keys_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "requests" (
	"id" text PRIMARY KEY NOT NULL,
	"status" text NOT NULL,
	"key_id" text NOT NULL,
	"model" text NOT NULL,
	"model_id" text NOT NULL,
	"provider" text NOT NULL,
	"upstream" text NOT NULL,
	"region" text NOT NULL,
	"stream" boolean NOT NULL,
	"attempts" integer NOT NULL,
	"input_tokens" bigint DEFAULT 0 NOT NULL,
	"cache_read_tokens" bigint DEFAULT 0 NOT NULL,
	"cache_write_5m_tokens" bigint DEFAULT 0 NOT NULL,
	"cache_write_1h_tokens" bigint DEFAULT 0 NOT NULL,
	"output_tokens" bigint DEFAULT 0 NOT NULL,
	"usage_source" text,
	"cost_nano" bigint,
	"stop_reason" text,
	"error_type" text,
	"session_id" text,
	"agent_id" text,
	"parent_agent_id" text,
	"started_at" timestamp (3) with time zone NOT NULL,
	"first_byte_ms" integer,
	"duration_ms" integer
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"name" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL
);
--> statement-breakpoint
CREATE INDEX "requests_key" ON "requests" USING btree ("key_id","id");--> statement-breakpoint
CREATE INDEX "requests_session" ON "requests" USING btree ("session_id") WHERE "requests"."session_id" is not null;--> statement-breakpoint
CREATE INDEX "requests_pending" ON "requests" USING btree ("id") WHERE "requests"."status" = 'pending';--> statement-breakpoint
CREATE INDEX "requests_started" ON "requests" USING btree ("started_at");