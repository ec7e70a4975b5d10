package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/iancoleman/strcase"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/server/common/config"
	postgresplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql/driver"
)

const (
	mainDatabase       = "temporal"
	visibilityDatabase = "temporal_visibility"

	// The size of each pool. Each of the four services opens both, so that they
	// may take 60 connections together; Postgres allows 100 by default, and the
	// rest of Posthaste needs some too. Idle ones are kept, as the load comes in
	// bursts and a connection is dear.
	mainConns       = 10
	visibilityConns = 5

	// postgresShards can never be changed for a store. Writes to a shard go one by
	// one, so only several shards let commits share a flush; each costs some polling
	// even when idle. Four suit two to four cores.
	postgresShards = 4

	// connLifetime renews connections now and then, so that they follow a failover.
	connLifetime = time.Hour
)

// Postgres keeps the state in the databases "temporal" and "temporal_visibility"
// of the server in a URL like postgres://user:secret@host:5432/app.
// They are created if the role may do so, and their schema is set up or upgraded.
// User, host, TLS and other parameters come from the URL; its own database is
// only used to create the two. Without sslmode, pgx's default ("prefer") holds.
//
// The URL must lead to Postgres itself or to a session pooler: a lock that belongs
// to a connection keeps a second engine away.
func Postgres(url string) Store { return postgresStore{url: url} }

type postgresStore struct{ url string }

// String keeps the password out of logs that print the options.
func (postgresStore) String() string { return "postgres" }

// GoString does the same for %#v.
func (s postgresStore) GoString() string { return s.String() }

func (s postgresStore) open(ctx context.Context, log *slog.Logger) (*database, error) {
	server, err := parsePostgresURL(s.url)
	if err != nil {
		return nil, err
	}
	db, err := server.open(ctx, log)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return db, nil
}

// postgresServer is a Postgres server as its URL describes it.
type postgresServer struct {
	url         *url.URL
	maintenance string // the database to connect to when another is to be created
}

// parsePostgresURL checks a URL. Its errors repeat no part of the URL, since a
// password with a stray slash ends up in the middle of the parser's message.
func parsePostgresURL(raw string) (*postgresServer, error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, errors.New("the Postgres URL does not look like postgres://user:password@host:5432/database; " +
			"special characters in the password must be percent-encoded")
	}
	query := u.Query()
	database := strings.TrimPrefix(u.Path, "/")
	for _, name := range []string{"dbname", "database"} { // both overrule the path
		if query.Has(name) {
			database = query.Get(name)
			query.Del(name)
		}
	}
	if !query.Has("connect_timeout") {
		query.Set("connect_timeout", "10") // seconds; a host that swallows packets would cost minutes
	}
	if !query.Has("application_name") {
		query.Set("application_name", "posthaste-temporal")
	}
	u.RawQuery = query.Encode()
	if _, err := pgconn.ParseConfig(u.String()); err != nil {
		return nil, err // names the parameter at fault, and stars the password out
	}
	return &postgresServer{url: u, maintenance: cmp.Or(database, "postgres")}, nil
}

func (s *postgresServer) open(ctx context.Context, log *slog.Logger) (*database, error) {
	db := &database{
		main:       s.config(mainDatabase, mainConns),
		visibility: s.config(visibilityDatabase, visibilityConns),
		shards:     postgresShards,
	}
	if err := s.ensureDatabase(ctx, mainDatabase); err != nil {
		return nil, err
	}
	// From here on nobody else is at it.
	lock, err := s.lock(ctx, log)
	if err != nil {
		return nil, err
	}
	db.close = lock.release
	if err := s.ensureSchemas(ctx, db, log); err != nil {
		return nil, errors.Join(err, lock.release())
	}
	return db, nil
}

func (s *postgresServer) ensureSchemas(ctx context.Context, db *database, log *slog.Logger) error {
	if err := s.ensureDatabase(ctx, visibilityDatabase); err != nil {
		return err
	}
	if err := ensurePostgresSchema(db.main, "temporal", log); err != nil {
		return err
	}
	return ensurePostgresSchema(db.visibility, "visibility", log)
}

// config describes one database to the server. We open the connections ourselves:
// the server would put a URL of its own together, without the parameters of ours
// and without escaping the user name.
func (s *postgresServer) config(database string, conns int) *config.SQL {
	return &config.SQL{
		PluginName:   postgresplugin.PluginNamePGX,
		DatabaseName: database,
		MaxConns:     conns,
		Connect: func(cfg *config.SQL) (*sqlx.DB, error) {
			db, err := s.connect(cfg.DatabaseName)
			if err != nil {
				return nil, err
			}
			db.SetMaxOpenConns(cfg.MaxConns)
			db.SetMaxIdleConns(cfg.MaxConns)
			db.SetConnMaxLifetime(connLifetime)
			return db, nil
		},
	}
}

// connect opens a pool on a database, as the server's own plugin would: with
// columns found by snake case.
func (s *postgresServer) connect(database string) (*sqlx.DB, error) {
	u := *s.url
	u.Path = "/" + database
	db, err := new(driver.PGXDriver).CreateConnection(u.String())
	if err != nil {
		return nil, err // pgx leaves the password out
	}
	db.MapperFunc(strcase.ToSnake)
	return db, nil
}

// ensureDatabase creates a database unless it can be connected to. It does not
// just try to create it, because a role that may not create databases can still
// use databases that were made for it.
func (s *postgresServer) ensureDatabase(ctx context.Context, name string) error {
	db, err := s.connect(name)
	if err == nil {
		return db.Close()
	}
	if !isPostgresError(err, "3D000") { // does not exist
		return fmt.Errorf("connect to database %s: %w", name, err)
	}
	if db, err = s.connect(s.maintenance); err != nil {
		return fmt.Errorf("connect to database %s: %w", s.maintenance, err)
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, `CREATE DATABASE "`+name+`"`)
	switch {
	case err == nil, isPostgresError(err, "42P04"), isPostgresError(err, "23505"): // someone was faster
		return nil
	case isPostgresError(err, "42501"): // not allowed
		return fmt.Errorf("create database %s (or create it yourself and make this role its owner): %w", name, err)
	default:
		return fmt.Errorf("create database %s: %w", name, err)
	}
}

func isPostgresError(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}
