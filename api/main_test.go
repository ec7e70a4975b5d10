package api_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

// asServer has the test program serve the API on the database that it names.
const asServer = "POSTHASTE_TEST_API_ON"

func TestMain(m *testing.M) {
	if url := os.Getenv(asServer); url != "" {
		if err := serveAPI(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m)
}

// serveAPI serves until its standard input ends, and prints its address.
func serveAPI(url string) error {
	keys, err := keyring.Parse(keyring.New())
	if err != nil {
		return err
	}
	s, err := store.Open(context.Background(), store.Options{DatabaseURL: url, Keys: keys})
	if err != nil {
		return err
	}
	if _, err := s.Migrate(context.Background()); err != nil {
		return err
	}
	handler, err := api.New(api.Deps{
		Store: s, Dispatcher: nobody{}, Control: &control{}, Destinations: destinations{}, Engine: &engine{}, APIKey: apiKey,
		Logger: slog.New(slog.DiscardHandler), BodyBudget: testBudget,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); _ = server.Close() }()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return s.Close()
}

// nobody starts no event: they stay in the database.
type nobody struct{}

func (nobody) Wake(...*models.Event) {}

const (
	testBudget = 64 << 20
	mega       = 1 << 20
)
