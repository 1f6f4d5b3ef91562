package sandflare_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

// built builds a template in the local Sandflare to its end.
func built(t *testing.T, opts sandflare.BuildTemplateOptions) (*sandflare.Client, *sandflare.Template, error) {
	t.Helper()
	client, err := sandflare.NewClient()
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	begun, err := client.BuildTemplate(t.Context(), &opts)
	require.NoError(t, err)
	ended, err := client.WaitForBuild(t.Context(), begun.ID, &sandflare.WaitOptions{PollInterval: time.Millisecond})
	return client, ended, err
}

// What a failed build says, it says once.
func TestBuildErrorText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ dockerfile, want string }{
		{"FROM x\nRUN echo earlier\nRUN echo why >&2; echo it failed >&2; exit 3",
			": Step 3/3 : RUN echo why >&2; echo it failed >&2; exit 3 (line 3): exit code 3\n\twhy\n\tit failed"},
		{"FROM x\nRUN echo earlier\nCOPY a /home/user/",
			`: Step 3/3 : COPY a /home/user/ (line 3): "a" is not in the build context: check its name and that it was sent (what lies beside the folder never is)` +
				"\n\tStep 1/3 : FROM x\n\tx is not pulled: the host's own tools and libraries are used\n\tStep 2/3 : RUN echo earlier\n\tearlier"},
	} {
		_, _, err := built(t, sandflare.BuildTemplateOptions{Name: "fails", Dockerfile: c.dockerfile})
		assert.EqualError(t, err, `sandflare: build of template "fails" failed`+c.want)
	}
	for _, c := range []struct {
		problem string
		logs    []string
		want    string
	}{
		{"", nil, ""},
		{"", []string{"make", "", "oh no"}, "\n\tmake\n\toh no"},
		{"exit status 2", []string{"make", "oh no", "exit status 2"}, ": exit status 2\n\tmake\n\toh no"},
		{"RUN false\nexit code 1", []string{"FROM x", "RUN false", "oh no"}, ": RUN false\n\texit code 1\n\toh no"},
		{"e", []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}, ": e\n\t1\n\t2\n\t3\n\t4\n\t5\n\t6\n\t7\n\t8\n\t9\n\t10"},
	} {
		err := &sandflare.BuildError{Template: &sandflare.Template{ID: "t-1", Error: c.problem, Logs: c.logs}}
		assert.EqualError(t, err, `sandflare: build of template "t-1" failed`+c.want)
	}
}

// What is asked for one template is in no list: logs can be long.
func TestListTemplates(t *testing.T) {
	t.Parallel()
	client, ready, err := built(t, sandflare.BuildTemplateOptions{Name: "listed", Description: "d", TeamID: t.Name(), Dockerfile: "FROM x\nRUN echo said"})
	require.NoError(t, err)
	assert.Contains(t, ready.Logs, "said")
	got, err := client.GetTemplate(t.Context(), ready.ID)
	require.NoError(t, err)
	assert.Equal(t, ready, got)
	list, err := client.ListTemplates(t.Context(), &sandflare.ListTemplatesOptions{TeamID: t.Name()})
	require.NoError(t, err)
	ready.Logs = []string{}
	assert.Equal(t, []sandflare.Template{*ready}, list)
	list, err = client.ListTemplates(t.Context(), &sandflare.ListTemplatesOptions{TeamID: "another"})
	require.NoError(t, err)
	assert.Empty(t, list)
	require.NoError(t, client.DeleteTemplate(t.Context(), ready.ID))
	_, err = client.GetTemplate(t.Context(), ready.ID)
	assert.ErrorIs(t, err, sandflare.ErrNotFound)
}

// The files of a context are in the sandboxes made from the template.
func TestBuildWithContext(t *testing.T) {
	t.Parallel()
	server, ctx := sandflaretest.Start(t), t.Context()
	client := server.Client()
	begun, err := client.BuildTemplate(ctx, &sandflare.BuildTemplateOptions{Name: "ctx", Context: fstest.MapFS{
		"Dockerfile":     {Data: []byte("FROM x\nCOPY ../src /home/user/src\nRUN cat /home/user/src/a.txt > /home/user/b.txt")},
		"src/a.txt":      {Data: []byte("sent")},
		"src/secret.txt": {Data: []byte("left out")},
		".dockerignore":  {Data: []byte("**/secret.txt")},
	}})
	require.NoError(t, err)
	ready, err := client.WaitForBuild(ctx, begun.ID, &sandflare.WaitOptions{PollInterval: time.Millisecond})
	require.NoError(t, err)
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{TemplateID: ready.ID})
	require.NoError(t, err)
	assert.Equal(t, "sent\na.txt\n", run(t, sb, "cat b.txt; echo; ls src"))
}
