package store

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

const (
	// postgresConns keeps five processes below the 100 connections that Postgres allows by default.
	postgresConns = 16

	// postgresConnLifetime lets a process find its way to a new primary behind the same name.
	postgresConnLifetime = 30 * time.Minute

	// postgresLanes are the commits of each kind of shared writes that are under way at a time, at most.
	postgresLanes = 3

	postgresConnectTimeout = 10 * time.Second

	// postgresPingTimeout is for a connection to show that it is alive. Two that are not are tried before a new one is
	// made, which has to leave time for the transaction that waits.
	postgresPingTimeout = 2 * time.Second
)

// postgresKeepAlive has the connections that died without a word be known as such after half a minute, not after some.
var postgresKeepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

func (s *Store) openPostgres(ctx context.Context, url string) error {
	config, err := parsePostgres(url)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*config, stdlib.OptionShouldPing(pingIdle))
	db.SetMaxOpenConns(postgresConns)
	db.SetMaxIdleConns(postgresConns) // closing and opening again costs more than keeping
	db.SetConnMaxLifetime(postgresConnLifetime)
	pool, err := gorm.Open(postgres.New(postgres.Config{Conn: db}), gormConfig())
	if err != nil {
		return errors.Join(err, db.Close())
	}
	s.read, s.write, s.dialect = pool, pool, goose.DialectPostgres
	return ping(ctx, pool)
}

// parsePostgres reads the URL without ever repeating a part of it: the wrong part may well be the password.
func parsePostgres(url string) (*pgx.ConnConfig, error) {
	_, rest, _ := strings.Cut(url, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 && strings.Contains(rest[end:], "@") {
		// Half of a password would pass for the host, and be shown when that does not answer.
		return nil, errors.New("the database URL has an @ after its host: " +
			"in a password, / ? # and @ must be written as %2F %3F %23 and %40")
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database URL is not one that Postgres understands; " +
			"its form is postgres://user:password@host:5432/database?sslmode=require")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = postgresConnectTimeout
	}
	config.DialFunc = (&net.Dialer{KeepAliveConfig: postgresKeepAlive}).DialContext // ConnectTimeout bounds it
	return config, nil
}

// pingIdle pings a connection that was not used for a second, as the driver would, but with a deadline of its own: the caller
// may wait without one. A connection that does not answer is closed, so the driver's own ping fails at once.
func pingIdle(ctx context.Context, p stdlib.ShouldPingParams) bool {
	if p.IdleDuration <= time.Second {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, postgresPingTimeout)
	defer cancel()
	return p.Conn.Ping(ctx) != nil
}
