# appconfig_fdw: AWS AppConfig experiments as foreign tables

MODULE_big = appconfig_fdw
OBJS = \
	src/appconfig_fdw.o \
	src/fdw_options.o \
	src/fdw_guard.o \
	src/fdw_columns.o \
	src/fdw_plan.o \
	src/fdw_scan.o \
	src/fdw_explain.o \
	src/fdw_import.o \
	src/tables.o \
	src/predicate.o \
	src/list_filter.o \
	src/fallible.o \
	src/estimate.o \
	src/keyset.o \
	src/operand.o \
	src/encoding.o \
	src/scan_plan.o \
	src/request.o \
	src/statement.o \
	src/plan_reading.o \
	src/connection.o \
	src/route.o \
	src/permissions.o \
	src/answer_keys.o \
	src/applications.o \
	src/cursor.o \
	src/certain_calls.o \
	src/side_lookup.o \
	src/expand.o \
	src/walk.o \
	src/item.o \
	src/memo.o \
	src/snapshot.o \
	src/transaction.o \
	src/spill.o \
	src/row.o \
	src/session.o \
	src/target_table.o \
	src/cache.o \
	src/shared_copies.o \
	src/shared_cache.o \
	src/stats.o \
	src/shared_stats.o \
	src/shared_memory.o \
	src/whoami.o \
	src/api.o \
	src/budget.o \
	src/service_endpoint.o \
	src/call_log.o \
	src/aws_credentials.o \
	src/credential_answer.o \
	src/credential_provider.o \
	src/credential_refresh.o \
	src/aws_endpoint.o \
	src/aws_error.o \
	src/aws_sigv4.o \
	src/aws_profile.o \
	src/aws_settings.o \
	src/credential_plan.o \
	src/credential_source.o \
	src/iso8601.o \
	src/host_file.o \
	src/address.o \
	src/http.o \
	src/http_field.o \
	src/http_memory.o \
	src/http_message.o \
	src/http_transfer.o \
	src/socket.o \
	src/watch.o \
	src/xml.o \
	src/json.o \
	src/limiter.o \
	src/pacer.o \
	src/retry.o \
	src/secret.o \
	src/treatment_key.o \
	src/uri.o
SHLIB_EXPORTS = src/exports.txt

EXTENSION = appconfig_fdw
DATA = sql/appconfig_fdw--1.0.sql

REGRESS = options guard import treatment_key runs treatments tables names list_filter explain joins region errors \
	absence retry concurrency budget lists
# each test talks to an emulator of its own
REGRESS_OPTS = --launcher=$(srcdir)/test/with_emulator.sh

# the one place that has the version is the control file
EXTENSION_VERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(srcdir)/$(EXTENSION).control)

PG_CONFIG ?= pg_config
PKG_CONFIG ?= pkg-config
LIBRARIES = libcurl libssl libcrypto

# -isystem: -Wextra is for our code, not for PostgreSQL's headers
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server) \
	$(shell $(PKG_CONFIG) --cflags $(LIBRARIES)) -DAPPCONFIG_FDW_VERSION='"$(EXTENSION_VERSION)"'
PG_CFLAGS = -Wall -Wextra $(WERROR)
SHLIB_LINK = $(shell $(PKG_CONFIG) --libs $(LIBRARIES))

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS does not follow includes: a changed header rebuilds everything
$(OBJS) $(OBJS:.o=.bc): $(wildcard $(srcdir)/src/*.h) $(srcdir)/$(EXTENSION).control

indent:
	$(srcdir)/script/indent

.PHONY: indent
