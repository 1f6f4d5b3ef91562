package local_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// build starts the build of a Dockerfile.
func (a *api) build(name, dockerfile string) wire.Template {
	a.t.Helper()
	var template wire.Template
	a.ok("POST", "/templates/build", wire.BuildTemplate{Name: name, Dockerfile: dockerfile}, &template)
	require.Regexp(a.t, `^tmpl-[a-z0-9]+$`, template.ID)
	return template
}

func (a *api) template(id string) (template wire.Template) {
	a.t.Helper()
	a.ok("GET", "/templates/"+id+"/build-status", nil, &template)
	return template
}

// built waits for the end of a build.
func (a *api) built(id string) wire.Template {
	a.t.Helper()
	var template wire.Template
	require.Eventually(a.t, func() bool {
		template = a.template(id)
		return template.Status == "ready" || template.Status == "failed"
	}, 30*time.Second, 5*time.Millisecond)
	return template
}

// mustBuild builds what must succeed and returns its id.
func (a *api) mustBuild(name, dockerfile string) string {
	a.t.Helper()
	template := a.built(a.build(name, dockerfile).ID)
	require.Equal(a.t, "ready", template.Status, "%s\n%s", template.Error, strings.Join(template.Logs, "\n"))
	return template.ID
}

// logged waits until a build's log has a line.
func (a *api) logged(id, line string) wire.Template {
	a.t.Helper()
	var template wire.Template
	require.Eventually(a.t, func() bool {
		template = a.template(id)
		return strings.Contains("\n"+strings.Join(template.Logs, "\n")+"\n", "\n"+line+"\n")
	}, 30*time.Second, 5*time.Millisecond, line)
	return template
}

func (a *api) from(template string) string {
	a.t.Helper()
	return a.create(map[string]any{"template_id": template})
}

// namespaced skips tests of what only namespaces can do.
func namespaced(t *testing.T) {
	t.Helper()
	if common.Isolation().Tier != guest.Namespace {
		t.Skip("needs namespaces")
	}
}

func TestBuildTemplate(t *testing.T) {
	t.Parallel()
	namespaced(t)
	a := start(t, local.Config{})
	var first wire.Template
	a.ok("POST", "/templates/build", map[string]any{
		"name": "my env", "description": "d", "team_id": "t1",
		"dockerfile": "# syntax\nARG TAG=22.04\nFROM ubuntu:$TAG\nARG WHO=nobody\nENV GREETING=\"hello $WHO\" \\\n    OTHER=x\n" +
			"ENV PATH=/app/bin:$PATH\nWORKDIR /app\nRUN echo out; echo err >&2; echo $WHO > made; pwd >> made\n" +
			"RUN [\"sh\", \"-c\", \"echo json-$GREETING >> made\"]\nRUN <<EOF\necho here >> made\nEOF\nWORKDIR sub\nLABEL a=b\nEXPOSE 80\nCMD [\"x\"]\nENTRYPOINT y",
	}, &first)
	assert.Contains(t, []string{"pending", "building"}, first.Status)
	assert.Equal(t, []string{"my env", "d", "t1", "custom"}, []string{first.Name, first.Description, first.TeamID, first.Provider})
	assert.NotNil(t, first.Logs)
	assert.False(t, first.CreatedAt.IsZero())
	got := a.built(first.ID)
	require.Equal(t, "ready", got.Status, "%s\n%s", got.Error, strings.Join(got.Logs, "\n"))
	assert.Equal(t, []string{got.ID, got.Status, ""}, []string{got.TemplateID, got.BuildStatus, got.Error})
	assert.False(t, got.UpdatedAt.Before(got.CreatedAt.Time))
	assert.Subset(t, got.Logs, []string{
		"Step 1/14 : ARG TAG=22.04", "Step 2/14 : FROM ubuntu:$TAG", "ubuntu:22.04 is not pulled: the host's own tools and libraries are used",
		"Step 7/14 : RUN echo out; echo err >&2; echo $WHO > made; pwd >> made", "out", "err", "Step 14/14 : ENTRYPOINT y",
	})

	sb := a.from(got.ID)
	assert.Equal(t, "nobody\n/app\njson-hello nobody\nhere\n", a.read(sb, "/app/made"))
	assert.Equal(t, "hello nobody,x,,yes\n", a.out(sb, `case $PATH in /app/bin:*/usr/bin*) y=yes;; esac; echo "$GREETING,$OTHER,$WHO,$y"`))
	assert.Equal(t, "/app/sub\n", a.out(sb, "pwd"), "WORKDIR")
	var elsewhere wire.ExecResult
	a.ok("POST", sb+"/exec", map[string]any{"cmd": "pwd", "cwd": "/home/user"}, &elsewhere)
	assert.Equal(t, "/home/user\n", elsewhere.Stdout)
	var info wire.Sandbox
	a.ok("GET", sb, nil, &info)
	assert.Equal(t, got.ID, info.TemplateID)
	over := a.create(map[string]any{"template_id": "my env", "env_vars": map[string]string{"OTHER": "y"}})
	assert.Equal(t, "hello nobody,y\n", a.out(over, `echo "$GREETING,$OTHER"`), "by name; the sandbox's own variables win")
	a.write(sb, "/app/made", "changed")
	assert.Equal(t, "nobody\n", a.out(over, "head -1 /app/made"), "sandboxes do not share files")

	var forks wire.ForkResult
	a.ok("POST", sb+"/fork", map[string]int{"n": 1}, &forks)
	snap := a.snapshot(sb, nil)
	for _, child := range []string{"/sandboxes/" + forks.Forks[0].Name, a.create(map[string]any{"snapshot_id": snap.ID})} {
		assert.Equal(t, "/app/sub hello nobody\n", a.out(child, `echo "$PWD $GREETING"`))
	}

	a.ok("DELETE", "/templates/"+got.ID, nil, nil)
	a.fails(404, "DELETE", "/templates/"+got.ID, nil)
	a.fails(404, "GET", "/templates/"+got.ID+"/build-status", nil)
	a.fails(404, "POST", "/sandboxes", map[string]any{"template_id": got.ID})
	assert.Equal(t, "changed", a.read(sb, "/app/made"), "sandboxes go on")
}

func TestTemplateEnvInCode(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	a := shared(t)
	sb := a.from(a.mustBuild("py", "FROM x\nENV MOOD=good\nRUN echo kept > /home/user/f"))
	var res wire.ExecResult
	a.ok("POST", sb+"/run/python", map[string]any{"code": "import os; print(os.environ['MOOD'], open('f').read().strip())"}, &res)
	assert.Equal(t, "good kept\n", res.Stdout, "%s", res.Stderr)
}

func TestBuildFails(t *testing.T) {
	t.Parallel()
	a := shared(t)
	got := a.built(a.build("fails", "FROM x\nRUN for i in $(seq 50); do echo line $i; done; exit 3\nRUN echo never").ID)
	assert.Equal(t, "failed", got.Status)
	assert.Regexp(t, `^Step 2/3 : RUN for .* \(line 2\): exit code 3\nline 31\n`, got.Error)
	assert.Contains(t, got.Error, "line 50")
	assert.NotContains(t, got.Error, "never")
	log := strings.Join(got.Logs, "\n")
	assert.Contains(t, log, "line 1\n")
	assert.Contains(t, log, "Build failed: Step 2/3")
	assert.NotContains(t, log, "never")
	a.fails(409, "POST", "/sandboxes", map[string]any{"template_id": got.ID})
	a.fails(404, "POST", "/sandboxes", map[string]any{"template_id": "fails"})
	for _, c := range [][2]string{
		{"FROM x\nRUN no-such-program", "exit code 127"},
		{"FROM x\nRUN [\"no-such-program\"]", "exit code 127"},
		{"FROM x\nCOPY a /home/user/", "not in the build context"},
		{"FROM x\nCOPY ../a /home/user/", `Step 2/2 : COPY ../a /home/user/ (line 2): "a" is not in the build context`},
		{"FROM x\nENV A=\nWORKDIR $A", "Step 3/3 : WORKDIR $A (line 3): is empty"},
	} {
		got := a.built(a.build("fails", c[0]).ID)
		assert.Equal(t, "failed", got.Status, c[0])
		assert.Contains(t, got.Error, c[1])
	}
}

func TestBuildRefusals(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	for _, c := range [][2]string{
		{`{"dockerfile":"FROM x"}`, "name"},
		{`{"name":" ","dockerfile":"FROM x"}`, "name"},
		{`{"name":"a\nb","dockerfile":"FROM x"}`, "line breaks"},
		{`{"name":"` + strings.Repeat("n", 256) + `","dockerfile":"FROM x"}`, "255"},
		{`{"name":"n"}`, "dockerfile"},
		{`{"name":"n","dockerfile":"FROM x\nNONSENSE y"}`, "line 2"},
		{`{"name":"n","dockerfile":"RUN x"}`, "line 1"},
		{`{"name":"n","dockerfile":"FROM a AS b\nFROM x"}`, "line 2"},
		{`{"name":"n","dockerfile":"FROM x\nADD https://x.test/a /a"}`, "line 2"},
		{`{"name":"n",`, "JSON"},
		{``, "name"},
	} {
		assert.Contains(t, a.fails(400, "POST", "/templates/build", c[0]), c[1], c[0])
	}
	a.fails(404, "GET", "/templates/tmpl-none/build-status", nil)
	a.fails(404, "DELETE", "/templates/tmpl-none", nil)
	a.fails(404, "POST", "/sandboxes", map[string]any{"template_id": "no-such-template"})
	assert.Empty(t, a.templates(""))
}

func (a *api) templates(query string) (names []string) {
	a.t.Helper()
	var list struct{ Templates []wire.Template }
	a.ok("GET", "/templates"+query, nil, &list)
	require.NotNil(a.t, list.Templates)
	for _, template := range list.Templates {
		names = append(names, template.Name+" "+template.Provider)
	}
	return names
}

func TestListTemplates(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	assert.Empty(t, a.templates(""), "only what was built")
	a.mustBuild("one", "FROM x\nRUN echo 1 > /home/user/f")
	newer := a.mustBuild("one", "FROM x\nRUN echo 2 > /home/user/f")
	var two wire.Template
	a.ok("POST", "/templates/build", wire.BuildTemplate{Name: "two", Dockerfile: "FROM x", TeamID: "t"}, &two)
	assert.Equal(t, []string{"two custom", "one custom", "one custom"}, a.templates(""), "the same name again is a new template")
	assert.Equal(t, []string{"two custom"}, a.templates("?team_id=t"))
	assert.Empty(t, a.templates("?team_id=none"))
	assert.Equal(t, "2\n", a.read(a.from("one"), "f"), "a name means the newest")
	a.ok("DELETE", "/templates/"+newer, nil, nil)
	assert.Equal(t, "1\n", a.read(a.from("one"), "f"))
	var got []string
	for _, request := range a.srv.Requests() {
		if strings.HasPrefix(request.Operation, "template.") && (len(got) == 0 || got[len(got)-1] != request.Operation) {
			got = append(got, request.Operation)
		}
	}
	assert.Equal(t, []string{"template.list", "template.build", "template.status", "template.build", "template.status", "template.build", "template.list", "template.delete"}, got)
}

func TestBuiltInTemplatesArePlain(t *testing.T) {
	t.Parallel()
	a := shared(t)
	for _, id := range []string{"code-interpreter", "sandbox-python", "sandbox-node", "sandbox-full", "coding-agent", "codebox", "ai-agent", "browser-agent", "nextjs", "vite-react"} {
		sb := a.from(id)
		var info wire.Sandbox
		a.ok("GET", sb, nil, &info)
		assert.Equal(t, id, info.TemplateID)
		assert.Equal(t, "home\n", a.out(sb, `[ "$PWD" = "$HOME" ] && echo home`))
		a.ok("DELETE", sb, nil, nil)
	}
}

func TestFromOwnTemplate(t *testing.T) {
	t.Parallel()
	a := shared(t)
	lower := a.mustBuild("lower", "FROM x\nENV A=1 B=2\nWORKDIR /home/user/w\nRUN echo lower > f")
	for _, from := range []string{lower, "lower", "lower:latest"} {
		upper := a.built(a.build("upper", "ARG BASE="+from+"\nFROM $BASE\nENV A=\"$A$B\"\nRUN echo upper $A $B >> f").ID)
		require.Equal(t, "ready", upper.Status, upper.Error)
		assert.Contains(t, strings.Join(upper.Logs, "\n"), "is a template of this local Sandflare")
		sb := a.from(upper.ID)
		assert.Equal(t, "lower\nupper 12 2\n", a.read(sb, "w/f"))
		assert.Equal(t, "12 2 w\n", a.out(sb, `echo "$A $B ${PWD##*/}"`))
	}
	again := a.mustBuild("lower", "FROM lower\nRUN echo again >> f")
	assert.Equal(t, "lower\nagain\n", a.read(a.from(again), "w/f"), "a name of its own means the older one")
	assert.Equal(t, "lower\n", a.read(a.from(lower), "w/f"))
	a.ok("DELETE", "/templates/"+lower, nil, nil)
	assert.Equal(t, "lower\nagain\n", a.read(a.from(again), "w/f"), "it stands by itself")
	failed := a.built(a.build("f", "FROM x\nRUN false").ID)
	upper := a.built(a.build("u", "FROM "+failed.ID).ID)
	assert.Equal(t, "failed", upper.Status)
	assert.Contains(t, upper.Error, "failed to build")
}

// A build sees neither the files nor the processes of sandboxes.
func TestBuildIsIsolated(t *testing.T) {
	t.Parallel()
	namespaced(t)
	a := shared(t)
	other := a.create(nil)
	a.write(other, "/home/user/private", "p")
	a.out(other, "mkdir /data && touch /data/x")
	s := a.stream(other, "echo on; exec sleep 4321")
	require.Equal(t, "stdout on", s.line())
	a.mustBuild("isolated", "FROM x\nRUN ! test -e /home/user/private && ! test -e /data\nRUN ! grep -q '432[1]' /proc/[0-9]*/cmdline\nRUN mkdir /data && touch /data/of-the-build")
	assert.Equal(t, "x\n", a.out(other, "ls /data"))
	_, err := os.Stat("/data/of-the-build")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// listener gives a RUN, which shares the machine's network, something to wait for.
func listener(t *testing.T) (release func(text string), run string) {
	t.Helper()
	needs(t, "bash")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return func(text string) {
		conn, err := l.Accept()
		require.NoError(t, err)
		fmt.Fprintln(conn, text)
		require.NoError(t, conn.Close())
	}, `bash -c 'exec 3<>/dev/tcp/127.0.0.1/` + port + `; read x <&3; echo $x'`
}

func TestBuildLogsAreLive(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	release, wait := listener(t)
	id := a.build("live", "FROM x\nRUN echo before; "+wait+"\nRUN echo last").ID
	got := a.logged(id, "before")
	assert.Equal(t, "building", got.Status)
	assert.NotContains(t, got.Logs, "after")
	a.fails(409, "POST", "/sandboxes", map[string]any{"template_id": id})
	a.fails(404, "POST", "/sandboxes", map[string]any{"template_id": "live"})
	release("after")
	got = a.built(id)
	assert.Equal(t, "ready", got.Status, got.Error)
	assert.Subset(t, got.Logs, []string{"before", "after", "last"})
}

// What a RUN leaves running is gone when the next one begins.
func TestStepEndsItsProcesses(t *testing.T) {
	t.Parallel()
	needs(t, "setsid")
	shared(t).mustBuild("background", "FROM x\nRUN sleep 135792 & setsid -f sleep 135792; (nohup sleep 135792 &)\nRUN ! grep -q 13579[2] /proc/[0-9]*/cmdline")
}

func TestDeleteEndsBuild(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	const endless = "FROM x\nRUN echo on; exec sleep 1000"
	var running []string
	for range 4 {
		id := a.build("endless", endless).ID
		a.logged(id, "on")
		running = append(running, id)
	}
	waiting := [2]string{a.build("waits", endless).ID, a.build("waits", "FROM x").ID}
	assert.Equal(t, "pending", a.template(waiting[0]).Status, "so many at a time")
	a.ok("DELETE", "/templates/"+waiting[0], nil, nil)
	a.ok("DELETE", "/templates/"+running[0], nil, nil)
	assert.Equal(t, "ready", a.built(waiting[1]).Status)
	a.fails(404, "GET", "/templates/"+running[0]+"/build-status", nil)
	assert.Len(t, a.templates(""), 4)
	var list []wire.Sandbox
	a.ok("GET", "/sandboxes", nil, &list)
	assert.Empty(t, list, "a build is no sandbox of the user")
}

func TestBuildTimeout(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	id := a.build("endless", "FROM x\nRUN echo on; exec sleep 1000").ID
	a.logged(id, "on")
	a.srv.Advance(29 * time.Minute)
	assert.Equal(t, "building", a.template(id).Status)
	a.srv.Advance(2 * time.Minute)
	got := a.built(id)
	assert.Equal(t, "failed", got.Status)
	assert.Contains(t, got.Error, "longer than 30m")
}

func TestBuildWithoutNamespaces(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{Isolation: guest.ProcessTier})
	id := a.mustBuild("p", "FROM x\nENV A=1\nRUN echo $A > made\nWORKDIR /home/user/w\nRUN echo in > f\nCOPY <<g /tmp/t/\ntext\ng\nUSER nobody")
	sb := a.from(id)
	assert.Equal(t, "1 in text\n", a.out(sb, "echo $(cat /home/user/made) $(cat f) $(cat /tmp/t/g)"))
	assert.Contains(t, strings.Join(a.template(id).Logs, "\n"), "ignored: only a local Sandflare that runs as root")
	for _, bad := range []string{"WORKDIR /srv/x", "COPY <<g /srv/x/\ng"} {
		got := a.built(a.build("p", "FROM x\n"+bad).ID)
		assert.Equal(t, "failed", got.Status)
		assert.Contains(t, got.Error, "the machine's own")
	}
}

func TestBuildUser(t *testing.T) {
	t.Parallel()
	namespaced(t)
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	needs(t, "setpriv")
	a := shared(t)
	got := a.built(a.build("u", "FROM x\nWORKDIR /w\nRUN touch ids && chmod 666 ids\nUSER 1234:2345\nRUN id -u >> ids && id -g >> ids\nUSER nobody\nRUN id -un >> ids\nUSER no-such-user\nRUN id -u >> ids\nUSER root\nRUN id -u >> ids").ID)
	require.Equal(t, "ready", got.Status, got.Error)
	assert.Contains(t, strings.Join(got.Logs, "\n"), "ignored: ")
	sb := a.from(got.ID)
	assert.Equal(t, "1234\n2345\nnobody\n0\n0\n", a.read(sb, "/w/ids"))
	assert.Equal(t, "0\n", a.out(sb, "id -u"), "sandboxes run as root")
}

// form sends a build with files; their order is kept.
func (a *api) form(dockerfile string, files ...[2]string) *http.Request {
	a.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(a.t, form.WriteField("name", "ctx"))
	require.NoError(a.t, form.WriteField("dockerfile", dockerfile))
	for _, file := range files {
		part, err := form.CreateFormFile(file[0], file[0])
		require.NoError(a.t, err)
		_, err = io.WriteString(part, file[1])
		require.NoError(a.t, err)
	}
	require.NoError(a.t, form.Close())
	req := a.request("POST", "/templates/build", &body)
	req.Header.Set("Content-Type", form.FormDataContentType())
	return req
}

func (a *api) submit(req *http.Request) (template wire.Template) {
	a.t.Helper()
	status, data := a.do(req)
	require.Equal(a.t, 200, status, "%s", data)
	return decoded[wire.Template](a.t, data)
}

func TestBuildFromContext(t *testing.T) {
	t.Parallel()
	namespaced(t)
	needs(t, "tar")
	a := shared(t)
	got := a.built(a.submit(a.form("FROM x\nWORKDIR /app\nCOPY . .\nCOPY --chmod=600 secret.txt name src/main.sh /modes/\nCOPY [\"with space.txt\", \"/odd/\"]\n"+
		"COPY src /copied\nADD a.tar /unpacked\nADD src/main.sh /added\nRUN ./src/main.sh > ran\nCOPY <<text.sh /app/\n#!/bin/sh\ntext.sh\nCOPY --chown=12:34 name /owned",
		[2]string{".dockerignore", "*.log\nout\n!out/keep\n"}, [2]string{"src/main.sh", "#!/bin/sh\necho ran"}, [2]string{"src/deep/er/x", "\x00\xff"},
		[2]string{"elf", "\x7fELF"}, [2]string{"name", "n"}, [2]string{"secret.txt", "s"}, [2]string{"empty", ""}, [2]string{"with space.txt", "w"},
		[2]string{"noise.log", "x"}, [2]string{"out/drop", "x"}, [2]string{"out/keep", "k"}, [2]string{"-rf", "dash"}, [2]string{`q"uo`, "q"},
		[2]string{"a.tar", archive(t)})).ID)
	require.Equal(t, "ready", got.Status, "%s\n%s", got.Error, strings.Join(got.Logs, "\n"))
	sb := a.from(got.ID)
	assert.Equal(t, strings.Join([]string{
		"./-rf 644", "./.dockerignore 644", "./a.tar 644", "./elf 755", "./empty 644", "./name 644", "./out/keep 644", `./q"uo 644`, "./ran 644",
		"./secret.txt 644", "./src/deep/er/x 644", "./src/main.sh 755", "./text.sh 644", "./with space.txt 644", "",
	}, "\n"), a.out(sb, "find . -type f | LC_ALL=C sort | while read f; do echo \"$f $(stat -c %a ./\"$f\")\"; done"))
	assert.Equal(t, "755\n755\n", a.out(sb, "stat -c %a /app/src /app/src/deep"))
	assert.Equal(t, "ran\n", a.read(sb, "/app/ran"))
	assert.Equal(t, "\x00\xff", a.read(sb, "/copied/deep/er/x"))
	assert.Equal(t, "600 600 600\n", a.out(sb, "cd /modes; echo $(stat -c %a secret.txt name main.sh)"))
	assert.Equal(t, "w", a.read(sb, "/odd/with space.txt"))
	assert.Equal(t, "packed", a.read(sb, "/unpacked/in/side"))
	assert.Equal(t, "755\n", a.out(sb, "stat -c %a /added"))
	assert.Equal(t, "#!/bin/sh\n", a.read(sb, "/app/text.sh"))
	if os.Geteuid() == 0 {
		assert.Equal(t, "12:34\n", a.out(sb, "stat -c %u:%g /owned"))
	}
}

func TestContextIsGuarded(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	a := start(t, local.Config{})
	const copyAll = "FROM x\nCOPY . /home/user/all/"
	file := func(name string) [2]string { return [2]string{name, "x"} }
	for _, name := range []string{"../x", "..", ".", "/etc/x", "a/../../x", "a/../b", "a//b", "a/", "./a", "\xff", strings.Repeat("n", 300)} {
		status, data := a.do(a.form(copyAll, file("ok"), file(name)))
		assert.Equal(t, 400, status, "%q: %s", name, data)
		assert.NotContains(t, errorText(t, data), temp)
	}
	for _, name := range []string{"a\x00b", "a\x01b", "\x7f"} {
		status, data := a.do(a.form(copyAll, file(name)))
		assert.Equal(t, 400, status, "%q: %s", name, data)
		assert.Contains(t, errorText(t, data), "may hold no NUL or other control character", "%q", name)
	}
	for _, names := range [][2]string{{"a", "a"}, {"a", "a/b"}, {"a/b", "a"}} {
		status, data := a.do(a.form(copyAll, file(names[0]), file(names[1])))
		assert.Equal(t, 400, status, "%v: %s", names, data)
	}
	status, data := a.do(a.form(copyAll, [2]string{".dockerignore", "a\n[\n"}))
	assert.Equal(t, 400, status)
	assert.Contains(t, errorText(t, data), "line 2")
	status, _ = a.do(a.form("FROM x\n" + strings.Repeat("# long\n", 1<<20)))
	assert.Equal(t, 400, status)

	req := a.form(copyAll, [2]string{"a", strings.Repeat("x", 1000)})
	whole, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	for _, cut := range []int{len(whole) - 4, len(whole) - 200, 300, 10} {
		half := a.request("POST", "/templates/build", bytes.NewReader(whole[:cut]))
		half.Header.Set("Content-Type", req.Header.Get("Content-Type"))
		status, data := a.do(half)
		assert.Equal(t, 400, status, "%d: %s", cut, data)
	}
	nameless := a.request("POST", "/templates/build", bytes.NewReader(bytes.ReplaceAll(whole, []byte(`filename="a"`), []byte(`filename="a`))))
	nameless.Header.Set("Content-Type", req.Header.Get("Content-Type"))
	status, data = a.do(nameless)
	assert.Equal(t, 400, status)
	assert.Contains(t, errorText(t, data), "has no name")
	for _, kind := range []string{"multipart/form-data", "multipart/form-data; boundary=other"} {
		odd := a.request("POST", "/templates/build", bytes.NewReader(whole))
		odd.Header.Set("Content-Type", kind)
		status, _ := a.do(odd)
		assert.Equal(t, 400, status, kind)
	}
	assert.Empty(t, a.templates(""), "nothing of it was built")
	require.Equal(t, "ready", a.built(a.submit(a.form(copyAll, file("ok"))).ID).Status)
	left, err := filepath.Glob(filepath.Join(temp, "sandflare-local-*", "contexts", "*"))
	require.NoError(t, err)
	assert.Empty(t, left, "contexts are removed")
	left, err = filepath.Glob(filepath.Join(temp, "sandflare-local-*", "sandboxes", "*"))
	require.NoError(t, err)
	assert.Empty(t, left, "and so are the sandboxes of builds")
}
