CREATE TABLE "capabilities" (
	"place" text NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"verdict" text NOT NULL,
	"pinned" boolean DEFAULT false NOT NULL,
	"learned_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone,
	CONSTRAINT "capabilities_place_kind_name_pk" PRIMARY KEY("place","kind","name")
);
