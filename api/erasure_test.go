package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestErasures(t *testing.T) {
	t.Parallel()

	t.Run("of a tenant", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.deliver()
		a := h.do(http.MethodDelete, "/v1/tenants/default", "", "Posthaste-Actor", "Jo")
		got := a.is(http.StatusAccepted)
		require.Equal(t, "Jo", got["by"])
		require.NotContains(t, got, "finished_at")
		require.Equal(t, got, h.get(a.header.Get("Location")).is(http.StatusOK))
		require.Equal(t, got["id"], h.do(http.MethodDelete, "/v1/tenants/default", "").is(http.StatusAccepted)["id"], "it is under way")
		h.do(http.MethodDelete, "/v1/tenants/%20", "").isProblem(http.StatusBadRequest, models.CodeInvalid, "tenant")
	})

	t.Run("of an event, which must have no open delivery unless that is cancelled", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		closed := h.closed(models.DeliveryExhausted)
		open := h.deliver()
		path := "/v1/events/" + open.EventID
		h.do(http.MethodDelete, path, "").isProblem(http.StatusConflict, models.CodeConflict, "")
		h.do(http.MethodDelete, path+"?cancel=yes", "").isProblem(http.StatusBadRequest, models.CodeInvalid, "cancel")
		require.Equal(t, open.EventID, h.do(http.MethodDelete, path+"?cancel=true", "").is(http.StatusAccepted)["event_id"])
		h.do(http.MethodDelete, "/v1/events/"+closed.EventID, "").is(http.StatusAccepted)
		require.Equal(t, []string{"event.erase api: "}, h.audited(closed.EventID)[:1])
	})
}
