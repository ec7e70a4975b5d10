package engine

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/tools/common/schema"
	toolsql "go.temporal.io/server/tools/sql"
)

// ensurePostgresSchema brings one of the two databases to this build's version,
// with the scripts that are embedded in the server. They can be repeated, so the
// next process completes the work of one that was killed. A database that
// is ahead of this build is left alone; the server decides whether it can use it.
func ensurePostgresSchema(cfg *config.SQL, name string, log *slog.Logger) error {
	to := newLogger(log, slog.LevelWarn, new(transition))
	conn, err := toolsql.NewConnection(cfg, to)
	if err != nil {
		return fmt.Errorf("connect to database %s: %w", cfg.DatabaseName, err)
	}
	defer conn.Close()
	if err := ensureVersionTable(conn, to); err != nil {
		return fmt.Errorf("set up the schema of %s: %w", cfg.DatabaseName, err)
	}
	update := &schema.UpdateConfig{SchemaName: "postgresql/v12/" + name}
	if err := schema.NewUpdateSchemaTask(conn, update, to).Run(); err != nil {
		return fmt.Errorf("update the schema of %s: %w", cfg.DatabaseName, err)
	}
	if name != "visibility" {
		return nil
	}
	if err := conn.Exec(dropIndexes); err != nil { // for example because the role does not own the table
		log.Warn("engine.unused_indexes_kept", "error", err,
			"hint", "Temporal's visibility database is slower with them; its owner may drop them")
	}
	return nil
}

// dropIndexes drops the indexes on workflows that no query of ours uses.
var dropIndexes = fmt.Sprintf(`DO $$ DECLARE unused text; BEGIN
	FOR unused IN SELECT indexname FROM pg_indexes
		WHERE schemaname = current_schema() AND tablename = 'executions_visibility' AND indexname LIKE 'by\_%%'
		AND indexname NOT IN ('%s')
	LOOP EXECUTE format('DROP INDEX %%I', unused); END LOOP;
END $$`, strings.Join(usedIndexes, "', '"))

// ensureVersionTable prepares a new database for updates, from version 0.0. It
// must not touch a database that has a version: all updates would run again.
func ensureVersionTable(conn *toolsql.Connection, to logger) error {
	tables, err := conn.ListTables()
	if err != nil {
		return err
	}
	if slices.Contains(tables, "schema_version") {
		_, err := conn.ReadSchemaVersion()
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return schema.NewSetupSchemaTask(conn, &schema.SetupConfig{InitialVersion: "0.0"}, to).Run()
}
