package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/temporalio/ui-server/v2/server/api"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/cors"
	"github.com/temporalio/ui-server/v2/server/csrf"
	"github.com/temporalio/ui-server/v2/server/headers"
	"github.com/temporalio/ui-server/v2/server/route"
	"github.com/temporalio/ui-server/v2/ui"

	"github.com/posthaste/posthaste/internal/localhost"
)

// callerType is a header by which the UI marks its requests for the server.
const callerType = "Caller-Type"

// listenUI opens the UI's port, long before there is anything to serve, so that a
// taken one is found out at once. It returns nil for an empty address.
func (e *Engine) listenUI(addr string) (*net.TCPListener, error) {
	if addr == "" {
		return nil, nil
	}
	l, err := listen("UIListen", addr)
	if err != nil {
		return nil, err
	}
	e.onStop("UI listener", func(context.Context) error { return ignoreClosed(l.Close()) })
	return l, nil
}

// serveUI starts the UI on its listener.
func (e *Engine) serveUI(l *net.TCPListener, o Options) error {
	handler, err := uiHandler(e.address, o)
	if err != nil {
		return fmt.Errorf("set up the Web UI: %w", err)
	}
	log := o.Logger.With("component", "temporal-ui")
	server := &http.Server{
		Handler:           localOnly(handler),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("ui.ended", "error", err)
		}
	}()
	e.onStop("Web UI", func(ctx context.Context) error {
		err := stopUI(ctx, server)
		<-done
		return err
	})
	e.uiURL = "http://" + dialable(l.Addr().(*net.TCPAddr))
	return nil
}

// localOnly refuses requests whose Host is not this machine. The UI asks for no
// credentials, and the requests of a web page whose name was made to resolve to this
// machine (DNS rebinding) have the page's own name as Host.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !localhost.Is(r.Host) {
			http.Error(w, "only requests to localhost are answered", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// stopUI gives open requests a moment and then cuts them off.
func stopUI(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, uiStopTimeout)
	defer cancel()
	if server.Shutdown(ctx) == nil {
		return nil
	}
	return server.Close()
}

// uiHandler assembles the Web UI from the ui-server's parts: the same middleware
// and routes in the same order as its own server, which we do not use, because it
// opens its port itself and ends the process when it cannot.
func uiHandler(address string, o Options) (http.Handler, error) {
	cfg, err := config.NewConfigProviderWithRefresh(uiConfig(address, o))
	if err != nil {
		return nil, err
	}
	assets, err := uiAssets(o)
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.Logger.SetOutput(io.Discard) // it would write to standard output
	useMiddleware(e, cfg, o.Logger)
	route.SetHealthRoute(e)
	forward := headers.WithForwardHeaders([]string{callerType})
	if err := route.SetAPIRoutes(e, cfg, []api.Middleware{forward}); err != nil {
		return nil, err
	}
	if err := route.SetUIRoutes(e, "", assets, cfg); err != nil {
		return nil, err
	}
	route.SetRenderRoute(e, "/")
	return e, nil
}

func uiConfig(address string, o Options) *config.Config {
	return &config.Config{
		TemporalGRPCAddress: address,
		EnableUI:            true,
		DefaultNamespace:    o.Namespace,
		// We speak plain HTTP, where a browser drops a cookie marked secure, and
		// without the CSRF cookie no button works.
		CORS: config.CORS{CookieInsecure: true},
		// A tool that runs on one's own machine does not ask the world for news.
		DisableNewsFetch: true,
		HideLogs:         true,
	}
}

func useMiddleware(e *echo.Echo, cfg *config.ConfigProviderWithRefresh, log *slog.Logger) {
	const secureCookie = false // see uiConfig
	e.Use(
		middleware.RecoverWithConfig(middleware.RecoverConfig{
			LogErrorFunc: func(_ echo.Context, err error, stack []byte) error {
				log.Error("ui.panicked", "error", err, "stack", string(stack))
				return err
			},
		}),
		middleware.Gzip(),
		cors.CORSMiddleware(cors.CORSConfig{
			AllowHeaders: []string{
				echo.HeaderOrigin, echo.HeaderContentType, echo.HeaderAccept, echo.HeaderXCSRFToken, callerType,
			},
			AllowCredentials: true,
			ConfigProvider:   cfg,
		}),
		middleware.Secure(),
		csrf.EnsureTokenCookie(secureCookie),
		middleware.CSRFWithConfig(csrf.MiddlewareConfig(cfg, secureCookie)),
	)
}

// uiAssets returns the pages as they are meant for a server of one's own, rather
// than for Temporal's cloud.
func uiAssets(o Options) (fs.FS, error) {
	assets, err := ui.Assets()
	if err != nil {
		return nil, err
	}
	local, err := fs.Sub(assets, "local")
	if err != nil {
		return nil, err
	}
	return withColumns(local, o.Namespace, o.UIColumns)
}

// ignoreClosed takes "closed already" for success.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
