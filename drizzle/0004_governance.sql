CREATE TABLE "audit" (
	"number" bigint PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"actor" text NOT NULL,
	"actor_name" text NOT NULL,
	"action" text NOT NULL,
	"target" text NOT NULL,
	"before" text,
	"after" text,
	"address" text,
	"request_id" text NOT NULL,
	"break_glass" boolean DEFAULT false NOT NULL,
	"hash" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "hours" (
	"hour" timestamp (3) with time zone NOT NULL,
	"day" date NOT NULL,
	"team_id" text NOT NULL,
	"user_id" text NOT NULL,
	"key_id" text NOT NULL,
	"model" text NOT NULL,
	"upstream" text NOT NULL,
	"session_class" text NOT NULL,
	"requests" bigint NOT NULL,
	"failures" bigint NOT NULL,
	"input_tokens" bigint DEFAULT 0 NOT NULL,
	"cache_read_tokens" bigint DEFAULT 0 NOT NULL,
	"cache_write_5m_tokens" bigint DEFAULT 0 NOT NULL,
	"cache_write_1h_tokens" bigint DEFAULT 0 NOT NULL,
	"output_tokens" bigint DEFAULT 0 NOT NULL,
	"web_searches" bigint DEFAULT 0 NOT NULL,
	"cost_nano" bigint NOT NULL,
	"unpriced_requests" bigint DEFAULT 0 NOT NULL,
	"unpriced_tokens" bigint DEFAULT 0 NOT NULL,
	"derived_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "hours_group" PRIMARY KEY("hour","day","team_id","user_id","key_id","model","upstream","session_class")
);
--> statement-breakpoint
CREATE TABLE "quarantine" (
	"id" text PRIMARY KEY NOT NULL,
	"row" text NOT NULL,
	"code" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "budgets" (
	"id" text PRIMARY KEY NOT NULL,
	"scope" text NOT NULL,
	"subject" text NOT NULL,
	"model" text DEFAULT '' NOT NULL,
	"window" text NOT NULL,
	"hours" integer DEFAULT 0 NOT NULL,
	"cap_nano" bigint,
	"rules" jsonb NOT NULL,
	"raise_nano" bigint,
	"raise_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"archived_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "limits" (
	"scope" text NOT NULL,
	"subject" text NOT NULL,
	"requests_per_minute" integer,
	"tokens_per_minute" bigint,
	"concurrent" integer,
	CONSTRAINT "limits_scope_subject_pk" PRIMARY KEY("scope","subject")
);
--> statement-breakpoint
CREATE TABLE "prices" (
	"id" text PRIMARY KEY NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"region_class" text DEFAULT '' NOT NULL,
	"tier" text DEFAULT '' NOT NULL,
	"from" text NOT NULL,
	"rates" jsonb NOT NULL,
	"long" jsonb,
	"source" text NOT NULL,
	"created_by" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"archived_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "channels" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"settings" jsonb NOT NULL,
	"secrets" text,
	"state" text NOT NULL,
	"tested_at" timestamp (3) with time zone,
	"kinds" text[],
	"teams" text[],
	"created_at" timestamp (3) with time zone NOT NULL,
	"archived_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "deliveries" (
	"notice_id" text NOT NULL,
	"channel_id" text NOT NULL,
	"state" text NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_at" timestamp (3) with time zone NOT NULL,
	"problem" text,
	"delivered_at" timestamp (3) with time zone,
	CONSTRAINT "deliveries_notice_id_channel_id_pk" PRIMARY KEY("notice_id","channel_id")
);
--> statement-breakpoint
CREATE TABLE "notices" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"severity" text NOT NULL,
	"subject" text NOT NULL,
	"team_id" text,
	"sentence" text NOT NULL,
	"detail" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "notices_subject_unique" UNIQUE("subject")
);
--> statement-breakpoint
CREATE TABLE "memberships" (
	"team_id" text NOT NULL,
	"user_id" text NOT NULL,
	"role" text DEFAULT 'member' NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "memberships_team_id_user_id_pk" PRIMARY KEY("team_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "teams" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"models" text[],
	"denied_models" text[],
	"requests_per_minute" integer,
	"tokens_per_minute" bigint,
	"concurrent" integer,
	"created_at" timestamp (3) with time zone NOT NULL,
	"archived_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"hint" text NOT NULL,
	"read_only" boolean DEFAULT false NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "tokens_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" text PRIMARY KEY NOT NULL,
	"subject" text,
	"email" text,
	"name" text NOT NULL,
	"role" text DEFAULT 'member' NOT NULL,
	"requests_per_minute" integer,
	"tokens_per_minute" bigint,
	"concurrent" integer,
	"created_at" timestamp (3) with time zone NOT NULL,
	"deactivated_at" timestamp (3) with time zone,
	"archived_at" timestamp (3) with time zone,
	CONSTRAINT "users_subject_unique" UNIQUE("subject")
);
--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "user_id" text;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "team_id" text;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "previous_hash" text;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "previous_hint" text;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "previous_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "denied_models" text[];--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "concurrent" integer;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "addresses" text[];--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "created_by" text;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "expires_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "last_used_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "user_id" text;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "team_id" text;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "region_class" text;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "service_tier" text;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "fee_nano" bigint;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "budget_id" text;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "budget_action" text;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "day" date;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "written_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
CREATE INDEX "audit_target" ON "audit" USING btree ("target","number");--> statement-breakpoint
CREATE INDEX "audit_actor" ON "audit" USING btree ("actor","number");--> statement-breakpoint
CREATE INDEX "hours_day" ON "hours" USING btree ("day");--> statement-breakpoint
CREATE INDEX "hours_team" ON "hours" USING btree ("team_id","day");--> statement-breakpoint
CREATE INDEX "hours_user" ON "hours" USING btree ("user_id","day");--> statement-breakpoint
CREATE INDEX "hours_key" ON "hours" USING btree ("key_id","day");--> statement-breakpoint
CREATE UNIQUE INDEX "budgets_subject" ON "budgets" USING btree ("scope","subject","model","window","hours") WHERE "budgets"."archived_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "prices_day" ON "prices" USING btree ("provider","model","region_class","tier","from","id");--> statement-breakpoint
CREATE INDEX "deliveries_waiting" ON "deliveries" USING btree ("next_at") WHERE "deliveries"."state" = 'waiting';--> statement-breakpoint
CREATE INDEX "notices_created" ON "notices" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "memberships_user" ON "memberships" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "teams_name" ON "teams" USING btree (lower("name")) WHERE "teams"."archived_at" is null;--> statement-breakpoint
CREATE INDEX "tokens_user" ON "tokens" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email" ON "users" USING btree ("email") WHERE "users"."archived_at" is null;--> statement-breakpoint
CREATE INDEX "keys_user" ON "keys" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "keys_team" ON "keys" USING btree ("team_id");--> statement-breakpoint
CREATE INDEX "requests_user" ON "requests" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "requests_team" ON "requests" USING btree ("team_id","id");--> statement-breakpoint
CREATE INDEX "requests_unpriced" ON "requests" USING btree ("started_at") WHERE "requests"."cost_nano" is null;--> statement-breakpoint
CREATE INDEX "requests_written" ON "requests" USING btree ("written_at");--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "keys_previous_hash_unique" UNIQUE("previous_hash");--> statement-breakpoint
-- What was done stays written, whoever asks: rows of the audit log are added and nothing else.
CREATE FUNCTION "refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME; END $$;
--> statement-breakpoint
CREATE TRIGGER "audit_append_only" BEFORE UPDATE OR DELETE ON "audit" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();
--> statement-breakpoint
CREATE TRIGGER "audit_not_emptied" BEFORE TRUNCATE ON "audit" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
