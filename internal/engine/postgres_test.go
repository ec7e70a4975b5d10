package engine

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/pgtest"
)

// TestPostgres runs its parts one after the other: an engine's databases have
// fixed names, so the shared server of the test process has room for one.
func TestPostgres(t *testing.T) { //nolint:tparallel // its parts share one server, see above
	t.Parallel()
	raw := pgtest.URL(t)
	t.Cleanup(func() { dropDatabases(t, raw) })
	log := &logBook{}
	o := options(Postgres(raw), log)

	t.Run("sets itself up on an empty server and runs a workflow", func(t *testing.T) {
		c := dial(t, start(t, o))
		work(t, c)
		runGreet(t, c, "before")
	})

	t.Run("knows the workflow after a restart, and has four shards", func(t *testing.T) {
		c := dial(t, start(t, o))
		work(t, c)
		var greeting string
		require.NoError(t, c.GetWorkflow(t.Context(), "before", "").Get(t.Context(), &greeting))
		require.Equal(t, "hello, you", greeting)
		require.Equal(t, "4", lookUp(t, raw, mainDatabase, `SELECT count(*) FROM shards`))
		runGreet(t, c, "after")
	})

	t.Run("refuses a second engine, until the first has stopped", func(t *testing.T) {
		first := start(t, o)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		waiting := &logBook{}
		_, err := Start(ctx, options(Postgres(raw), waiting))
		require.ErrorIs(t, err, ErrInUse)
		require.Contains(t, waiting.String(), "engine.waiting_for_lock")
		stop(t, first)
		start(t, o)
	})

	t.Run("finishes a set-up that was cut short", func(t *testing.T) {
		execute(t, raw, visibilityDatabase, `TRUNCATE schema_version`)
		server, err := parsePostgresURL(raw)
		require.NoError(t, err)
		noise := &logBook{} // it warns of every table that is there already
		require.NoError(t, ensurePostgresSchema(server.config(visibilityDatabase, 1), "visibility", noise.logger()))
		require.Equal(t, "1", lookUp(t, raw, visibilityDatabase, `SELECT count(*) FROM schema_version`))
		start(t, o)
	})

	t.Run("uses databases that were made for a role that cannot make any", func(t *testing.T) {
		execute(t, raw, "postgres", `CREATE ROLE "web@hooks" LOGIN PASSWORD 'a b+c/d%40'`)
		execute(t, raw, "postgres", `ALTER DATABASE temporal OWNER TO "web@hooks"`)
		execute(t, raw, mainDatabase, `GRANT ALL ON ALL TABLES IN SCHEMA public TO "web@hooks"`)
		execute(t, raw, visibilityDatabase, `GRANT ALL ON ALL TABLES IN SCHEMA public TO "web@hooks"`)
		limited := o
		limited.Store = Postgres(withUser(t, raw, "web@hooks", "a b+c/d%40"))
		start(t, limited)
	})

	require.Empty(t, log.String(), "a healthy engine is quiet")
}

func TestPostgresErrors(t *testing.T) {
	t.Parallel()
	raw := pgtest.URL(t)
	const secret = "s3cr3t-that-must-not-show"

	for _, c := range []struct{ name, url, want string }{
		{"a wrong password", withUser(t, raw, "postgres", secret), "password authentication failed"},
		{"a server that is not there", withUser(t, "postgres://x@127.0.0.1:1/app", "x", secret), "connection refused"},
		{"an unknown parameter value", withUser(t, "postgres://x@127.0.0.1:1/app?sslmode=perhaps", "x", secret), "sslmode"},
		{"a password that breaks the URL", "postgres://x:" + secret + "/@host:5432/app", "percent-encoded"},
		{"another kind of URL", "mysql://x:" + secret + "@host/app", "percent-encoded"},
		{"no URL at all", "host=x password=" + secret, "percent-encoded"},
	} {
		t.Run(c.name+" is said without the password", func(t *testing.T) {
			t.Parallel()
			log := &logBook{}
			o := options(Postgres(c.url), log)
			_, err := Start(t.Context(), o)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error()+log.String(), secret)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", o, o, o.Store, o.Store), secret)
		})
	}
}

func withUser(t *testing.T, raw, user, password string) string {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	u.User = url.UserPassword(user, password)
	return u.String()
}

// dropDatabases leaves the shared server as it was.
func dropDatabases(t *testing.T, raw string) {
	t.Helper()
	execute(t, raw, "postgres", `DROP DATABASE temporal WITH (FORCE)`)
	execute(t, raw, "postgres", `DROP DATABASE temporal_visibility WITH (FORCE)`)
}

func execute(t *testing.T, raw, database, statement string) {
	t.Helper()
	_, err := connectForTest(t, raw, database).Exec(statement)
	require.NoError(t, err)
}

func lookUp(t *testing.T, raw, database, statement string) string {
	t.Helper()
	var v string
	require.NoError(t, connectForTest(t, raw, database).Get(&v, statement))
	return v
}

func connectForTest(t *testing.T, raw, database string) *sqlx.DB {
	t.Helper()
	server, err := parsePostgresURL(raw)
	require.NoError(t, err)
	db, err := server.connect(database)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
