package sandflare_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
)

// A liar is a sandbox that reports and sends what a test says.
type liar struct {
	list   string // what the script that lists a folder prints
	tar    []byte
	before func() // a file is sent
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch {
	case r.Method == "GET":
		if l.before != nil {
			l.before()
		}
		w.Write(l.tar)
	case strings.HasSuffix(r.URL.Path, "/exec") && bytes.Contains(body, []byte("tar --version")):
		json.NewEncoder(w).Encode(map[string]any{"stdout": l.list, "exit_code": 0})
	default:
		io.WriteString(w, `{"exit_code": 0}`)
	}
}

// listed is what the script prints for records such as "f 644 5 name" or "l 777 0 name -> where".
func listed(records ...string) string {
	var list strings.Builder
	for _, r := range records {
		r, link, _ := strings.Cut(r, " -> ")
		f := strings.SplitN(r, " ", 4)
		fmt.Fprintf(&list, "%s\t%s\t%s\t1600000000.5000000000\t%s\x00%s\x00", f[0], f[1], f[2], f[3], link)
	}
	return "pax\nfine\n" + zipped(list.String())
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes()) + "\n"
}

// tarred is a tar of headers; a file's content is its name, repeated up to its size.
func tarred(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		h.Mode = 0o644
		require.NoError(t, w.WriteHeader(&h))
		if h.Size > 0 {
			io.WriteString(w, strings.Repeat(h.Name, int(h.Size))[:h.Size])
		}
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// downloaded syncs what a liar sends into a folder "to" beside a folder "outside", and tells what is in both.
func downloaded(t *testing.T, l *liar, parent string) (map[string]string, error) {
	t.Helper()
	server := httptest.NewServer(l)
	defer server.Close()
	grow(t, parent, map[string]string{"outside/safe": "safe", "to/kept": "kept"})
	_, err := at(t, server.URL).Sandbox("sb-1").DownloadDir(t.Context(), "x", filepath.Join(parent, "to"), &sandflare.SyncOptions{Delete: true, Exclude: []string{"kept"}})
	seen := map[string]string{}
	for name := range look(t, parent) {
		if name != "to" && name != "outside" {
			seen[name] = ""
		}
	}
	data, failed := os.ReadFile(filepath.Join(parent, "outside", "safe"))
	require.NoError(t, failed)
	assert.Equal(t, "safe", string(data))
	return seen, err
}

var untouched = map[string]string{"outside/safe": "", "to/kept": ""}

// The test server is believed when it is honest: else the tests below would prove nothing.
func TestSyncTakesHonestAnswers(t *testing.T) {
	t.Parallel()
	l := &liar{list: listed("d 755 0 d", "f 644 3 d/a", "f 644 2 b", "l 777 0 l -> ../outside"), tar: tarred(t,
		tar.Header{Name: "./d/a", Size: 3, Typeflag: tar.TypeReg}, tar.Header{Name: "./b", Linkname: "./d/a", Typeflag: tar.TypeLink})}
	// Tars follow one another, with any number of empty blocks between them.
	l.tar = append(append(tarred(t), make([]byte, 3*512)...), l.tar...)
	parent := t.TempDir()
	seen, err := downloaded(t, l, parent)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"outside/safe": "", "to/kept": "", "to/d": "", "to/d/a": "", "to/b": "", "to/l": ""}, seen)
	for _, name := range []string{"d/a", "b"} {
		data, err := os.ReadFile(filepath.Join(parent, "to", name))
		require.NoError(t, err)
		assert.Equal(t, "./d", string(data))
	}
}

func TestSyncRefusesHostileLists(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]string{
		"parent":             listed("f 644 1 ../outside/safe"),
		"parent, inside":     listed("d 755 0 a", "f 644 1 a/../../outside/safe"),
		"absolute":           listed("f 644 1 /tmp/x"),
		"parent itself":      listed("d 755 0 .."),
		"folder itself":      listed("d 700 0 ."),
		"no name":            listed("f 644 1 "),
		"two slashes":        listed("d 755 0 a", "f 644 1 a//b"),
		"trailing slash":     listed("d 755 0 a/"),
		"below a link":       listed("l 777 0 a -> ../outside", "f 644 1 a/safe"),
		"below a file":       listed("f 644 1 a", "f 644 1 a/b"),
		"below nothing":      listed("f 644 1 a/b"),
		"below a later link": listed("f 644 1 a/safe", "l 777 0 a -> ../outside"),
		"twice":              listed("d 755 0 a", "l 777 0 a -> ../outside"),
		"negative size":      listed("f 644 -1 a"),
		"no size":            listed("f 644 x a"),
		"no mode":            listed("f 999 1 a"),
		"long type":          listed("ff 644 1 a"),
		"no fields":          "pax\nfine\n" + zipped("f\x00\x00"),
		"no end":             "pax\nfine\n" + zipped("f\t644\t1\t1.5\ta\x00"),
		"no time":            "pax\nfine\n" + zipped("f\t644\t1\tnever\ta\x00\x00"),
		"coarse nonsense":    "pax\ncoarse\n" + zipped("xyz\t1\t1\ta\x00\x00"),
		"coarse, too short":  "pax\ncoarse\n" + zipped("81a4\t644\x00\x00"),
		"no base64":          "pax\nfine\n!\n",
		"no gzip":            "pax\nfine\nAAAA\n",
		"cut":                listed("f 644 1 a")[:40],
		"nothing":            "",
		"banner":             "Welcome!\npax\nfine\n",
	} {
		seen, err := downloaded(t, &liar{list: list}, t.TempDir())
		require.Error(t, err, name)
		assert.ErrorContains(t, err, `download folder from "sb-1": the list of x cannot be used`, name)
		assert.Equal(t, untouched, seen, name)
	}
}

func TestSyncRefusesHostileTars(t *testing.T) {
	t.Parallel()
	file := func(name string) tar.Header { return tar.Header{Name: name, Size: 4, Typeflag: tar.TypeReg} }
	other := func(kind byte, link string) tar.Header {
		return tar.Header{Name: "./a", Linkname: link, Typeflag: kind}
	}
	good := file("./a")
	for name, c := range map[string]struct {
		tar  []byte
		want string
	}{
		"parent":              {tarred(t, file("../outside/safe")), "not asked for"},
		"parent, inside":      {tarred(t, file("./a/../../outside/safe")), "not asked for"},
		"absolute":            {tarred(t, file("/tmp/sandflare-escape")), "not asked for"},
		"through the link":    {tarred(t, file("./l/safe")), "not asked for"},
		"in place of a link":  {tarred(t, file("./l")), "not asked for"},
		"more than asked for": {tarred(t, good, file("./more")), "not asked for"},
		"twice":               {tarred(t, good, good), "not asked for"},
		"symlink":             {tarred(t, other(tar.TypeSymlink, "../outside/safe")), "something else than a file"},
		"hard link outside":   {tarred(t, other(tar.TypeLink, "../outside/safe")), "something else than a file"},
		"hard link absolute":  {tarred(t, other(tar.TypeLink, "/etc/passwd")), "something else than a file"},
		"hard link to itself": {tarred(t, other(tar.TypeLink, "./a")), "something else than a file"},
		"hard link by a link": {tarred(t, other(tar.TypeLink, "./l/safe")), "something else than a file"},
		"folder":              {tarred(t, other(tar.TypeDir, "")), "something else than a file"},
		"pipe":                {tarred(t, other(tar.TypeFifo, "")), "something else than a file"},
		"device":              {tarred(t, other(tar.TypeChar, "")), "something else than a file"},
		"nothing":             {nil, `"a" did not come`},
		"an empty one":        {tarred(t), `"a" did not come`},
		"cut in the content":  {tarred(t, tar.Header{Name: "./a", Size: 4000, Typeflag: tar.TypeReg})[:2000], "unexpected EOF"},
		"cut in the header":   {tarred(t, good)[:300], "unexpected EOF"},
		"no tar":              {bytes.Repeat([]byte("no tar "), 1000), "invalid tar header"},
	} {
		l := &liar{list: listed("f 644 4 a", "l 777 0 l -> ../outside"), tar: c.tar}
		seen, err := downloaded(t, l, t.TempDir())
		require.ErrorContains(t, err, c.want, name)
		assert.ErrorContains(t, err, `download folder from "sb-1": `, name)
		delete(seen, "to/a") // it may have come before
		assert.Equal(t, map[string]string{"outside/safe": "", "to/kept": "", "to/l": ""}, seen, name)
	}
}

// Somebody who makes a link of a folder while a sync runs does not lead it outside.
func TestSyncIsNotLedOutside(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	folder := filepath.Join(parent, "to", "d")
	l := &liar{list: listed("d 755 0 d", "f 644 4 d/safe"), tar: tarred(t, tar.Header{Name: "./d/safe", Size: 4, Typeflag: tar.TypeReg})}
	l.before = func() {
		assert.NoError(t, os.Remove(folder))
		assert.NoError(t, os.Symlink("../outside", folder))
	}
	seen, err := downloaded(t, l, parent)
	require.ErrorContains(t, err, "escapes")
	assert.Equal(t, map[string]string{"outside/safe": "", "to/kept": "", "to/d": ""}, seen)
}

// A hostile sandbox cannot have more of this side deleted than what is in the folder.
func TestSyncDeletesOnlyInside(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	grow(t, parent, map[string]string{"to/old/file": "", "to/link": "-> ../outside"})
	seen, err := downloaded(t, &liar{list: listed()}, parent)
	require.NoError(t, err)
	assert.Equal(t, untouched, seen)
}

func FuzzSyncList(f *testing.F) {
	f.Add([]byte("f\t644\t1\t1.5\ta\x00\x00"), false)
	f.Add([]byte("81a4\t1\t1\ta\x00\x00"), true)
	f.Fuzz(func(t *testing.T, list []byte, coarse bool) {
		state := map[bool]string{true: "coarse", false: "fine"}[coarse]
		seen, _ := downloaded(t, &liar{list: "pax\n" + state + "\n" + zipped(string(list))}, t.TempDir())
		for name := range seen {
			assert.True(t, name == "outside/safe" || strings.HasPrefix(name, "to/"), name)
		}
	})
}
