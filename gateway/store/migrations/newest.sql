BEGIN TRANSACTION;
CREATE TABLE account_quarter (
	account TEXT NOT NULL,
	quarter_unix_seconds BIGINT NOT NULL,
	requests BIGINT NOT NULL,
	tokens BIGINT NOT NULL,
	cost_nano_usd BIGINT NOT NULL,
	CONSTRAINT pk_account_quarter PRIMARY KEY (account, quarter_unix_seconds)
)
 WITHOUT ROWID
;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0013');
CREATE TABLE audit_body (
	lane VARCHAR(26) NOT NULL,
	seq BIGINT NOT NULL,
	exchange_id VARCHAR(29) NOT NULL,
	kind VARCHAR(16) NOT NULL,
	time_unix_us BIGINT NOT NULL,
	team TEXT,
	subject TEXT,
	model TEXT,
	outcome TEXT,
	cost_nano_usd BIGINT,
	total_tokens BIGINT,
	body TEXT NOT NULL, response_id TEXT,
	CONSTRAINT pk_audit_body PRIMARY KEY (lane, seq)
);
CREATE TABLE audit_cursor (
	sink VARCHAR(64) NOT NULL,
	lane VARCHAR(26) NOT NULL,
	seq BIGINT NOT NULL,
	CONSTRAINT pk_audit_cursor PRIMARY KEY (sink, lane)
);
CREATE TABLE audit_lane (
	lane VARCHAR(26) NOT NULL,
	opened_unix_us BIGINT NOT NULL,
	settled_seq BIGINT NOT NULL, purpose VARCHAR(16), beat BIGINT, recovered_seq BIGINT,
	CONSTRAINT pk_audit_lane PRIMARY KEY (lane)
);
CREATE TABLE audit_leaf (
	lane VARCHAR(26) NOT NULL,
	seq BIGINT NOT NULL,
	record_id VARCHAR(32) NOT NULL,
	record_hash BLOB NOT NULL,
	prev_hash BLOB NOT NULL,
	time_unix_us BIGINT NOT NULL,
	CONSTRAINT pk_audit_leaf PRIMARY KEY (lane, seq)
)
 WITHOUT ROWID
;
CREATE TABLE break_glass (
	id VARCHAR(16) NOT NULL,
	reason TEXT NOT NULL,
	lifts TEXT NOT NULL,
	scope TEXT NOT NULL,
	for_seconds BIGINT NOT NULL,
	proposed_unix_us BIGINT NOT NULL,
	proposed_by TEXT NOT NULL,
	approved_by TEXT,
	opened_unix_us BIGINT,
	until_unix_us BIGINT,
	closed_unix_us BIGINT,
	closed_by TEXT,
	ended_unix_us BIGINT,
	CONSTRAINT pk_break_glass PRIMARY KEY (id)
);
CREATE TABLE configuration_order (
	number BIGINT NOT NULL,
	digest VARCHAR(64),
	reason TEXT NOT NULL,
	actor_kind VARCHAR(16) NOT NULL,
	actor_name TEXT,
	asked_unix_us BIGINT NOT NULL,
	state VARCHAR(16) NOT NULL,
	answer TEXT, actor_credential_id TEXT,
	CONSTRAINT pk_configuration_order PRIMARY KEY (number)
);
CREATE TABLE configuration_proposal (
	id VARCHAR(16) NOT NULL,
	digest VARCHAR(64) NOT NULL,
	base VARCHAR(64) NOT NULL,
	source TEXT,
	files BLOB NOT NULL,
	needs BIGINT NOT NULL,
	is_of_files BOOLEAN NOT NULL,
	proposed_unix_us BIGINT NOT NULL,
	backers TEXT NOT NULL,
	ended_as VARCHAR(16),
	ended_by TEXT,
	end_reason TEXT,
	CONSTRAINT pk_configuration_proposal PRIMARY KEY (id)
);
CREATE TABLE configuration_state (
	id BIGINT NOT NULL,
	digest VARCHAR(64),
	origin VARCHAR(16),
	refused VARCHAR(64), approvers BIGINT DEFAULT 1 NOT NULL,
	CONSTRAINT pk_configuration_state PRIMARY KEY (id)
);
INSERT INTO "configuration_state" VALUES(1,NULL,NULL,NULL,1);
CREATE TABLE configuration_version (
	digest VARCHAR(64) NOT NULL,
	first_unix_us BIGINT NOT NULL,
	last_unix_us BIGINT NOT NULL,
	source TEXT,
	file_count BIGINT NOT NULL,
	size_bytes BIGINT NOT NULL,
	files BLOB NOT NULL,
	changes TEXT NOT NULL,
	CONSTRAINT pk_configuration_version PRIMARY KEY (digest)
);
CREATE TABLE installation (
	id BIGINT NOT NULL,
	pepper_check BLOB NOT NULL,
	CONSTRAINT pk_installation PRIMARY KEY (id)
);
CREATE TABLE key_revision (
	id BIGINT NOT NULL,
	revision BIGINT NOT NULL,
	CONSTRAINT pk_key_revision PRIMARY KEY (id)
);
INSERT INTO "key_revision" VALUES(1,0);
CREATE TABLE session (
	id VARCHAR(16) NOT NULL,
	issuer TEXT NOT NULL,
	provider_sub TEXT NOT NULL,
	provider_subject TEXT NOT NULL,
	provider_session TEXT,
	subject TEXT NOT NULL,
	groups TEXT NOT NULL,
	team TEXT,
	machine TEXT NOT NULL,
	created_unix_us BIGINT NOT NULL,
	expires_unix_us BIGINT NOT NULL,
	checked_unix_us BIGINT NOT NULL,
	claimed_unix_us BIGINT,
	provider_secret BLOB,
	ended_unix_us BIGINT,
	ended_reason VARCHAR(32),
	changed_revision BIGINT,
	CONSTRAINT pk_session PRIMARY KEY (id)
);
CREATE TABLE session_token (
	digest BLOB NOT NULL,
	session_id VARCHAR(16) NOT NULL,
	kind VARCHAR(8) NOT NULL,
	expires_unix_us BIGINT NOT NULL,
	successor BLOB,
	replaced_unix_us BIGINT,
	CONSTRAINT pk_session_token PRIMARY KEY (digest)
);
CREATE TABLE sign_in (
	device_digest BLOB NOT NULL,
	user_digest BLOB NOT NULL,
	state_digest BLOB,
	browser_digest BLOB,
	machine TEXT NOT NULL,
	address TEXT,
	team TEXT,
	created_unix_us BIGINT NOT NULL,
	expires_unix_us BIGINT NOT NULL,
	polled_unix_us BIGINT,
	interval_seconds BIGINT NOT NULL,
	state VARCHAR(16) NOT NULL,
	session_id VARCHAR(16),
	CONSTRAINT pk_sign_in PRIMARY KEY (device_digest),
	CONSTRAINT uq_sign_in_user_digest UNIQUE (user_digest),
	CONSTRAINT uq_sign_in_state_digest UNIQUE (state_digest)
);
CREATE TABLE subject (
	subject TEXT NOT NULL,
	is_service BOOLEAN NOT NULL,
	roles TEXT NOT NULL,
	blocked_unix_us BIGINT,
	changed_revision BIGINT NOT NULL,
	CONSTRAINT pk_subject_standing PRIMARY KEY (subject, is_service)
);
CREATE TABLE usage_hour (
	hour_unix_seconds BIGINT NOT NULL,
	team TEXT NOT NULL,
	subject TEXT NOT NULL,
	is_service BOOLEAN NOT NULL,
	model TEXT NOT NULL,
	assistant TEXT NOT NULL,
	target TEXT NOT NULL,
	requests BIGINT NOT NULL,
	denied BIGINT NOT NULL,
	failed BIGINT NOT NULL,
	unpriced BIGINT NOT NULL,
	input_tokens BIGINT NOT NULL,
	cache_read_tokens BIGINT NOT NULL,
	cache_write_tokens BIGINT NOT NULL,
	output_tokens BIGINT NOT NULL,
	cost_nano_usd BIGINT NOT NULL,
	CONSTRAINT pk_usage_hour PRIMARY KEY (hour_unix_seconds, team, subject, is_service, model, assistant, target)
)
 WITHOUT ROWID
;
CREATE TABLE virtual_key (
	id VARCHAR(16) NOT NULL,
	digest BLOB NOT NULL,
	last_four VARCHAR(4) NOT NULL,
	team TEXT NOT NULL,
	subject TEXT NOT NULL,
	roles TEXT NOT NULL,
	created_unix_us BIGINT NOT NULL,
	expires_unix_us BIGINT,
	revoked_unix_us BIGINT,
	changed_revision BIGINT NOT NULL, models TEXT, networks TEXT, is_service BOOLEAN DEFAULT 0 NOT NULL, successor_id VARCHAR(16), lapsed_unix_us BIGINT,
	CONSTRAINT pk_virtual_key PRIMARY KEY (id),
	CONSTRAINT uq_virtual_key_digest UNIQUE (digest)
);
CREATE INDEX ix_audit_body_exchange_id ON audit_body (exchange_id);
CREATE INDEX ix_audit_body_time_unix_us ON audit_body (time_unix_us);
CREATE INDEX ix_audit_body_team_time_unix_us ON audit_body (team, time_unix_us) WHERE team IS NOT NULL;
CREATE INDEX ix_audit_body_subject_time_unix_us ON audit_body (subject, time_unix_us) WHERE subject IS NOT NULL;
CREATE INDEX ix_virtual_key_changed_revision ON virtual_key (changed_revision);
CREATE TRIGGER audit_leaf_refuses_update BEFORE UPDATE ON audit_leaf BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER audit_leaf_refuses_delete BEFORE DELETE ON audit_leaf BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER audit_body_refuses_update BEFORE UPDATE ON audit_body BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER audit_body_refuses_delete BEFORE DELETE ON audit_body BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE INDEX ix_audit_body_response_id ON audit_body (response_id) WHERE response_id IS NOT NULL;
CREATE INDEX ix_usage_hour_subject_is_service_team ON usage_hour (subject, is_service, team);
CREATE INDEX ix_configuration_version_last_unix_us ON configuration_version (last_unix_us);
CREATE INDEX ix_subject_changed_revision ON subject (changed_revision);
CREATE INDEX ix_session_changed_revision ON session (changed_revision);
CREATE INDEX ix_session_subject ON session (subject);
CREATE INDEX ix_session_provider_sub ON session (provider_sub);
CREATE INDEX ix_session_provider_session ON session (provider_session);
CREATE INDEX ix_session_token_session_id ON session_token (session_id);
CREATE INDEX ix_sign_in_expires_unix_us ON sign_in (expires_unix_us);
COMMIT;
