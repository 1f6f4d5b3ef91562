package sandflare_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
)

func TestFaults_H15_CreateWaitsUntilReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, mock := mocked(t)
		looks := 0
		mock.RegisterResponder("POST", testURL+"/sandboxes", answers(202, `{"name":"sb-1","status":"starting","label":"a"}`))
		mock.RegisterResponder("GET", testURL+"/sandboxes/sb-1", func(r *http.Request) (*http.Response, error) {
			looks++
			status := "starting"
			if looks == 4 {
				status = "running"
			}
			return answers(200, fmt.Sprintf(`{"name":"sb-1","status":%q}`, status))(r)
		})
		start := time.Now()
		sb, err := client.CreateSandbox(t.Context(), nil)
		require.NoError(t, err)
		assert.Equal(t, sandflare.Status("running"), sb.Info().Status)
		assert.Equal(t, 3750*time.Millisecond, time.Since(start), "250 ms, then twice as long each time")
	})
}

func TestCreateThatNeverGetsReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, mock := mocked(t)
		mock.RegisterResponder("POST", testURL+"/sandboxes", answers(200, `{"name":"sb-1","status":"starting"}`))
		mock.RegisterResponder("GET", testURL+"/sandboxes/sb-1", answers(200, `{"name":"sb-1","status":"starting"}`))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		sb, err := client.CreateSandbox(ctx, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Contains(t, err.Error(), "sb-1")
		assert.Equal(t, "sb-1", sb.Name(), "it is there to be deleted")

		mock.RegisterResponder("GET", testURL+"/sandboxes/sb-1", answers(200, `{"name":"sb-1","status":"error"}`))
		sb, err = client.CreateSandbox(t.Context(), nil)
		require.ErrorContains(t, err, "could not start")
		assert.Equal(t, "sb-1", sb.Name())
	})
}

func TestCreateWhoseSandboxIsNotFound(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]string{
		"nothing":        `[]`,
		"filter ignored": `[{"name":"sb-9","metadata":{"sandflare-request-id":"another"}},{"name":"sb-8"}]`,
		"error":          `{"error":"no"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, mock := mocked(t)
				looks := 0
				mock.RegisterResponder("POST", testURL+"/sandboxes", answers(502, ``))
				mock.RegisterResponder("GET", testURL+"/sandboxes", func(r *http.Request) (*http.Response, error) {
					looks++
					assert.Equal(t, `{"sandflare-request-id": "run-7"}`, r.URL.Query().Get("metadata"))
					return answers(200, list)(r)
				})
				start := time.Now()
				_, err := client.CreateSandbox(t.Context(), &sandflare.CreateOptions{Metadata: map[string]string{"sandflare-request-id": "run-7"}})
				require.ErrorIs(t, err, sandflare.ErrOutcomeUnknown)
				assert.Contains(t, err.Error(), "sandflare-request-id=run-7", "to look for it later")
				assert.Equal(t, 4, looks)
				assert.Equal(t, 15*time.Second, time.Since(start))
			})
		})
	}
}

func TestCreateThatAnswersWithoutAName(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterResponder("POST", testURL+"/sandboxes", answers(200, `{"status":"ready"}`))
	mock.RegisterResponder("GET", testURL+"/sandboxes", answers(200, `{"sandboxes":[{"sandbox_id":"sb-7","metadata":{"sandflare-request-id":"run-7"}}]}`))
	sb, err := client.CreateSandbox(t.Context(), &sandflare.CreateOptions{Metadata: map[string]string{"sandflare-request-id": "run-7"}})
	require.NoError(t, err)
	assert.Equal(t, "sb-7", sb.Name())
}

func TestForkThatIsLostNamesTheWayToLook(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterResponder("POST", testURL+"/sandboxes/sb-1/fork", answers(502, ``))
	_, err := client.Sandbox("sb-1").Fork(t.Context(), 2)
	require.ErrorIs(t, err, sandflare.ErrOutcomeUnknown)
	assert.Contains(t, err.Error(), "fork_parent_id=sb-1")
	assert.Equal(t, 1, mock.GetTotalCallCount())

	mock.RegisterResponder("POST", testURL+"/sandboxes/sb-1/fork", answers(200, `{"forks":[{"name":"sb-2"}]}`))
	forks, err := client.Sandbox("sb-1").Fork(t.Context(), 2)
	require.ErrorContains(t, err, "1 forks instead of 2")
	assert.Equal(t, "sb-2", forks[0].Name())
}

func TestSandboxInfo(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterResponder("GET", testURL+"/sandboxes/sb-1", answers(200, `{"name":"sb-1","status":"ready","tier":"small","label":"l",
		"preview_url":"https://3000-sb-1.sandflare.io/","agent_url":"https://agent.test","panel_url":"https://panel.test","public_url":"https://public.test","ip":"10.0.0.1","memory_mb":"1024","vcpus":1,"root_gb":10.0,"template":"t","metadata":{"n":1},
		"ephemeral":true,"ttl_hours":2,"created_at":"2026-01-02T03:04:05.678901","expires_at":"2026-01-02T05:04:05Z","unknown":{}}`))
	sb, err := client.GetSandbox(t.Context(), "sb-1")
	require.NoError(t, err)
	assert.Equal(t, sandflare.SandboxInfo{
		Name: "sb-1", Status: sandflare.StatusReady, Tier: sandflare.SizeSmall, Label: "l", PreviewURL: "https://3000-sb-1.sandflare.io/",
		AgentURL: "https://agent.test", PanelURL: "https://panel.test", PublicURL: "https://public.test", SubdomainURL: "https://sb-1.sandflare.io/", IP: "10.0.0.1", TemplateID: "t", Metadata: map[string]string{"n": "1"}, Ephemeral: true,
		TTL: 2 * time.Hour, MemoryMB: 1024, VCPUs: 1, RootGB: 10,
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC), ExpiresAt: time.Date(2026, 1, 2, 5, 4, 5, 0, time.UTC),
	}, sb.Info())
	assert.Equal(t, "https://8000-sb-1.sandflare.io/", sb.PreviewURL(8000))
	assert.Empty(t, sb.PreviewURL(0))
	assert.Empty(t, sb.PreviewURL(65536))
	assert.Empty(t, client.Sandbox("sb-1").PreviewURL(8000), "nothing is known of a bare handle")
}

func TestWaitForBuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, mock := mocked(t)
		states := []string{"pending", "building", "building", "ready"}
		mock.RegisterResponder("GET", testURL+"/templates/t-1/build-status", func(r *http.Request) (*http.Response, error) {
			state := states[0]
			if len(states) > 1 {
				states = states[1:]
			}
			return answers(200, `{"template_id":"t-1","build_status":"`+state+`","error":null}`)(r)
		})
		start, seen := time.Now(), []sandflare.BuildStatus{}
		template, err := client.WaitForBuild(t.Context(), "t-1", &sandflare.WaitOptions{OnStatus: func(t *sandflare.Template) { seen = append(seen, t.Status) }})
		require.NoError(t, err)
		assert.Equal(t, "t-1", template.ID)
		assert.Equal(t, []sandflare.BuildStatus{"pending", "building", "building", "ready"}, seen)
		assert.Equal(t, 9*time.Second, time.Since(start))

		states = []string{"building"}
		_, err = client.WaitForBuild(t.Context(), "t-1", &sandflare.WaitOptions{Timeout: time.Hour, PollInterval: time.Minute})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Hour+9*time.Second, time.Since(start))

		mock.RegisterResponder("GET", testURL+"/templates/t-1/build-status", answers(200,
			`{"id":"t-1","name":"my-env","status":"failed","error":"Step 2/2 : RUN false\nexit code 1","logs":["Step 1/2 : FROM x","Step 2/2 : RUN false","oh no"]}`))
		template, err = client.WaitForBuild(t.Context(), "t-1", nil)
		var failed *sandflare.BuildError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, template, failed.Template)
		assert.Contains(t, err.Error(), "my-env")
		assert.Contains(t, err.Error(), "RUN false")
		assert.Contains(t, err.Error(), "oh no")
	})
}
